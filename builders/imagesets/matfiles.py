"""MATLAB 5 annotation files, read within bounds: a hostile one costs a sentence, not the process.

This is no use of `scipy.io.loadmat`, which a few damaged bytes end in a segmentation fault, and
which makes room for whatever sizes a file claims. Only what annotation files hold is read:
numbers, texts, cells and structs.
"""

import math
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

from imagewikiqa.builders.imagesets.root import Found
from imagewikiqa.core.errors import ToolkitError

_MOST = 64 << 20  # bytes, unpacked; the largest published file has about 14 MB
_DEEPEST = 6  # arrays within arrays; published files have three
_MATRIX, _COMPRESSED = 14, 15
_CELL, _STRUCT, _CHAR = 1, 2, 4
_NUMBERS = range(6, 16)  # doubles to 64-bit integers
_HEADER = 128
_DTYPES = {
    1: "i1", 2: "u1", 3: "<i2", 4: "<u2", 5: "<i4", 6: "<u4", 7: "<f4", 9: "<f8",
    12: "<i8", 13: "<u8",
}  # fmt: skip
_TEXTS = {1: "utf-8", 2: "utf-8", 16: "utf-8", 4: "utf-16-le", 17: "utf-16-le", 18: "utf-32-le"}
_Parts = list[tuple[int, memoryview]]


class _HostileError(Exception):
    """What is wrong with a file, in a few words."""


def load_mat(found: Found) -> dict[str, Any]:
    """Return the variables of a MATLAB 5 file.

    A number or an array of numbers comes as a numpy array of its sizes, a text as a str, a cell as
    a list, a struct array as a list of dicts; arrays are taken column by column, as they lie.
    Raises ToolkitError for a file that is none, claims more than it holds, or holds anything else.
    """
    try:
        return dict(_variables(found.data))
    except (_HostileError, zlib.error, UnicodeDecodeError, struct.error) as error:
        raise ToolkitError(
            f"the annotation file {found.name} is no usable MATLAB 5 file ({error}); put the"
            " published file in its place"
        ) from error


def _variables(data: bytes) -> Iterator[tuple[str, Any]]:
    if len(data) < _HEADER or data[124:128] != b"\x00\x01IM":
        raise _HostileError("its header is not that of version 5, little-endian")
    left = _MOST
    for kind, body in _elements(memoryview(data)[_HEADER:]):
        if kind == _COMPRESSED:
            inner = list(_elements(_unpacked(body, left)))
            left -= sum(len(part) for _, part in inner)
            if len(inner) != 1:
                raise _HostileError("a compressed element does not hold one array")
            kind, body = inner[0]
        if kind != _MATRIX:
            raise _HostileError(f"it holds an element of type {kind}")
        parts = list(_elements(body))
        yield _named(parts), _array(parts, 1)


def _unpacked(body: memoryview, most: int) -> memoryview:
    unpacker = zlib.decompressobj()
    plain = unpacker.decompress(body, max(most, 1))
    if unpacker.unconsumed_tail:
        raise _HostileError(f"it unpacks to more than {_MOST:,} bytes")
    if not unpacker.eof:
        raise _HostileError("it is cut")
    return memoryview(plain)


def _elements(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield type and body of each element; small ones hold both in their first eight bytes."""
    place = 0
    while place < len(data):
        if place + 8 > len(data):
            raise _HostileError("it is cut")
        kind, size = struct.unpack_from("<II", data, place)
        if kind >> 16:
            if kind >> 16 > 4:
                raise _HostileError("a small element claims more than four bytes")
            yield kind & 0xFFFF, data[place + 4 : place + 4 + (kind >> 16)]
            place += 8
            continue
        start, place = place + 8, place + 8 + size
        if place > len(data):
            raise _HostileError("it is cut")
        yield kind, data[start:place]
        if kind != _COMPRESSED:
            place += -place % 8


def _named(parts: _Parts) -> str:
    return bytes(parts[2][1]).decode("ascii", "replace") if len(parts) > 2 else ""


def _array(parts: _Parts, depth: int) -> Any:
    """Return an array from its parts: flags, sizes, name, then what its class has."""
    if depth > _DEEPEST:
        raise _HostileError("its arrays nest too deep")
    if not parts:  # how MATLAB writes an empty cell
        return np.zeros((0, 0))
    if len(parts) < 3 or len(parts[0][1]) < 4 or len(parts[1][1]) % 4:
        raise _HostileError("an array has no header")
    kind, flags = parts[0][1][0], parts[0][1][1]
    sizes = struct.unpack(f"<{len(parts[1][1]) // 4}i", parts[1][1])
    if min(sizes, default=-1) < 0:
        raise _HostileError("an array has a negative size")
    count = math.prod(sizes)
    if kind == _CELL:
        return _nested(parts[3:], count, depth)
    if kind == _STRUCT:
        return _struct(parts[3:], count, depth)
    if kind == _CHAR:
        return _text(parts[3:], count)
    if kind in _NUMBERS and not flags & 0x08:  # the flag of complex numbers
        return _numbers(parts[3:], sizes, count)
    raise _HostileError(f"it holds an array of class {kind}")


def _nested(parts: _Parts, count: int, depth: int) -> list[Any]:
    if len(parts) != count or any(kind != _MATRIX for kind, _ in parts):
        raise _HostileError("an array claims more values than it holds")
    return [_array(list(_elements(body)), depth + 1) for _, body in parts]


def _struct(parts: _Parts, count: int, depth: int) -> list[dict[str, Any]]:
    if len(parts) < 2 or len(parts[0][1]) != 4:
        raise _HostileError("a struct has no field names")
    width = struct.unpack("<i", parts[0][1])[0]
    names = bytes(parts[1][1])
    if width < 1 or len(names) % width:
        raise _HostileError("a struct has no field names")
    starts = range(0, len(names), width)
    fields = [names[s : s + width].split(b"\0")[0].decode("ascii", "replace") for s in starts]
    if not fields or len(set(fields)) < len(fields):
        raise _HostileError("a struct has no distinct field names")
    values = iter(_nested(parts[2:], count * len(fields), depth))
    return [{field: next(values) for field in fields} for _ in range(count)]


def _text(parts: _Parts, count: int) -> str:
    if not parts and not count:
        return ""
    if len(parts) != 1 or parts[0][0] not in _TEXTS:
        raise _HostileError("a text is of no known encoding")
    kind, body = parts[0]
    text = bytes(body).decode(_TEXTS[kind])
    if len(text) != count:
        raise _HostileError("an array claims more values than it holds")
    return text


def _numbers(parts: _Parts, sizes: tuple[int, ...], count: int) -> Any:
    if not parts and not count:
        return np.zeros(sizes)
    if len(parts) != 1 or parts[0][0] not in _DTYPES:
        raise _HostileError("numbers are of no known kind")
    kind, body = parts[0]
    dtype = np.dtype(_DTYPES[kind])
    if len(body) != count * dtype.itemsize:
        raise _HostileError("an array claims more values than it holds")
    return np.frombuffer(body, dtype).reshape(sizes, order="F")


def whole_numbers(value: Any) -> list[int] | None:
    """Return a number or a row of numbers as a list, None for anything that is not whole."""
    if not isinstance(value, np.ndarray) or value.size != max(value.shape, default=0):
        return None
    flat = value.ravel()
    if not np.isfinite(flat).all() or (flat != np.floor(flat)).any():
        return None
    return [int(one) for one in flat]


def rows_of(variables: dict[str, Any], name: str, fields: tuple[str, ...]) -> list[dict[str, Any]]:
    """Return a struct array that has the fields, an empty list where there is none."""
    rows = variables.get(name)
    found = isinstance(rows, list) and all(isinstance(r, dict) and {*fields} <= {*r} for r in rows)
    return [{field: row[field] for field in fields} for row in rows or []] if found else []
