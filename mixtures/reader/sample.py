"""One sample out of the bytes that its receipt names: its image, if it has one, and its JSON.

Only plain files of four extensions are taken, and only whole: no link, device, folder, extended
header or second file of a name. Nothing is unpacked to disk and nothing in it is run.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json

from imagewikiqa.mixtures.records import EXTENSIONS

BLOCK = 512
MAX_FILES = 2  # an image, then the JSON
_NAME, _SIZE, _SUM = slice(0, 100), slice(124, 136), slice(148, 156)
_LINK, _MAGIC, _PREFIX = slice(156, 257), slice(257, 265), slice(345, 500)
_PLAIN, _USTAR, _NO_PREFIX = b"0" + bytes(100), b"ustar\x0000", bytes(155)


class BadSampleError(Exception):
    """What is wrong with the bytes of a sample, as the end of a sentence about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A sample as it lies in a shard; `files` are its images by extension, empty for text alone."""

    key: str
    files: dict[str, bytes]
    record: dict[str, Any]


def parse_sample(read: Callable[[int, int], bytes], size: int) -> tuple[Sample, list[bytes]]:
    """Return the sample of `size` bytes and the contents of its files in their order.

    `read(offset, length)` gives bytes from the sample's first header on, exactly so many. Raises
    BadSampleError for anything but an image and a JSON object, or a JSON object alone.
    """
    at, key, files = 0, "", dict[str, bytes]()
    while at < size:
        if len(files) == MAX_FILES:
            raise BadSampleError("it holds more files than an image and its JSON")
        name, length = _header(read(at, BLOCK))
        stem, _, extension = name.partition(".")
        if extension not in EXTENSIONS:
            raise BadSampleError(f"its file {name!r} is none of {', '.join(EXTENSIONS)}")
        if files and stem != key:
            raise BadSampleError(f"its files {key!r} and {stem!r} are of two samples")
        if extension in files or "json" in files:
            raise BadSampleError(f"its file {name!r} comes after its JSON")
        end = at + BLOCK + length
        if end > size:
            raise BadSampleError(f"its file {name!r} does not end within it")
        key, files[extension] = stem, read(at + BLOCK, length)
        at = end + -length % BLOCK
    if at != size:
        raise BadSampleError("its last file is not padded to whole blocks")
    contents = list(files.values())
    return Sample(key=key, record=_record(files.pop("json", None)), files=files), contents


def _header(block: bytes) -> tuple[str, int]:
    """Return name and length of a plain file; BadSampleError for any other kind of header."""
    if block[_LINK] != _PLAIN or block[_MAGIC] != _USTAR or block[_PREFIX] != _NO_PREFIX:
        raise BadSampleError("it holds something that is no plain file of an ustar archive")
    try:
        said = int(block[_SUM].rstrip(b" \x00"), 8)
        length = int(block[_SIZE].rstrip(b" \x00"), 8)
        name = block[_NAME].rstrip(b"\x00").decode("ascii")
    except ValueError as error:
        raise BadSampleError("the header of a file in it is damaged") from error
    if said != sum(block) - sum(block[_SUM]) + 8 * 32 or length < 0:
        raise BadSampleError("the header of a file in it is damaged")
    return name, length


def _record(content: bytes | None) -> dict[str, Any]:
    if content is None:
        raise BadSampleError("it has no JSON")
    try:
        record = from_json(content, allow_inf_nan=False)
    except ValueError as error:
        raise BadSampleError("its JSON cannot be read") from error
    if not isinstance(record, dict):
        raise BadSampleError("its JSON is no object")
    return record
