"""`imagewikiqa builders llava`: a LLaVA-style file or mix to one clean parquet."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from imagewikiqa.builders.imagesets.dispositions import DISPOSITIONS
from imagewikiqa.builders.llava.defects import DEFECTS, REPAIRS
from imagewikiqa.builders.llava.index import LlavaReport, index_rows
from imagewikiqa.builders.llava.mix import MixPart, read_mix
from imagewikiqa.cli.config import Closed
from imagewikiqa.cli.inputs import listing_digest
from imagewikiqa.cli.output import show
from imagewikiqa.cli.progress import watcher
from imagewikiqa.cli.small_job import finish, small_job, work_key
from imagewikiqa.core.digests import digest, file_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.report.summary import Listing, Summary

_NOT_LOOKED = (
    "No folder of images was given with --images: none was looked for, so rows with a missing or"
    " broken image are still among those kept."
)


class LlavaConfig(Closed):
    """What decides the rows."""

    file: Path
    data: Path | None = None
    images: Path | None = None
    seed: int = Field(0, ge=0)


def run_llava(
    settings: LlavaConfig,
    out: Path,
    *,
    limit: int | None,
    workers: int,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Read, clean and look at every row; write rows.parquet, rejects.jsonl and the report."""
    parts = read_mix(settings.file, settings.data)
    images = settings.images
    if images is not None and not images.is_dir():
        raise ToolkitError(
            f"there is no folder {images}: give --images the folder below which the rows name"
            " their images"
        )
    if dry_run:
        strategies = {part.source: part.strategy for part in parts}
        show({"dry_run": True, "out": str(out), "files": strategies}, as_json)
        return
    inputs = {part.source: file_digest(part.path) for part in parts}
    inputs["the mix"] = digest([(part.source, part.strategy) for part in parts])
    if images is not None:
        inputs["the image folder"] = listing_digest(images, without=out)
    paths = ("file", "data", "images")  # what they hold is among the inputs
    with small_job(out, "builders llava", settings, inputs, free=paths) as run:
        report = index_rows(
            parts,
            out,
            images=images,
            seed=settings.seed,
            limit=limit,
            workers=workers,
            key=work_key(run),
            progress=watcher(as_json),
        )
        counts = _counts(report)
        files = [out / "rows.parquet", out / "rejects.jsonl"]
        finish(run, _summary(settings, parts, report), {"counts": counts}, files)
    show({"out": str(out), **counts}, as_json)


def _counts(report: LlavaReport) -> dict[str, Any]:
    return {
        "read": report.read,
        "kept": report.kept,
        "text_only": report.text_only,
        "multi_image": report.multi_image,
        "repairs": dict(sorted(report.repairs.items())),
        "rejects": dict(sorted(report.rejects.items())),
        "images": dict(sorted(report.dispositions.items())),
    }


def _summary(settings: LlavaConfig, parts: tuple[MixPart, ...], report: LlavaReport) -> Summary:
    looked_at = report.dispositions if settings.images else {}
    return Summary(
        title=f"Rows of {settings.file.name}",
        eyebrow="LLaVA data",
        lead=(
            f"{report.kept:,} of {report.read:,} rows are kept, each as one conversation with an"
            " <image> for every image; what was repaired or refused is named below."
        ),
        figures={
            "rows read": report.read,
            "kept": report.kept,
            "text only": report.text_only,
            "several images": report.multi_image,
            "repairs": report.repairs.total(),
            "refused": report.rejects.total(),
        },
        counts={
            "Rows refused, by reason": report.rejects,
            "Repairs": report.repairs,
            "Images of kept rows": report.dispositions,
            "Kept rows by file": report.sources if len(parts) > 1 else {},
        },
        listings=[
            _meanings("What was refused", report.rejects, DEFECTS, "rejects.jsonl"),
            _meanings("What was repaired", report.repairs, REPAIRS, "rows.parquet"),
            _meanings("What the images are", looked_at, DISPOSITIONS, "rows.parquet"),
        ],
        notes=[] if settings.images else [_NOT_LOOKED],
        files={
            "rows.parquet": "the rows: id, images with path and sha256, conversations, repairs",
            "rejects.jsonl": "every refused row with its reason",
        },
    )


def _meanings(
    title: str, counts: Mapping[str, int], meanings: Mapping[str, str], file: str
) -> Listing:
    rows = [(name, meanings.get(name, ""), f"{n:,}") for name, n in sorted(counts.items())]
    return Listing(title=title, heads=("What", "Means", "Rows"), rows=rows, file=file, numeric=(2,))
