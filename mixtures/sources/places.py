"""Where the image of a row lies."""

from pathlib import Path, PurePosixPath

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures.recipe import SourceSettings
from imagewikiqa.mixtures.records import Span


def image_span(settings: SourceSettings, inside: str, size: int | None = None) -> Span:
    """Return the place of an image below the folder of a source.

    `size` is what the index says of it: raises ToolkitError when the file is not there, leaves the
    folder, or has another size.
    """
    path = image_path(settings, inside)
    try:
        found = path.stat().st_size
    except OSError as error:
        raise ToolkitError(
            f"the image {inside} of source {settings.name} cannot be read below"
            f" {settings.images} ({error.strerror}): put it there, or plan again without it"
        ) from error
    if size is not None and found != size:
        raise ToolkitError(
            f"the image {inside} of source {settings.name} has {found:,} bytes and its index says"
            f" {size:,}: make the index again and plan again"
        )
    return Span(path=path, length=found)


def image_path(settings: SourceSettings, inside: str) -> Path:
    """Return the path of an image; ToolkitError without a folder, or for a path out of it."""
    if settings.images is None:
        raise ToolkitError(
            f"source {settings.name} does not say where its images lie: give it images: FOLDER"
        )
    if not inside or inside.startswith("/") or ".." in PurePosixPath(inside).parts:
        raise ToolkitError(
            f"the image {inside[:80]!r} of source {settings.name} lies outside its folder: make its"
            " index again"
        )
    return settings.images / inside
