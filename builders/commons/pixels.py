"""What stored pictures show: format, size, and two perceptual hashes; once each, in processes."""

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, cast

from imagewikiqa.builders.commons.media import read_media
from imagewikiqa.builders.commons.records import Media, Pixels
from imagewikiqa.builders.imagesets.dispositions import UnusableImageError, is_usable, reason_of
from imagewikiqa.builders.imagesets.inspect import inspect
from imagewikiqa.builders.imagesets.pixels import open_rgb
from imagewikiqa.core.errors import MissingExtraError
from imagewikiqa.core.progress import Progress
from imagewikiqa.core.stages import Outcome, Stage, run_stage
from imagewikiqa.core.tables import read_table

STAGE = "pixels"
VERSION = 1  # of what is said about a picture; another one has every picture looked at again
_FORMATS = ("JPEG", "PNG", "WEBP")


def require_hashes() -> None:
    """Raise MissingExtraError where pictures cannot be compared, before anything is fetched."""
    try:
        import imagehash  # noqa: F401
        import scipy.fftpack  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("imagehash", "images") from error


def look_at(
    stored: Iterable[Media],
    folder: Path,
    work: Path,
    workers: int = 1,
    progress: Progress | None = None,
) -> dict[str, Pixels]:
    """Return what each stored file shows, by its sha256; a file looked at before is not again."""
    files = {media.id: media for media in sorted(stored, key=lambda one: (one.id, one.file))}
    stage = Stage(
        name=STAGE,
        version=VERSION,
        settings="",
        step=functools.partial(_look, folder=folder),
        row=Pixels,
        input_digest=_bytes_of,
        processes=True,
    )
    table = work / f"{STAGE}.jsonl"
    run_stage(stage, [*files.values()], work=work, table=table, workers=workers, progress=progress)
    return {pixels.id: pixels for pixels in read_table(table, Pixels)}


def _bytes_of(media: Media) -> str:
    return media.id


async def _look(media: Media, *, folder: Path) -> Outcome[Pixels]:
    data = read_media(folder, media)
    return Outcome(rows=(pixels_of(media.id, data),))


def pixels_of(sha256: str, data: bytes) -> Pixels:
    """Return what the bytes of a picture show, or why it is no photograph."""
    found = inspect(data)
    if not is_usable(found.disposition):
        return Pixels(id=sha256, problem=reason_of(found.disposition), detail=found.detail)
    if found.format not in _FORMATS:
        return Pixels(id=sha256, problem="format", detail=found.format or "")
    if "ok_palette" in (found.disposition, *found.also):
        return Pixels(id=sha256, problem="drawn in a palette", detail=found.mode or "")
    try:
        phash, dhash = hashes(data)
    except UnusableImageError as bad:
        return Pixels(id=sha256, problem=reason_of(bad.disposition), detail=bad.detail)
    return Pixels(
        id=sha256,
        format=cast(Literal["JPEG", "PNG", "WEBP"], found.format),
        bytes=len(data),
        width=found.width or 0,
        height=found.height or 0,
        phash=phash,
        dhash=dhash,
    )


def hashes(data: bytes) -> tuple[str, str]:
    """Return the perceptual hashes of a picture set upright: of frequencies, of neighbours."""
    require_hashes()
    import imagehash

    image = open_rgb(data)
    return str(imagehash.phash(image)), str(imagehash.dhash(image))
