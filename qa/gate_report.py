"""What the gate says of itself: figures, the measures before and after as a table and a plot."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imagewikiqa.core.files import publish_text
from imagewikiqa.core.intervals import Interval
from imagewikiqa.core.report.plots import interval_chart
from imagewikiqa.core.report.summary import Listing, Summary
from imagewikiqa.qa.audit.records import AuditQuestion
from imagewikiqa.qa.gate import Gated, Measure

TEN = 10


def identity(one: AuditQuestion) -> str:
    """Return what a question is known by wherever it stands in a file."""
    return "\n".join((one.first.class_key or "", one.question, *sorted(one.choices)))


def figures(found: Gated[AuditQuestion]) -> dict[str, Any]:
    """Return the figures of a gate as JSON: counts, reasons, and every measure twice."""
    return {
        "questions": len(found.kept) + len(found.dropped),
        "kept": len(found.kept),
        "most": found.most,
        "share_of_most": round(len(found.kept) / found.most, 4) if found.most else None,
        "passed": found.passed,
        "reasons": dict(sorted(Counter(one.reason for one in found.dropped).items())),
        "before": {one.name: _row(one) for one in found.before},
        "after": {one.name: _row(one) for one in found.after},
    }


def _row(one: Measure) -> dict[str, Any]:
    return {**one.interval.model_dump(), "chance": one.chance, "at_chance": one.at_chance}


def summary(found: Gated[AuditQuestion], file: str) -> Summary:
    """Return the report: what was kept, each guess before and after, and ten that were dropped."""
    told = figures(found)
    share = told["share_of_most"]
    verdict = "every guess is at chance" if found.passed else "some guess is still off chance"
    return Summary(
        title="What can be answered without looking",
        eyebrow=f"Blind-guess gate over {file}",
        lead=(
            f"{told['kept']:,} of {told['questions']:,} questions were kept; {verdict}. Chance has"
            " to lie within the interval: below chance is a leak as well."
        ),
        figures={
            "questions": told["questions"],
            "kept": told["kept"],
            "most that could be kept": found.most,
            "share of that most": "–" if share is None else f"{100 * share:.0f}%",
            "leaking before": sum(not one.at_chance for one in found.before),
            "leaking after": sum(not one.at_chance for one in found.after),
        },
        counts={"Questions dropped, by reason": told["reasons"]},
        listings=[
            Listing(
                title="Ways of guessing",
                heads=("Guess", "Before", "After", "Chance", "Verdict"),
                rows=[
                    (a.name, _percent(b.interval), _percent(a.interval), f"{100 * a.chance:.1f}%",
                     "at chance" if a.at_chance else "leak")
                    for b, a in zip(found.before, found.after, strict=True)
                ],
                file="gate.json",
                note="Right answers in percent, with 95% intervals clustered by class. The models"
                " are cross-validated: whole classes are held out.",
            ),
            Listing(
                title="Ten that were dropped",
                heads=("Question", "Right option", "Other options", "Reason", "Guessed by"),
                rows=[
                    (one.question.question, one.question.right, _others(one.question), one.reason,
                     ", ".join(one.guessed_by))
                    for one in found.dropped[:TEN]
                ],
                file="dropped.jsonl",
                total=len(found.dropped),
            ),
        ],
        files={
            "kept.jsonl": "the rows that passed, as they were",
            "dropped.jsonl": "the rows that did not, each with its reason",
            "gate.json": "every figure of this page",
            "plots/before.svg": "every way of guessing before",
            "plots/after.svg": "and after",
        },
        notes=[
            "The most that could be kept is the largest part of the set whose longest option is at"
            " chance within Wilson's interval, computed exactly; all other guesses come on top.",
        ],
    )  # fmt: skip


def write_plots(found: Gated[AuditQuestion], folder: Path) -> None:
    """Publish before.svg and after.svg: every way of guessing with its interval."""
    for name, measured in (("before", found.before), ("after", found.after)):
        publish_text(folder / f"{name}.svg", _plot(measured))


def _plot(measured: Sequence[Measure]) -> str:
    rates = [one.interval for one in measured]
    chance = measured[0].chance if measured else None
    return interval_chart([one.name for one in measured], rates, "% right", chance)


def _percent(one: Interval) -> str:
    return f"{100 * one.estimate:.1f} ({100 * one.low:.1f} to {100 * one.high:.1f})"


def _others(question: AuditQuestion) -> str:
    return " | ".join(text for at, text in enumerate(question.choices) if at != question.answer)
