"""`imagewikiqa builders resolve`: the articles of every class, doubts left to a person."""

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from imagewikiqa.builders.pages import open_source
from imagewikiqa.builders.resolve.from_api import FromApi
from imagewikiqa.builders.resolve.from_pages import FromPages
from imagewikiqa.builders.resolve.knowledge import Knowledge
from imagewikiqa.builders.resolve.records import Resolution
from imagewikiqa.builders.resolve.resolve import resolve
from imagewikiqa.builders.resolve.review import apply_review, read_review, write_review
from imagewikiqa.builders.resolve.table import summary, write_class_list
from imagewikiqa.builders.wiki.api import open_api
from imagewikiqa.cli.config import Closed
from imagewikiqa.cli.inputs import source_digest
from imagewikiqa.cli.job import class_list
from imagewikiqa.cli.output import show
from imagewikiqa.cli.progress import watcher
from imagewikiqa.cli.small_job import finish, small_job, work_key
from imagewikiqa.cli.wiki import WikiAccess, began, ready_store
from imagewikiqa.core.digests import digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish_text
from imagewikiqa.core.progress import Progress
from imagewikiqa.core.records import ClassEntry
from imagewikiqa.core.report.summary import Listing, Summary
from imagewikiqa.core.runs import Run, pretty
from imagewikiqa.core.tables import read_table, write_table

TABLE, REVIEW, CLASSES = "resolutions.jsonl", "review.csv", "classes.jsonl"


class ResolveConfig(Closed):
    """What decides the resolutions."""

    classes: str = "imagenet"
    pages: str = "wikipedia"
    language: str = "en"
    review: Path | None = None


def run_resolve(
    settings: ResolveConfig,
    out: Path,
    access: WikiAccess,
    *,
    limit: int | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Resolve, apply what a person decided, and write the table, the review file and the report."""
    listed = class_list(settings.classes)
    classes = listed[:limit]
    site = access.site(settings.language)
    if settings.pages.startswith("pins:"):
        raise ToolkitError("pins are of titles already chosen: resolve from wikipedia or a dump")
    if settings.pages != "wikipedia":
        open_source(settings.pages)
    if settings.review is not None and not settings.review.is_file():
        raise ToolkitError(
            f"there is no file {settings.review}: give --review the review.csv of this run, filled"
            " in by a person"
        )
    if dry_run:
        show({"dry_run": True, "out": str(out), "classes": len(classes)}, as_json)
        return
    inputs = {
        "classes": digest([entry.model_dump(mode="json") for entry in listed]),
        "pages": source_digest(settings.pages, site),
    }
    with small_job(
        out, "builders resolve", settings, inputs, ("classes", "pages"), ("review",)
    ) as run:
        found = _resolutions(run, settings, classes, access, watcher(as_json))
        found = apply_review(found, _decisions(run, settings.review, found))
        counts = _write(run, found, classes)
    show({"out": str(out), **counts}, as_json)


def _resolutions(
    run: Run,
    settings: ResolveConfig,
    classes: Sequence[ClassEntry],
    access: WikiAccess,
    progress: Progress,
) -> list[Resolution]:
    """Return what the resolver alone decides: kept from this run, or found now."""
    table, receipt = run.work / TABLE, run.work / "resolved.json"
    key = digest([work_key(run), len(classes)])  # shared articles are found among them
    if receipt.is_file() and table.is_file():
        if json.loads(receipt.read_text(encoding="utf-8")) == {"key": key}:
            return list(read_table(table, Resolution))
    with ExitStack() as stack:
        knowledge: Knowledge
        if settings.pages == "wikipedia":
            ready_store(access)
            site, since = access.site(settings.language), began(run.path)
            api = stack.enter_context(open_api(site, access.store, since=since))
            knowledge = FromApi(api)
        else:
            knowledge = FromPages(open_source(settings.pages))
        found = resolve(classes, knowledge, progress)
    write_table(table, found)
    publish_text(receipt, pretty({"key": key}))
    return found


def _decisions(
    run: Run, review: Path | None, found: Sequence[Resolution]
) -> dict[str, tuple[str, ...]]:
    """Return what people decided in this run, by all review files that it was given."""
    file = run.work / "decisions.json"
    known = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    decided = {class_id: tuple(titles) for class_id, titles in known.items()}
    if review is not None:
        decided |= read_review(review, found)
        publish_text(file, pretty({name: list(titles) for name, titles in decided.items()}))
    return {name: titles for name, titles in decided.items() if name in {one.id for one in found}}


def _write(run: Run, found: Sequence[Resolution], classes: Sequence[ClassEntry]) -> dict[str, Any]:
    write_table(run.path / TABLE, found)
    open_rows = write_review(run.path / REVIEW, found, classes)
    files = [run.path / TABLE, run.path / REVIEW]
    if any(one.titles for one in found):
        write_class_list(run.path / CLASSES, classes, found)
        files.append(run.path / CLASSES)
    write_table(run.path / "rejects.jsonl", [])
    counts = {**summary(found), "to_review": open_rows}
    finish(run, _summary(found), {"counts": counts}, [*files, run.path / "rejects.jsonl"])
    return counts


def _summary(found: Sequence[Resolution]) -> Summary:
    figures = summary(found)
    doubts = [one for one in found if one.outcome != "resolved"]
    surest = sorted((one for one in found if one.titles), key=lambda one: (one.confidence, one.id))
    return Summary(
        title="Articles of the classes",
        eyebrow="Resolution",
        lead=(
            f"{figures['resolved']:,} of {figures['classes']:,} classes have their article; the"
            f" others are in {REVIEW} for a person: fill in its last column and run the same"
            f" command with --review {REVIEW}."
        ),
        figures={name.replace("_", " "): count for name, count in figures.items()},
        counts={
            "Outcomes": Counter(one.outcome for one in found),
            "Confidence of the resolved": Counter(_band(one.confidence) for one in surest),
        },
        listings=[
            Listing(
                title="Left to a person",
                heads=("Class", "Outcome", "Candidates", "Why"),
                rows=[
                    (
                        one.class_name,
                        one.outcome,
                        "; ".join(f"{c.title} ({c.share:.0%})" for c in one.candidates[:3]),
                        one.note,
                    )
                    for one in doubts
                ],
                file=REVIEW,
            ),
            Listing(
                title="Resolved, the least sure first",
                heads=("Class", "Articles", "Confidence", "Shared with", "How"),
                rows=[
                    (
                        one.class_name,
                        " | ".join(one.titles),
                        f"{one.confidence:.1%}",
                        ", ".join(one.shared_with),
                        one.how,
                    )
                    for one in surest
                ],
                file=TABLE,
                numeric=(2,),
            ),
        ],
        files={
            TABLE: "every decision with its candidates and evidence",
            REVIEW: "the classes left open, for a person",
            CLASSES: "the class list with its titles, ready for rebuild --classes",
        },
    )


def _band(confidence: float) -> str:
    bounds = ((0.999, "over 99.9%"), (0.99, "99 to 99.9%"), (0.95, "95 to 99%"))
    return next((name for bound, name in bounds if confidence >= bound), "under 95%")
