"""MATLAB 5 annotation files, checked before they are read: a hostile one costs no memory."""

import io
import math
import struct
import zlib
from collections.abc import Iterator
from typing import Any

from imagewikiqa.builders.imagesets.root import Found
from imagewikiqa.core.errors import MissingExtraError, ToolkitError

_MOST = 64 << 20  # bytes, unpacked; the largest published file has about 14 MB
_DEEPEST = 6  # arrays within arrays; published files have three
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _CHAR = 1, 2, 4
_NUMBERS = range(6, 16)  # doubles to 64-bit integers
_HEADER = 128


class _HostileError(Exception):
    """What is wrong with a file, in a few words."""


def load_mat(found: Found) -> dict[str, Any]:
    """Return the variables of a MATLAB 5 file as scipy reads them, single values unwrapped.

    Raises ToolkitError for a file that is none, claims more than it holds, or holds more than
    numbers, texts, cells and structs; MissingExtraError without scipy.
    """
    try:
        from scipy.io import loadmat
    except ImportError:
        raise MissingExtraError("scipy", "images") from None
    try:
        plain = _checked(found.data)
        stream: Any = io.BytesIO(plain)  # scipy takes streams, its types do not say so
        variables: dict[str, Any] = loadmat(stream, squeeze_me=True)
    except Exception as error:  # scipy raises any type on damaged bytes; the sentence names it
        raise ToolkitError(
            f"the annotation file {found.name} is no usable MATLAB 5 file ({error}); put the"
            " published file in its place"
        ) from error
    return variables


def _checked(data: bytes) -> bytes:
    """Return the file with its variables unpacked, after a walk through every array header."""
    if len(data) < _HEADER or data[124:128] != b"\x00\x01IM":
        raise _HostileError("its header is not that of version 5, little-endian")
    elements: list[bytes] = []
    for kind, body in _elements(data[_HEADER:]):
        if kind == _COMPRESSED:
            body = _unpacked(body, _MOST - sum(map(len, elements)))
            kind = struct.unpack_from("<I", body)[0] if len(body) >= 8 else 0
            body = body[8:]
        if kind != _MATRIX:
            raise _HostileError(f"it holds an element of type {kind}")
        _check_array(body, 1)
        elements.append(struct.pack("<II", _MATRIX, len(body)) + body)
    return data[:_HEADER] + b"".join(elements)


def _unpacked(body: bytes, most: int) -> bytes:
    unpacker = zlib.decompressobj()
    plain = unpacker.decompress(body, max(most, 1))
    if unpacker.unconsumed_tail:
        raise _HostileError(f"it unpacks to more than {_MOST:,} bytes")
    return plain


def _elements(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield type and body of each element; small ones hold both in their first eight bytes."""
    place = 0
    while place < len(data):
        if place + 8 > len(data):
            raise _HostileError("it is cut")
        kind, size = struct.unpack_from("<II", data, place)
        if kind >> 16:
            yield kind & 0xFFFF, data[place + 4 : place + 4 + min(kind >> 16, 4)]
            place += 8
            continue
        start, place = place + 8, place + 8 + size
        if place > len(data):
            raise _HostileError("it is cut")
        yield kind, data[start:place]
        if kind != _COMPRESSED:
            place += -place % 8


def _check_array(body: bytes, depth: int) -> None:
    """Raise unless an array holds as many values as its dimensions claim."""
    if depth > _DEEPEST:
        raise _HostileError("its arrays nest too deep")
    parts = list(_elements(body))
    if not parts and not body:  # how MATLAB writes an empty cell
        return
    if len(parts) < 3 or len(parts[0][1]) < 4:
        raise _HostileError("an array has no header")
    kind = parts[0][1][0]
    dimensions = parts[1][1]
    sizes = struct.unpack(f"<{len(dimensions) // 4}i", dimensions[: len(dimensions) // 4 * 4])
    count = math.prod(sizes)
    if count < 0 or min(sizes, default=0) < 0:
        raise _HostileError("an array has a negative size")
    if kind in (_CELL, _STRUCT):
        _check_nested(kind, count, parts, depth)
    elif kind in _NUMBERS or kind == _CHAR:
        if count > sum(len(part) for _, part in parts[3:]):
            raise _HostileError("an array claims more values than it holds")
    else:
        raise _HostileError(f"it holds an array of class {kind}")


def _check_nested(kind: int, count: int, parts: list[tuple[int, bytes]], depth: int) -> None:
    arrays, fields = parts[3:], 1
    if kind == _STRUCT:
        if len(parts) < 5 or len(parts[3][1]) < 4:
            raise _HostileError("a struct has no field names")
        width = struct.unpack_from("<i", parts[3][1])[0]
        fields = len(parts[4][1]) // width if width > 0 else 0
        arrays = parts[5:]
    if len(arrays) != count * fields or any(one != _MATRIX for one, _ in arrays):
        raise _HostileError("an array claims more values than it holds")
    for _, nested in arrays:
        _check_array(nested, depth + 1)
