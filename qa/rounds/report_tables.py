"""The tables of a round's report: raters, questions to look at, confusion, pairs, rejects."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from imagewikiqa.core.intervals import Interval
from imagewikiqa.core.records import LETTERS, Reject
from imagewikiqa.core.report.markdown import rate_text
from imagewikiqa.core.report.summary import Listing
from imagewikiqa.qa.rounds.records import FLAGS, Answer, Subject, Verdict
from imagewikiqa.qa.rounds.reviews import WORDS

FIGURES = "agreement.json"
SHOWN = 300  # characters of a text on the page; the tables hold all of it
NOTHING = "–"


def listings(
    found: Mapping[str, Any],
    subjects: Sequence[Subject],
    answers: Sequence[Answer],
    rejects: Sequence[Reject],
) -> list[Listing]:
    """Return the tables of the report, long ones last."""
    tables = [_raters(found)]
    if found["review"]:
        tables.append(_review(found["review"]))
    if any(found["flags"].values()):
        tables.append(_flags(found))
    tables += [_confusion(found), _pairs(found), _rejects(rejects)]
    return [*tables, _questions(found, subjects, answers)]


def verdict_figures(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Return how many questions are kept, fixed, dropped or open, and which have to change."""
    return {
        "counts": dict(sorted(Counter(one.verdict for one in verdicts).items())),
        "to_fix": [one.id for one in verdicts if one.verdict == "fix"],
        "to_drop": [one.id for one in verdicts if one.verdict == "drop"],
    }


def decided(verdicts: Sequence[Verdict], subjects: Sequence[Subject]) -> Listing:
    """Return the table of the questions that people want fixed or dropped."""
    known = {one.id: one.question for one in subjects}
    wrong = [one for one in verdicts if one.verdict in ("fix", "drop")]
    counts = Counter(one.verdict for one in verdicts)
    told = ", ".join(f"{count:,} {name}" for name, count in sorted(counts.items()))
    return Listing(
        title="Questions to fix or drop",
        heads=("Verdict", "Reason", "Votes", "Question", "Key", "Id"),
        rows=[
            (one.verdict, one.reason, _votes(one), _short(known[one.id].question_named),
             f"{LETTERS[one.key]}: {_short(known[one.id].choices[one.key])}", one.id)
            for one in sorted(wrong, key=lambda one: (one.verdict != "fix", one.reason, one.id))
        ],
        file=FIGURES,
        note=f"Verdicts on all questions: {told}. An adjudication settles ties before they count;"
        " verify apply writes the verdicts into the set.",
    )  # fmt: skip


def _votes(verdict: Verdict) -> str:
    votes = [f"{letter}\N{NO-BREAK SPACE}{n}" for letter, n
             in zip(LETTERS, verdict.votes, strict=True) if n]  # fmt: skip
    none = [f"none\N{NO-BREAK SPACE}{verdict.none_right}"] if verdict.none_right else []
    return ", ".join(votes + none)


def percent(rate: Mapping[str, Any] | None) -> str:
    """Return a rate of the figures as text with its interval."""
    return rate_text(Interval.model_validate(rate)) if rate else NOTHING


def number(value: float | None, digits: int = 3) -> str:
    """Return a figure as text, a dash for one that has no value."""
    return NOTHING if value is None else f"{value:.{digits}f}"


def spread(alpha: Mapping[str, Any]) -> str:
    """Return alpha as text, with its interval where it has one."""
    if alpha["low"] is None:
        return number(alpha["alpha"])
    return f"{alpha['alpha']:.3f} ({alpha['low']:.3f} to {alpha['high']:.3f})"


def _share(value: float | None) -> str:
    return NOTHING if value is None else f"{100 * value:.1f}%"


def _short(text: str, most: int = SHOWN) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _questions(
    found: Mapping[str, Any], subjects: Sequence[Subject], answers: Sequence[Answer]
) -> Listing:
    known = {one.question.id: one.question for one in subjects}
    said = _said(answers)
    rows = []
    for row in found["by_question"]:
        question = known[row["question_id"]]
        if row["reason"] or question.id in said:
            rows.append((
                row["reason"] or "only a flag or a comment",
                # no break between a letter and its count
                ", ".join(f"{letter}\N{NO-BREAK SPACE}{n}" for letter, n in row["votes"].items()),
                _short(question.question_named),
                f"{row['key']}: {_short(question.choices[question.answer])}",
                _short(" | ".join(said.get(question.id, ())), 600),
                _short(question.class_name, 60),
                question.id,
            ))  # fmt: skip
    return Listing(
        title="Questions to look at",
        heads=("Why", "Votes", "Question", "Key", "Flags and comments", "Class", "Id"),
        rows=rows,
        file=FIGURES,
        note="What most raters answered otherwise comes first, then ties, then questions on which"
        " some disagree. Votes are for the question's own letters, whatever order raters saw.",
    )


def _said(answers: Sequence[Answer]) -> dict[str, list[str]]:
    """Return what raters flagged and wrote, by question; flags in the words that raters saw."""
    said: dict[str, list[str]] = defaultdict(list)
    for one in sorted(answers, key=lambda one: (one.question_id, one.rater)):
        words = [FLAGS[one.kind].get(flag, flag) for flag in one.flags]
        if one.comment.strip():
            words.append(one.comment.strip())
        if words and not one.gold:
            said[one.question_id].append(_short(f"{one.rater}: {'; '.join(words)}", 150))
    return dict(said)


def _raters(found: Mapping[str, Any]) -> Listing:
    return Listing(
        title="Raters",
        heads=("Rater", "Answers", "Skipped", "Right", "Gold right", "Median s", "Under 3 s",
               "Picked 1st to 4th"),
        rows=[
            (row["rater"], row["answers"], row["skipped"], percent(row["right"]),
             f"{_share(row['gold_right'])} of {row['gold']}" if row["gold"] else NOTHING,
             number(row["median_seconds"], 1), _share(row["fast"]),
             " · ".join(f"{100 * one:.0f}%" for one in row["positions"] or ()) or NOTHING)
            for row in found["raters"]
        ],
        file=FIGURES,
        numeric=range(1, 8),
        note="Right is agreement with the key, with a 95% interval clustered by class. Gold"
        " questions count only here. Shares of the four positions far from 25% each, or many"
        " answers under 3 s, say that somebody did not read.",
    )  # fmt: skip


def _review(review: Mapping[str, Any]) -> Listing:
    return Listing(
        title="What the reviews say",
        heads=("Found", "Share of reviews", "Alpha", "Reviews"),
        rows=[
            (WORDS[name], percent(one["share"]), spread(one["alpha"]),
             one["share"]["n"] if one["share"] else 0)
            for name, one in review.items()
        ],
        file=FIGURES,
        numeric=(3,),
    )  # fmt: skip


def _flags(found: Mapping[str, Any]) -> Listing:
    words = FLAGS[found["kind"]]
    return Listing(
        title="Answers with a flag",
        heads=("Flag", "Answers", "Right with it", "Right without it"),
        rows=[
            (words[flag], one["with"]["n"] if one["with"] else 0, percent(one["with"]),
             percent(one["without"]))
            for flag, one in found["flags"].items()
        ],
        file=FIGURES,
        numeric=(1,),
    )  # fmt: skip


def _confusion(found: Mapping[str, Any]) -> Listing:
    cells = found["confusion"]
    heads = list(cells["A"])
    return Listing(
        title="Key and answer",
        heads=("Key", *heads),
        rows=[(key, *(cells[key][name] for name in heads)) for key in LETTERS],
        file=FIGURES,
        numeric=range(1, len(heads) + 1),
        note="How often each letter was answered where each letter is the key.",
    )


def _pairs(found: Mapping[str, Any]) -> Listing:
    return Listing(
        title="Pairs of raters",
        heads=("First", "Second", "Questions", "Same answer", "Cohen's kappa"),
        rows=[
            (one["first"], one["second"], one["units"], _share(one["agreed"]),
             number(one["kappa"]))
            for one in found["cohen"]
        ],
        file=FIGURES,
        numeric=(2, 3, 4),
    )  # fmt: skip


def _rejects(rejects: Sequence[Reject]) -> Listing:
    reasons = Counter((one.stage, one.reason) for one in rejects)
    return Listing(
        title="What could not be used",
        heads=("Stage", "Reason", "Count"),
        rows=[
            (stage, _short(reason), count)
            for (stage, reason), count in sorted(
                reasons.items(), key=lambda pair: (-pair[1], pair[0])
            )
        ],
        file="rejects.jsonl",
        numeric=(2,),
    )
