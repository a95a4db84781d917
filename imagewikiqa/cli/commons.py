"""`imagewikiqa builders images commons`: free photographs of the classes, each with its credit."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from imagewikiqa.builders.commons.collect import collect
from imagewikiqa.builders.commons.records import CollectReport, Photo
from imagewikiqa.builders.commons.settings import Caps, CommonsFiles, Wikis, commons_site
from imagewikiqa.builders.wiki.settings import Site
from imagewikiqa.cli.config import Closed
from imagewikiqa.cli.job import class_list
from imagewikiqa.cli.output import show
from imagewikiqa.cli.progress import watcher
from imagewikiqa.cli.small_job import finish, small_job
from imagewikiqa.cli.wiki import WikiAccess, began, ready_store
from imagewikiqa.core.digests import digest
from imagewikiqa.core.report.summary import Listing, Picture, Summary
from imagewikiqa.core.report.thumbnails import thumbnail
from imagewikiqa.core.tables import read_table

SHOWN = 96  # pictures on the page, about 1 MB
DATA = ("images.jsonl", "ATTRIBUTION.tsv", "pins.jsonl", "rejects.jsonl")


class CommonsConfig(Closed):
    """What decides a collection; the limits are those of `builders.commons.settings.Caps`."""

    classes: str = "imagenet"
    language: str = "en"
    per_class: int = Field(20, ge=1)
    width: int = 960
    min_side: int = 256
    max_pixels: int = 10_000_000
    max_bytes: int = 10_000_000
    candidates: int = 200
    reserve: int = 10

    @property
    def caps(self) -> Caps:
        """Return the limits; ToolkitError where they leave nothing."""
        return Caps(**self.model_dump(exclude={"classes", "language"}))


def run_commons(
    settings: CommonsConfig,
    out: Path,
    access: WikiAccess,
    *,
    commons_api: str | None,
    limit: int | None,
    workers: int,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Collect the photographs and write the report."""
    classes = class_list(settings.classes)[:limit]
    caps = settings.caps
    wikis = Wikis(articles=access.site(settings.language), files=_files(access, commons_api))
    if dry_run:
        plan = {"classes": len(classes), "photos_at_most": len(classes) * caps.per_class}
        show({"dry_run": True, "out": str(out), **plan}, as_json)
        return
    listed = [entry.model_dump(mode="json") for entry in classes]
    inputs = {"classes": digest(listed), "wikis": digest([wikis.articles.source, "commons"])}
    with small_job(out, "builders images commons", settings, inputs, ("classes",)) as run:
        ready_store(access)
        media = access.store.parent / "media"
        files = CommonsFiles(store=access.store, media=media, since=began(run.path))
        report = collect(
            classes, out, wikis, files, caps, workers=workers, progress=watcher(as_json)
        )
        data = [out / name for name in DATA]
        data += sorted(file for file in (out / "images").rglob("*") if file.is_file())
        counts = _counts(report)
        names = {entry.id: entry.name for entry in classes}
        finish(run, _summary(report, out, names), {"counts": counts}, data)
    show({"out": str(out), **counts}, as_json)


def _files(access: WikiAccess, api: str | None) -> Site:
    site = commons_site(access.contact)
    return site if api is None else Site(api=api, contact=access.contact)


def _counts(report: CollectReport) -> dict[str, Any]:
    return {
        "photos": report.photos,
        "bytes": report.bytes,
        "classes": sum(count > 0 for count in report.classes.values()),
        "classes_without": sum(count == 0 for count in report.classes.values()),
        "files_seen": report.files,
        "licences": report.licences,
        "rejects": report.rejects,
    }


def _summary(report: CollectReport, out: Path, names: Mapping[str, str]) -> Summary:
    photos = list(read_table(out / "images.jsonl", Photo))
    without = [name for name, count in report.classes.items() if not count]
    return Summary(
        title="Photographs from Wikimedia Commons",
        eyebrow="Images with their credits",
        lead=(
            f"{report.photos:,} photographs of {len(report.classes) - len(without):,} classes, each"
            " with its author, licence and source. ATTRIBUTION.tsv goes along wherever they go."
        ),
        figures={
            "photographs": report.photos,
            "megabytes": round(report.bytes / 1e6, 1),
            "classes without one": len(without),
            "files looked at": report.files,
            "usable beyond the number wanted": report.spare,
            "beyond the number looked at": report.unseen,
        },
        counts={
            "Photographs by licence": report.licences,
            "Photographs by where they were found": report.found,
            "Files refused": report.rejects,
        },
        pictures=_pictures(photos, out / "images", names),
        listings=[
            Listing(
                title="Photographs",
                heads=("Class", "File", "Author", "Licence", "Found in"),
                rows=[
                    (names[one.class_id], one.title, one.author, one.licence.name, one.found_in)
                    for one in photos
                ],
                file="images.jsonl",
            ),
            Listing(
                title="Classes without a photograph",
                heads=("Class",),
                rows=[(names[class_id],) for class_id in without],
                file="images.jsonl",
            ),
        ],
        files={
            "images.jsonl": "every photograph: author, licence, source page, sha256",
            "ATTRIBUTION.tsv": "the credits, to be published with the pictures",
            "pins.jsonl": "the revisions of the articles that were read",
            "rejects.jsonl": "every file that was refused, with its reason",
        },
        notes=[
            "rebuild takes them with --images folder:DIR; DIR is the folder images beside this."
        ],
    )


def _pictures(photos: Sequence[Photo], folder: Path, names: Mapping[str, str]) -> list[Picture]:
    """Return small copies of the first photographs of the classes, each class in its turn."""
    rounds: Counter[str] = Counter()
    order: list[tuple[int, int]] = []
    for at, photo in enumerate(photos):
        order.append((rounds[photo.class_id], at))
        rounds[photo.class_id] += 1
    shown = [photos[at] for _, at in sorted(order)[:SHOWN]]
    small = [(photo, thumbnail(folder, photo.id)) for photo in shown]
    return [
        Picture(
            image=image,
            title=photo.title.removeprefix("File:"),
            note=f"{names[photo.class_id]} · {photo.author} · {photo.licence.name}",
            link=photo.source_page,
        )
        for photo, image in small
        if image is not None
    ]
