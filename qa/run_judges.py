"""What a run report says of its judges: calls spared, lean towards a letter, rates by question."""

from collections import Counter

from imagewikiqa.core.intervals import Interval, wilson
from imagewikiqa.core.records import LETTERS, JudgeScore, Question
from imagewikiqa.core.report.markdown import rate_text
from imagewikiqa.core.report.plots import interval_chart
from imagewikiqa.qa.run_facts import RunFacts

CONDITIONS_NAMED = {"with_name": "with the name", "without_name": "without it"}
PLOTTED = 4  # judges and conditions in one plot, with four letters each


def trials_asked(facts: RunFacts) -> tuple[int, int]:
    """Return the trials that judges were asked, and those of the full grid they are a part of."""
    asked = sum(
        one.with_name.trials + one.without_name.trials for row in facts.judged for one in row.judges
    )
    return asked, asked + sum(row.skipped for row in facts.judged)


def saving_text(facts: RunFacts) -> str:
    """Return what early ends spared, in words; empty when nothing was judged."""
    asked, grid = trials_asked(facts)
    if not grid:
        return ""
    return (
        f"{asked:,} trials settled {len(facts.judged):,} drafts; the full grid has {grid:,}, so"
        f" early ends spared {100 * (1 - asked / grid):.1f}%."
    )


def bias_rows(facts: RunFacts) -> list[tuple[str, ...]]:
    """Return judge, condition, share of picks on each letter, and whether the judge leans."""
    return [
        (
            one.judge,
            CONDITIONS_NAMED[one.condition],
            *map(rate_text, one.shares),
            "leans" if one.leans else "no lean seen",
        )
        for one in facts.bias
    ]


def bias_plot(facts: RunFacts) -> tuple[str, str]:
    """Return the plot of picks by letter and its caption."""
    shares: dict[str, Interval] = {}
    for one in facts.bias[:PLOTTED]:
        for letter, share in zip(LETTERS, one.shares, strict=True):
            shares[f"{letter} {CONDITIONS_NAMED[one.condition]}, {one.judge}"] = share
    return (
        interval_chart(list(shares), list(shares.values()), "of a judge's picks, %", 0.25),
        "How often each judge picks each letter, over all drafts, with 95% intervals clustered by"
        " draft. Right options stand at every letter alike. Dashed: no lean.",
    )


def opinion_counts(facts: RunFacts) -> list[tuple[str, int]]:
    """Return how many drafts each verdict of the second opinion has, in order of trust."""
    counts = Counter(opinion.verdict for opinion in facts.opinions)
    return [(v, counts[v]) for v in ("supported", "disputed", "unclear") if counts[v]]


def repair_text(facts: RunFacts) -> str:
    """Return how many guessed drafts were mended by new wrong options; empty when none tried."""
    tried = facts.repaired
    if not tried:
        return ""
    kept = sum(one.kept for one in tried)
    return (
        f"{len(tried):,} guessed drafts were given new wrong options;"
        f" {kept:,} of them passed when judged again."
    )


def question_notes(facts: RunFacts, question: Question) -> list[str]:
    """Return each judge's rates on one question, with Wilson's intervals over its trials."""
    by_draft = {row.id: row.judges for row in facts.judged}
    stored = () if question.judge is None else (question.judge,)
    return [
        f"{one.with_name.judge}: {_rate(one.with_name)} with the name,"
        f" {_rate(one.without_name)} without it"
        for one in by_draft.get(question.id, stored)
    ]


def _rate(score: JudgeScore) -> str:
    found = wilson(score.right, score.trials)
    return (
        f"{score.right} of {score.trials} right ({100 * found.low:.0f} to {100 * found.high:.0f}%)"
    )
