"""The report of a round: its figures as agreement.json, and a page that says what they mean."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from imagewikiqa.core.files import publish_text
from imagewikiqa.core.intervals import Interval
from imagewikiqa.core.records import Reject
from imagewikiqa.core.report.plots import bar_chart, interval_chart, line_chart
from imagewikiqa.core.report.summary import Plot, Summary, write_summary
from imagewikiqa.qa.rounds.figures import round_figures
from imagewikiqa.qa.rounds.records import Answer, Subject, Verdict
from imagewikiqa.qa.rounds.report_tables import (
    FIGURES,
    NOTHING,
    decided,
    listings,
    number,
    percent,
    spread,
    verdict_figures,
)

TITLES = {
    "article": "Answered with class and article",
    "picture": "Answered from the picture",
    "review": "Reviewed for quality",
    None: "No answer yet",
}
MEANS = {
    "article": "agree with the key",
    "picture": "are right, the human baseline of this set",
    "review": "find the key right and nothing else",
}
FILES = {
    FIGURES: "every figure of this page, and the votes on every question",
    "answers.jsonl": "every answer, joined to its question",
    "rejects.jsonl": "what could not be used, with its reason",
}


def write_round_report(
    folder: Path,
    subjects: Sequence[Subject],
    answers: Sequence[Answer],
    rejects: Sequence[Reject],
    notes: Sequence[str] = (),
    verdicts: Sequence[Verdict] = (),
) -> dict[str, Any]:
    """Publish agreement.json, report.html, report.md and plots/ in a round; return the figures.

    With `verdicts` the page begins with the questions to fix or drop.

    Raises ToolkitError on answers that do not fit the subjects and MissingExtraError without
    statsmodels.
    """
    found = round_figures(subjects, answers) | {"verdicts": verdict_figures(verdicts)}
    text = json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False)
    publish_text(folder / FIGURES, f"{text}\n")
    page = summary(found, subjects, answers, rejects, notes)
    if verdicts:
        page = replace(page, listings=[decided(verdicts, subjects), *page.listings])
    write_summary(folder, page)
    return found


def summary(
    found: Mapping[str, Any],
    subjects: Sequence[Subject],
    answers: Sequence[Answer],
    rejects: Sequence[Reject],
    notes: Sequence[str] = (),
) -> Summary:
    """Return the page of a round."""
    return Summary(
        title=TITLES[found["kind"]],
        eyebrow="Round of human verification",
        lead=_lead(found),
        figures=_tiles(found),
        plots=_plots(found),
        listings=listings(found, subjects, answers, rejects),
        files=FILES,
        notes=[*found["sentences"], *_method(found), *notes],
    )


def _lead(found: Mapping[str, Any]) -> str:
    if not found["answers"]:
        return " ".join(found["sentences"])
    return (
        f"{found['answers']:,} answers to {found['answered_questions']:,} of"
        f" {found['questions']:,} questions; {percent(found['accuracy'])} of the answers "
        f"{MEANS[found['kind']]}. {' '.join(found['sentences'])}"
    ).strip()


def _tiles(found: Mapping[str, Any]) -> dict[str, object]:
    fleiss, consensus = found["fleiss"], found["dawid_skene"]
    return {
        "answers": found["answers"],
        "questions answered": found["answered_questions"],
        "answers right": _rate(found["accuracy"]),
        "majority right": _rate(found["majority"]["accuracy"]),
        "Dawid-Skene right": _rate(consensus["accuracy"]),
        "Krippendorff's alpha": number(found["alpha"]["alpha"]),
        "Fleiss' kappa": number(fleiss["kappa"] if fleiss else None),
        "Cohen's kappa, mean of pairs": number(found["cohen_mean"]),
        "skipped": found["skipped"],
        "median seconds": number(found["seconds"]["median"], 1),
    }


def _rate(rate: Mapping[str, Any] | None) -> str:
    return f"{100 * rate['estimate']:.1f}%" if rate else NOTHING


def _plots(found: Mapping[str, Any]) -> dict[str, Plot]:
    drawn = {}
    rated = [row for row in found["raters"] if row["right"]]
    if rated:
        svg = interval_chart(
            [row["rater"] for row in rated],
            [Interval.model_validate(row["right"]) for row in rated],
            "right, % of answers",
        )
        caption = "How often each rater gave the key, with 95% intervals clustered by class."
        drawn["raters"] = Plot(svg=svg, caption=caption)
    if len(found["enough"]) > 1:
        drawn["enough"] = _curve(found["enough"])
    if found["seconds"]["answers"]:
        spans = found["seconds"]["spans"]
        svg = bar_chart(list(spans), list(spans.values()), "answers")
        drawn["seconds"] = Plot(svg=svg, caption="How long tasks took, with the task on screen.")
    return drawn


def _curve(steps: Sequence[Mapping[str, Any]]) -> Plot:
    lines = {
        "as the key": [step["right"] for step in steps],
        "as the majority of all": [step["agreeing"] for step in steps],
    }
    sizes = [step["units"] for step in steps]
    units = ", ".join(f"{size:,}" for size in (sizes if len(set(sizes)) > 1 else sizes[:1]))
    return Plot(
        svg=line_chart([step["k"] for step in steps], lines, "% of questions", "answers used"),
        caption="How many raters are enough: what the majority of k answers says, on average over"
        f" every way to draw k; a tie counts in equal parts. Rests on {units} questions.",
    )


def _method(found: Mapping[str, Any]) -> list[str]:
    """Say how the figures were computed."""
    if not found["answers"]:
        return []
    fleiss, majority, weighed = found["fleiss"], found["majority"], found["dawid_skene"]
    said = [
        f"Majority: {percent(majority['accuracy'])} of the questions; {majority['ties']:,} ties"
        " count as not right.",
        f"Dawid and Skene's consensus weighs raters by their errors:"
        f" {percent(weighed['accuracy'])}; it differs from the majority on"
        f" {weighed['unlike_majority']:,} questions.",
        f"Krippendorff's alpha (nominal; 95% jackknife over classes): {spread(found['alpha'])} on"
        f" {found['alpha']['units']:,} questions with two answers or more.",
    ]
    if fleiss:
        said.append(
            f"Fleiss' kappa rests on the {fleiss['units']:,} questions with exactly"
            f" {fleiss['answers']} answers."
        )
    return [*said, "All intervals are 95% and clustered by class. 'None of these' is never right."]
