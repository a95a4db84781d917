"""The bytes of the pictures in a request, found by their digest when it is sent."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from imagewikiqa.core.digests import file_digest
from imagewikiqa.core.llm.client import ImagePart, MediaType
from imagewikiqa.core.llm.failures import CallError

# How the file types that both services take begin; a GIF is none of them.
_BEGINS: dict[MediaType, tuple[bytes, int]] = {
    "image/jpeg": (b"\xff\xd8\xff", 0),
    "image/png": (b"\x89PNG\r\n\x1a\n", 0),
    "image/webp": (b"WEBP", 8),
}


class Images(Protocol):
    """Where the bytes of pictures are."""

    def __call__(self, sha256: str, /) -> bytes:
        """Return the bytes of this digest; raise KeyError or OSError when they are not there."""


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """Pictures as files, by the sha256 of their bytes. A path may be looked up many times."""

    paths: Mapping[str, Path]

    def __call__(self, sha256: str, /) -> bytes:
        """Return the bytes of a file; raise KeyError or OSError when it is not there."""
        return self.paths[sha256].read_bytes()


def index_files(files: Iterable[Path]) -> ImageFiles:
    """Read every file once for its digest; raise OSError for one that cannot be read."""
    return ImageFiles({file_digest(file): file for file in files})


def media_type_of(data: bytes) -> MediaType | None:
    """Return the type of a picture by its first bytes, None for what the services do not take."""
    return next((name for name, (mark, at) in _BEGINS.items() if data.startswith(mark, at)), None)


def picture_bytes(part: ImagePart, images: Images) -> bytes:
    """Return what a picture in a request stands for.

    Raises CallError, a RecordError that nobody was asked for, when the bytes are missing, have
    another digest or are of another type than the request says.
    """
    name = part.sha256[:12]
    try:
        found = images(part.sha256)
    except (KeyError, OSError) as error:
        told = f"nothing can be read for {name} ({type(error).__name__})"
        raise _refused("image missing", told) from error
    if hashlib.sha256(found).hexdigest() != part.sha256:
        raise _refused("image changed", f"the bytes found for {name} have another digest")
    if media_type_of(found) != part.media_type:
        raise _refused("image of another type", f"{name} is no {part.media_type}")
    return found


def _refused(reason: str, detail: str) -> CallError:
    return CallError(reason, detail, again=False, free=True)
