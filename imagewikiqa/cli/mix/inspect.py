"""`imagewikiqa mix inspect`: look at every sample of a mixture, write tables and one page."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imagewikiqa.cli.config import Closed
from imagewikiqa.cli.output import show
from imagewikiqa.cli.progress import watcher
from imagewikiqa.cli.small_job import finish, small_job
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.digests import digest
from imagewikiqa.mixtures.inspect.duplicates import BOTH
from imagewikiqa.mixtures.inspect.figures import summary
from imagewikiqa.mixtures.inspect.inspection import inspect_mixture
from imagewikiqa.mixtures.inspect.report import report
from imagewikiqa.mixtures.inspect.tables import write_tables
from imagewikiqa.mixtures.inspect.tokenizer import tokenizer_file
from imagewikiqa.mixtures.reader.trusted import read_manifest


class InspectConfig(Closed):
    """What decides an inspection."""

    folder: str
    classes: str | None = None
    tokenizer: str | None = None
    seed: int = 0
    limit: int | None = None


def run_inspect(settings: InspectConfig, out: Path | None, *, workers: int, as_json: bool) -> None:
    """Look at a mixture and write the report; `out` is work/inspect in it where none is given."""
    folder = Path(settings.folder)
    inputs = {"mixture": read_manifest(folder).sha256}
    classes = load_classes(settings.classes) if settings.classes else ()
    tokenizer = tokenizer_file(Path(settings.tokenizer)) if settings.tokenizer else None
    if classes:
        inputs["classes"] = digest([entry.model_dump(mode="json") for entry in classes])
    if tokenizer is not None:
        inputs["tokenizer"] = tokenizer.sha256
    if out is None:  # our own place: an earlier look with other settings makes way
        out = folder / "work" / "inspect"
        shutil.rmtree(out, ignore_errors=True)
    paths = ("folder", "classes", "tokenizer")
    with small_job(out, "mix inspect", settings, inputs, paths) as run:
        found = inspect_mixture(
            folder, out, classes=classes, tokenizer=tokenizer, seed=settings.seed,
            limit=settings.limit, workers=workers, progress=watcher(as_json),
        )  # fmt: skip
        files = write_tables(found, out)
        finish(run, report(found), {"counts": {"samples": found.tally.samples}}, files)
    figures = summary(found)
    place = {"report": str(out / "report.html")}
    show((figures if as_json else _told(figures)) | place, as_json)


def _told(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a person reads in the terminal; the rest is on the page."""
    shown = ("samples", "text_only", "turns", "shards", "bytes", "by_source", "by_template")
    told = {name: figures[name] for name in shown}
    told["classes seen"] = f"{figures['classes_seen']} of {figures['classes_known']}"
    told[f"tokens, {figures['tokens_are']}"] = figures["tokens"]
    told["duplicates of another row"] = figures["repeats"][BOTH]["by_other_row"]
    told["samples with a fault"] = figures["faulty"]
    return told | ({"faults": figures["faults"]} if figures["faults"] else {})
