"""The files of a collection: images by class, images.jsonl, ATTRIBUTION.tsv, rejects.jsonl."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from imagewikiqa.builders.commons.media import read_media
from imagewikiqa.builders.commons.records import Media, Photo
from imagewikiqa.core.classes import slug
from imagewikiqa.core.digests import file_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained, publish, publish_text, remove_leftovers
from imagewikiqa.core.records import Reject
from imagewikiqa.core.tables import write_table

IMAGES, TABLE, ATTRIBUTION, REJECTS = "images", "images.jsonl", "ATTRIBUTION.tsv", "rejects.jsonl"
COLUMNS = (
    "image", "title", "author", "credit", "licence", "licence_url", "attribution_required",
    "source_page", "original_url", "uploaded", "changes", "sha256",
)  # fmt: skip
_SUFFIXES = {"JPEG": ".jpg", "PNG": ".png", "WEBP": ".webp"}
_OURS = re.compile(r"[a-z0-9-]{1,80}-[0-9a-f]{10}\.(?:jpg|png|webp)")
_CLASS_ID = re.compile(r"[^\W_][\w .,()+&'-]{0,99}")


def check_class_ids(ids: Iterable[str]) -> None:
    """Raise ToolkitError for a class id that cannot name a folder."""
    for identity in ids:
        if not _CLASS_ID.fullmatch(identity) or identity[-1] in " .":
            raise ToolkitError(
                f"the class id {identity[:60]!r} cannot name a folder of images: give the class an"
                " id of letters, digits and dashes"
            )


def image_path(class_id: str, title: str, form: str) -> str:
    """Return where an image lies below `images`, by its title's letters and its digest.

    The title is a stranger's: only a-z, 0-9 and "-" of it reach the disk.
    """
    name = slug(PurePosixPath(title.partition(":")[2]).stem)[:60].strip("-") or "file"
    mark = hashlib.sha256(title.encode()).hexdigest()[:10]
    return f"{class_id}/{name}-{mark}{_SUFFIXES[form]}"


def write_all(
    out: Path,
    photos: Sequence[Photo],
    rejects: Sequence[Reject],
    stored: dict[str, Media],
    media: Path,
) -> None:
    """Write the collection; the table comes last and names only what is there.

    `stored` gives the stored file of each sha256. Images that an earlier, cut run left here and
    that no longer belong are removed; a file that is not ours is refused with ToolkitError.
    """
    check_attribution(photos)
    images = out / IMAGES
    _remove_strays(images, {photo.id for photo in photos})
    for photo in photos:
        path = images / photo.id
        if not path.is_file() or file_digest(path) != photo.sha256:
            publish(path, [read_media(media, stored[photo.sha256])])
    publish_text(out / ATTRIBUTION, attribution_tsv(photos))
    write_table(out / REJECTS, rejects)
    write_table(out / TABLE, photos)


def check_attribution(photos: Iterable[Photo]) -> None:
    """Raise ToolkitError where an image could not be published with its credit."""
    for photo in photos:
        said = (photo.author, photo.credit, photo.licence.id, photo.licence.url, photo.source_page)
        if not all(value.strip() for value in said):
            raise ToolkitError(
                f"{photo.id} lacks a part of its credit (author, licence or source): remove the"
                " image, or complete its row"
            )


def attribution_tsv(photos: Iterable[Photo]) -> str:
    """Return the credits as tab-separated text: one line an image, with its changes."""
    rows = [
        (
            f"{IMAGES}/{photo.id}", photo.title, photo.author, photo.credit, photo.licence.id,
            photo.licence.url, "yes" if photo.licence.attribution_required else "no",
            photo.source_page, photo.original_url, photo.uploaded, photo.changes, photo.sha256,
        )
        for photo in photos
    ]  # fmt: skip
    return "".join("\t".join(map(_cell, row)) + "\n" for row in (COLUMNS, *rows))


def _cell(value: str) -> str:
    """Return a value on one line; spreadsheets would run one that begins like a formula."""
    flat = " ".join(value.split())
    return f"'{flat}" if flat.startswith(("=", "+", "-", "@")) else flat


def _remove_strays(images: Path, wanted: set[str]) -> None:
    with explained(images, "list"):
        images.mkdir(parents=True, exist_ok=True)
        remove_leftovers(images)
        found = [path for path in images.rglob("*") if not path.is_dir() or path.is_symlink()]
    for path in found:
        if path.relative_to(images).as_posix() in wanted:
            continue
        if not _OURS.fullmatch(path.name) or path.is_symlink():
            raise ToolkitError(
                f"{path} was not made by this command: move it away or choose another --out"
            )
        path.unlink()
    for folder in sorted((p for p in images.rglob("*") if p.is_dir()), reverse=True):
        if not any(folder.iterdir()):
            folder.rmdir()
