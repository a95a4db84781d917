"""What a run report counts: the funnel, reasons, forms, letters, and what judges said."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imagewikiqa.core.intervals import Interval, clustered_interval
from imagewikiqa.core.records import (
    LETTERS,
    Item,
    Judged,
    JudgeScore,
    Opinion,
    Page,
    Question,
    Reject,
    Repaired,
)
from imagewikiqa.qa.audit import AuditSummary
from imagewikiqa.qa.position_bias import PositionBias

CONDITIONS = ("with_name", "without_name", "closed_book")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """Everything that a run report is drawn from."""

    title: str
    questions: Sequence[Question]
    items: Sequence[Item]
    pages: Sequence[Page]
    rejects: Sequence[Reject]
    drafts_count: int
    judged: Sequence[Judged]
    lineage: Mapping[str, Any]
    audit: AuditSummary | None
    sections: Sequence[str] = ()  # titles that lead into a section of a page about more
    bias: Sequence[PositionBias] = ()
    opinions: Sequence[Opinion] = ()
    repaired: Sequence[Repaired] = ()
    notes: Sequence[str] = ()  # what a reader should know of how judges were chosen


def letter_counts(facts: RunFacts) -> dict[str, int]:
    """Return how many questions have each letter as the right one."""
    used = Counter(question.answer for question in facts.questions)
    return {letter: used[index] for index, letter in enumerate(LETTERS)}


def form_counts(facts: RunFacts) -> list[tuple[str, int]]:
    """Return question forms, or kinds of an LLM's questions, with counts, most frequent first."""
    named = (q.author.form or q.author.kind for q in facts.questions)
    forms = Counter(name for name in named if name)
    return sorted(forms.items(), key=lambda pair: (-pair[1], pair[0]))


def per_class(facts: RunFacts) -> dict[str, int]:
    """Return the number of questions of each class that has one, by class id."""
    return Counter(question.class_id for question in facts.questions)


def length_ranks(facts: RunFacts) -> tuple[float, float, float, float]:
    """Return the share of questions whose right option is the longest, second, third, shortest.

    Options of equal length share their places; all zero without questions.
    """
    places = [0.0] * 4
    for question in facts.questions:
        lengths = [len(text) for text in question.choices]
        right = lengths[question.answer]
        longer = sum(length > right for length in lengths)
        ties = lengths.count(right)
        for place in range(longer, longer + ties):
            places[place] += 1 / ties
    first, second, third, last = (place / max(1, len(facts.questions)) for place in places)
    return first, second, third, last


def reasons(facts: RunFacts) -> list[tuple[str, str, int]]:
    """Return (stage, reason, count) of every reject, by stage in order of work, then count."""
    counts = Counter((reject.stage, reject.reason) for reject in facts.rejects)
    order = {stage: at for at, stage in enumerate(("pages", "draft", "filter", "assemble"))}
    rows = [(stage, reason, count) for (stage, reason), count in counts.items()]
    return sorted(rows, key=lambda row: (order.get(row[0], len(order)), row[0], -row[2], row[1]))


def kept_count(facts: RunFacts) -> int:
    """Return how many drafts all judges kept."""
    return sum(row.keep for row in facts.judged)


def judge_rates(facts: RunFacts) -> dict[str, dict[str, Interval]]:
    """Return, by judge and condition, the rate of right answers over the questions of the set.

    Intervals are clustered by class. A question's judgements are those of its draft, which bears
    its id, else the one stored with it; a condition that was never asked is not there. Of several
    votes the first counts: later ones are asked only where they are needed.
    """
    by_draft = {row.id: row.judges for row in facts.judged}
    seen: dict[tuple[str, str], list[tuple[float, str]]] = {}
    for question in facts.questions:
        stored = () if question.judge is None else (question.judge,)
        answer = 0 if question.id in by_draft else question.answer  # a draft's is the first option
        for judgement in by_draft.get(question.id, stored):
            for condition in CONDITIONS:
                score: JudgeScore | None = getattr(judgement, condition)
                if score is not None:
                    rates = seen.setdefault((score.judge, condition), [])
                    first = score.picks[:4] if score.trials > 4 else ()
                    rate = first.count(answer) / 4 if first else score.rate
                    rates.append((rate, question.class_id))
    found: dict[str, dict[str, Interval]] = {}
    for (judge, condition), pairs in sorted(seen.items()):
        interval = clustered_interval([rate for rate, _ in pairs], [name for _, name in pairs])
        found.setdefault(judge, {})[condition] = interval
    return found


def pages_without_question(facts: RunFacts) -> list[Page]:
    """Return the pages none of whose classes has a question, by title."""
    asked = per_class(facts).keys()
    return sorted(
        (page for page in facts.pages if not asked & set(page.class_ids)), key=lambda p: p.title
    )


def shared_pages(facts: RunFacts) -> list[str]:
    """Return the articles that serve several classes, each with their ids, by title."""
    shared = sorted((p for p in facts.pages if len(p.class_ids) > 1), key=lambda p: p.title)
    return [f"{page.title} ({', '.join(page.class_ids)})" for page in shared]


def classes_of_several(facts: RunFacts) -> list[str]:
    """Return the classes with several articles, each with their titles, by class id."""
    titles: dict[str, list[str]] = {}
    for page in facts.pages:
        for class_id in page.class_ids:
            titles.setdefault(class_id, []).append(page.title)
    several = sorted(pair for pair in titles.items() if len(pair[1]) > 1)
    return [f"{class_id} ({', '.join(found)})" for class_id, found in several]


def flat(lineage: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Return nested settings as (dotted name, text) rows, sorted by name."""
    rows: list[tuple[str, str]] = []
    for name, value in sorted(lineage.items()):
        if isinstance(value, Mapping):
            rows += flat(value, f"{prefix}{name}.")
        else:
            rows.append((f"{prefix}{name}", _text(value)))
    return rows


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_text(part)}" for name, part in value.items())
    if isinstance(value, (list, tuple)):
        nested = any(isinstance(part, Mapping) for part in value)
        return ("; " if nested else ", ").join(map(_text, value))
    return "" if value is None else str(value)
