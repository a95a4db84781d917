"""One sample out of the bytes that its receipt names: its image, if it has one, and its JSON.

Only plain files of four extensions are taken, and only whole: no link, device, folder, extended
header or second file of a name. Nothing is unpacked to disk and nothing in it is run.
"""

import os
import struct
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic_core import from_json

from imagewikiqa.mixtures.records import EXTENSIONS

_BLOCK = 512
_FIELDS = struct.Struct("100s24s12s12s8s109s80s167s")
_PLAIN = b"0" + bytes(100) + b"ustar\x0000"  # type, linked name, magic and version
_NOTHING = bytes(167)  # the folder that would stand before the name, and the end of the block


class BadSampleError(Exception):
    """What is wrong with the bytes of a sample, as the end of a sentence about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A sample as it lies in a shard; `files` are its images by extension, empty for text alone."""

    key: str
    files: dict[str, bytes]
    record: dict[str, Any]


def read_sample(descriptor: int, offset: int, size: int) -> tuple[Sample, list[bytes]]:
    """Return the sample at these bytes of an archive, and the contents of its files in order.

    Raises BadSampleError for anything but an image and a JSON object, or a JSON object alone.
    """
    name, length = _header(_read(descriptor, offset, _BLOCK))
    key, extension = _split(name)
    end = _BLOCK + length + -length % _BLOCK
    if end > size:
        raise BadSampleError(f"its file {name!r} does not end within it")
    first = _read(descriptor, offset + _BLOCK, length)
    if extension == "json":
        if end != size:
            raise BadSampleError("it goes on after its JSON")
        return Sample(key=key, files={}, record=_record(first)), [first]
    last = _json_file(_read(descriptor, offset + end, size - end), key)
    return Sample(key=key, files={extension: first}, record=_record(last)), [first, last]


def _json_file(block: bytes, key: str) -> bytes:
    """Return the content of the one file that these bytes of an archive hold: KEY.json."""
    if not block:
        raise BadSampleError("it has no JSON")
    name, length = _header(block[:_BLOCK])
    if name != f"{key}.json":
        raise BadSampleError(f"after its image comes {name!r} and not {key}.json")
    if _BLOCK + length + -length % _BLOCK != len(block):
        raise BadSampleError("it does not end after its JSON")
    return block[_BLOCK : _BLOCK + length]


def _read(descriptor: int, offset: int, length: int) -> bytes:
    found = os.pread(descriptor, length, offset)
    if len(found) != length:
        raise BadSampleError("it is cut")
    return found


def _split(name: str) -> tuple[str, str]:
    key, _, extension = name.partition(".")
    if extension not in EXTENSIONS:
        raise BadSampleError(f"its file {name!r} is none of {', '.join(EXTENSIONS)}")
    return key, extension


def _header(block: bytes) -> tuple[str, int]:
    """Return name and length of a plain file; BadSampleError for any other kind of header."""
    name, rights, size, time, said, kind, owner, rest = _FIELDS.unpack(block)
    if kind != _PLAIN or rest != _NOTHING:
        raise BadSampleError("it holds something that is no plain file of an ustar archive")
    name = name.rstrip(b"\x00")
    try:
        length, right = int(size.rstrip(b" \x00"), 8), int(said.rstrip(b" \x00"), 8)
        if length < 0 or right != sum(name) + sum(size) + _sum(rights + time + owner):
            raise ValueError("its checksum is another")
        return name.decode("ascii"), length
    except ValueError as error:
        raise BadSampleError("the header of a file in it is damaged") from error


@lru_cache(1024)
def _sum(fields: bytes) -> int:
    """Return what the fields that are the same in most headers add to the checksum."""
    return sum(fields) + sum(_PLAIN) + 8 * ord(" ")


def _record(content: bytes) -> dict[str, Any]:
    try:
        record = from_json(content, allow_inf_nan=False)
    except ValueError as error:
        raise BadSampleError("its JSON cannot be read") from error
    if not isinstance(record, dict):
        raise BadSampleError("its JSON is no object")
    return record
