"""`imagewikiqa builders images index`: one table over any image set, in any official layout."""

from collections import Counter
from pathlib import Path
from typing import Any

from imagewikiqa.builders.imagesets.dispositions import DISPOSITIONS
from imagewikiqa.builders.imagesets.index import build_index
from imagewikiqa.builders.imagesets.open import open_image_set
from imagewikiqa.builders.imagesets.records import IndexReport
from imagewikiqa.cli.config import Closed
from imagewikiqa.cli.output import show
from imagewikiqa.cli.progress import watcher
from imagewikiqa.cli.small_job import finish, small_job
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.digests import digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.report.summary import Listing, Summary


class IndexConfig(Closed):
    """What decides an index."""

    images: str
    classes: str | None = None
    verify: bool = False


def run_index(
    settings: IndexConfig, out: Path, *, workers: int, dry_run: bool, as_json: bool
) -> None:
    """Look at every image of the set; write images.parquet, rejects.jsonl and the report."""
    classes = load_classes(settings.classes) if settings.classes else None
    image_set = open_image_set(settings.images, classes=classes, verify=settings.verify)
    if dry_run:
        plan = {"classes": len(image_set.classes), "units": len(image_set.units())}
        show({"dry_run": True, "out": str(out), **plan}, as_json)
        return
    listed = [entry.model_dump(mode="json") for entry in image_set.classes]
    inputs = {"classes": digest(listed), "set": digest(image_set.name)}
    paths = ("images", "classes")
    with small_job(out, "builders images index", settings, inputs, paths, ("verify",)) as run:
        report = build_index(image_set, out, workers=workers, progress=watcher(as_json))
        counts = _counts(report)
        if not report.usable:
            raise _nothing_usable(report, out / "rejects.jsonl")
        files = [out / name for name in ("images.parquet", "rejects.jsonl", "index.json")]
        lineage = {"counts": counts, "verified": list(image_set.verified)}
        finish(run, _summary(report), lineage, files)
    show({"out": str(out), **counts}, as_json)


def _nothing_usable(report: IndexReport, rejects: Path) -> ToolkitError:
    """Return the sentence for an index of nothing: mostly folders that are named in another way."""
    found = Counter(report.not_images) + Counter(report.dispositions)
    reason, count = found.most_common(1)[0] if found else ("nothing was found", 0)
    return ToolkitError(
        f"no image of {report.set_name} can be used (most often: {reason}, {count:,}): see"
        f" {rejects}, and compare the folders with --classes"
    )


def _counts(report: IndexReport) -> dict[str, Any]:
    return {
        "set": report.set_name,
        "images": report.images,
        "usable": report.usable,
        "repeated": report.repeated,
        "conflicting": report.conflicting,
        "splits": report.splits,
        "dispositions": report.dispositions,
        "not_images": report.not_images,
    }


def _summary(report: IndexReport) -> Summary:
    empty = [name for name, count in report.classes.items() if not count]
    return Summary(
        title=f"Image set {report.set_name}",
        eyebrow="Image index",
        lead=(
            f"{report.usable:,} of {report.images:,} images can be used. Bytes are never changed:"
            " the table says what each image is, and what a reader of it must do."
        ),
        figures={
            "images": report.images,
            "usable": report.usable,
            "classes": len(report.classes),
            "classes without an image": len(empty),
            "repeated in their class": report.repeated,
            "same bytes in two classes": report.conflicting,
        },
        counts={
            "Images by disposition": report.dispositions,
            "Usable images by split": report.splits,
            "Entries that are no image of the set": report.not_images,
        },
        listings=[
            Listing(
                title="What the images are",
                heads=("Disposition", "Means", "Images"),
                rows=[
                    (name, DISPOSITIONS[name], f"{count:,}")
                    for name, count in report.dispositions.items()
                ],
                file="images.parquet",
                numeric=(2,),
            ),
            Listing(
                title="Classes without a usable image",
                heads=("Class",),
                rows=[(name,) for name in empty],
                file="index.json",
            ),
        ],
        files={
            "images.parquet": "one row an image: address, class, split, sha256, size, disposition",
            "rejects.jsonl": "every entry that cannot be used, with its reason",
            "index.json": "these counts",
        },
    )
