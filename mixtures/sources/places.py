"""Where the image of a row lies."""

import errno
import os
import stat

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures.recipe import SourceSettings
from imagewikiqa.mixtures.records import Span

# What the system says where there is no file; anything else may be another answer in a minute.
_NONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP})


def image_span(settings: SourceSettings, inside: str, size: int | None = None) -> Span:
    """Return the place of an image below the folder of a source.

    `size` is what the index says of it: raises ToolkitError when the file is not there, leaves the
    folder, or has another size.
    """
    path = _below(settings, inside)
    try:
        found = os.stat(path).st_size  # noqa: PTH116 - a million of them
    except OSError as error:
        raise ToolkitError(
            f"the image {inside} of source {settings.name} cannot be read below"
            f" {settings.images} ({error.strerror}): put it there, or make the index again and"
            " build to another --out"
        ) from error
    if size is not None and found != size:
        raise ToolkitError(
            f"the image {inside} of source {settings.name} has {found:,} bytes and its index says"
            f" {size:,}: make the index again and build to another --out"
        )
    return Span(path=path, length=found)


def image_size(settings: SourceSettings, inside: str) -> int:
    """Return the bytes of an image file; -1 when there is none at its place.

    Raises ToolkitError where the system cannot tell: what a plan holds is no matter of luck.
    """
    try:
        found = os.stat(_below(settings, inside))  # noqa: PTH116
    except OSError as error:
        if error.errno in _NONE:
            return -1
        raise ToolkitError(
            f"the image {inside} of source {settings.name} cannot be looked at below"
            f" {settings.images} ({error.strerror}): mend that and plan again"
        ) from error
    return found.st_size if stat.S_ISREG(found.st_mode) else -1


def _below(settings: SourceSettings, inside: str) -> str:
    """Return the path of an image; ToolkitError without a folder, or for a path out of it.

    Not by pathlib, which takes longer than the system does to look at the file.
    """
    if settings.images is None:
        raise ToolkitError(
            f"source {settings.name} does not say where its images lie: give it images: FOLDER"
        )
    if not inside or inside.startswith("/") or ".." in inside.split("/") or "\0" in inside:
        raise ToolkitError(
            f"the image {inside[:80]!r} of source {settings.name} lies outside its folder: make its"
            " index again"
        )
    return f"{settings.images}/{inside}"
