"""`imagewikiqa mix export`: a finished mixture as rows for trainers, or as a folder for a hub."""

import shutil
from pathlib import Path
from typing import Any

from imagewikiqa.cli.config import Closed
from imagewikiqa.cli.output import show
from imagewikiqa.cli.progress import watcher
from imagewikiqa.cli.small_job import finish, small_job
from imagewikiqa.core.code import code_digest
from imagewikiqa.core.digests import digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.report.summary import Summary
from imagewikiqa.core.runs import Run
from imagewikiqa.mixtures.exports.forms import Form, form_of
from imagewikiqa.mixtures.exports.hub import HubReport, write_hub
from imagewikiqa.mixtures.exports.rows import FACTORY, SUMS, RowReport, export_rows
from imagewikiqa.mixtures.exports.shards import Contents, contents_of

_DECIDING = ("imagewikiqa.core", "imagewikiqa.mixtures")


class ExportConfig(Closed):
    """What decides an export."""

    mixture: Path
    to: str


def run_export(
    folder: Path, to: str, out: Path, *, pixels: bool | None, workers: int, as_json: bool
) -> None:
    """Write a mixture in a form of `mixtures.exports`, or its folder for a hub."""
    if to == "hub":
        told = write_hub(
            contents_of(folder), out, pixels=pixels, workers=workers, progress=watcher(as_json)
        )
        show(_hub_summary(told, out), as_json)
        return
    form = form_of(to)
    if pixels is not None:
        raise ToolkitError("--with-pixels and --without-pixels are for --to hub: leave them out")
    contents = contents_of(folder)
    settings = ExportConfig(mixture=folder, to=to)
    with small_job(
        out, "mix export", settings, {"the mixture": contents.sha256}, free=("mixture",)
    ) as run:
        report = export_rows(
            contents, out, form, work=_work(run), workers=workers, progress=watcher(as_json)
        )
        counts = {"rows": report.rows, "images": report.images}
        finish(run, _summary(contents, form, report), {"counts": counts}, list(report.files))
    show({"out": str(out), "data": str(out / form.data), **counts}, as_json)


def _work(run: Run) -> Path:
    """Return the folder of finished shards; what other code or another mixture began is removed."""
    kept = run.work / digest([run.identity, code_digest(_DECIDING)])[:16]
    for one in run.work.iterdir():
        if one.is_dir() and one != kept:
            shutil.rmtree(one)
    return kept


def _summary(contents: Contents, form: Form, report: RowReport) -> Summary:
    files = {
        form.data: f"a row for each sample, in the order of the shards; read by {form.readers}",
        "images/": "the images as they lie in the shards: SHARD/KEY.EXT",
        SUMS: "their sha256: sha256sum -c images.sha256",
        FACTORY: "what LLaMA-Factory's --dataset_dir needs to know",
    }
    there = {file.name for file in report.files} | ({"images/"} if report.images else set())
    return Summary(
        title=f"Export to {form.name}",
        eyebrow="Training mixture",
        lead=f"{report.rows:,} samples of a mixture, as rows that trainers read unchanged.",
        figures={
            "rows": report.rows,
            "with an image": report.images,
            "text only": report.rows - report.images,
            "shards read": len(contents.shards),
        },
        notes=[f"The rows are read unchanged by {form.readers}."],
        files={name: said for name, said in files.items() if name in there},
    )


def _hub_summary(told: HubReport, out: Path) -> dict[str, Any]:
    said: dict[str, Any] = {"out": str(out), "samples": told.samples, "files": told.files}
    said["with_pixels"] = told.with_pixels
    if told.unlicensed:
        said["licence_unknown"] = ", ".join(told.unlicensed)
    if told.imagenet and told.with_pixels:
        said["gate"] = (
            "the card asks for ImageNet's terms, but only the repository's settings can gate it:"
            " turn gated access on before the upload"
        )
    return said
