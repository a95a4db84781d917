"""The image files that rows name: found, also under another extension, looked at and hashed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from imagewikiqa.builders.imagesets.dispositions import USABLE
from imagewikiqa.builders.imagesets.inspect import MAX_BYTES, inspect
from imagewikiqa.builders.llava.defects import DefectError
from imagewikiqa.core.digests import text_digest

EXTENSIONS = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".JPG", ".JPEG", ".PNG", ".GIF", ".WEBP")


@dataclass(frozen=True, slots=True)
class FoundImage:
    """An image of a row: where it lies below the image folder, and what it is."""

    path: str
    sha256: str
    format: str  # by content, as in PNG
    disposition: str  # a usable one of builders.imagesets.inspect
    renamed: bool  # found under another extension than the row says


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """The folder below which rows name their images; a URL is looked for as sha256-of-URL.*."""

    root: Path

    def find(self, names: Sequence[str]) -> tuple[FoundImage, ...]:
        """Return the images of a row; raise DefectError for the first that is missing or unusable.

        Answers are kept for the last few thousand names, as rows about one image often follow each
        other.
        """
        return tuple(_look(self.root, name) for name in names)


@lru_cache(maxsize=4096)
def _look_once(root: Path, name: str) -> FoundImage | DefectError:
    try:
        path, renamed = _located(root, name)
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise DefectError("image unusable", f"too_many_bytes: {name}")
        data = path.read_bytes()
    except OSError as error:
        return DefectError("image unusable", f"{error.strerror}: {name}")
    except DefectError as error:
        return error
    seen = inspect(data)
    if seen.disposition not in USABLE:
        return DefectError("image unusable", f"{seen.disposition}: {name}")
    inside = path.relative_to(root).as_posix()
    sha256 = hashlib.sha256(data).hexdigest()
    return FoundImage(inside, sha256, seen.format or "", seen.disposition, renamed)


def _look(root: Path, name: str) -> FoundImage:
    found = _look_once(root, name)
    if isinstance(found, DefectError):
        raise DefectError(found.reason, found.detail)
    return found


def _located(root: Path, name: str) -> tuple[Path, bool]:
    """Return the file of a name and whether its extension differs; links may not leave the root."""
    is_url = name.startswith(("http://", "https://"))
    asked = root / (f"{text_digest(name)}.jpg" if is_url else name)
    if asked == root:
        raise DefectError("image missing", name)
    for candidate in (asked, *(asked.with_suffix(one) for one in EXTENSIONS)):
        if candidate.is_file():
            if not candidate.resolve().is_relative_to(root.resolve()):
                raise DefectError("image path leaves the folder", name)
            return candidate, candidate != asked and not is_url
    raise DefectError("image missing", name)
