"""Packed files, read piece by piece: bz2 in one stream or many, gz, and plain."""

import bz2
import gzip
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, TypeVar, cast

PIECE = 1 << 18  # bytes of content handed on at a time
_PACKED = 1 << 16  # bytes of a bz2 file read at a time
_AHEAD = 8  # pieces made before they are used: on a busy machine each hand-over may wait
_SCANNED = 1 << 20  # bytes of a bz2 file searched at a time
_START = b"BZh"  # then one digit, then the mark of the first block
_BLOCK = b"1AY&SY"
_MARK = len(_START) + 1 + len(_BLOCK)

T = TypeVar("T")


class Slice:
    """The bytes of an open file from one place to another, read in order."""

    def __init__(self, stream: BinaryIO, begin: int, end: int) -> None:
        stream.seek(begin)
        self._stream, self._left = stream, end - begin

    def read(self, size: int) -> bytes:
        """Return at most that many of the bytes that are left."""
        piece = self._stream.read(min(size, self._left))
        self._left -= len(piece)
        return piece


def contents(path: Path, stream: BinaryIO) -> Iterator[bytes]:
    """Yield what the file `path`, open as `stream`, holds; its name says how it is packed.

    Raises EOFError where a packed file is cut, OSError or zlib.error where it is damaged.
    """
    if path.suffix == ".bz2":
        yield from ahead(inflate(stream))
        return
    plain = cast(BinaryIO, gzip.open(stream, "rb")) if path.suffix == ".gz" else stream
    while piece := plain.read(PIECE):
        yield piece


def inflate(
    stream: BinaryIO | Slice, *, one: bool = False, strict: bool = False
) -> Generator[bytes, None, int]:
    """Yield the content of the bz2 streams from here to the end, or of `one`.

    Return how many packed bytes they were. What follows the last stream and begins none is left,
    as bzip2 leaves it, or refused when `strict`. Raises EOFError for a cut stream, OSError for a
    damaged one or for none.
    """
    used, packed = 0, stream.read(_PACKED)
    if not packed:
        raise EOFError("there is nothing to unpack")
    while packed:
        if used and not packed.startswith(_START[: len(packed)]):
            if strict:
                raise OSError("between two bz2 streams are bytes of none")
            break
        unpacker = bz2.BZ2Decompressor()
        while not unpacker.eof:
            if unpacker.needs_input and not packed:
                packed = stream.read(_PACKED)
                if not packed:
                    raise EOFError("it ends within a bz2 stream")
            used += len(packed)
            piece = unpacker.decompress(packed, PIECE)
            packed = b""
            if piece:
                yield piece
        packed = unpacker.unused_data
        used -= len(packed)
        if one:
            break
        packed = packed or stream.read(_PACKED)
    return used


def ahead(source: Iterator[T]) -> Iterator[T]:
    """Yield what a source yields, making the next few in a thread while this one is used.

    Worth it where the source leaves the interpreter, as bz2 does.
    """
    nothing = object()
    with ThreadPoolExecutor(1) as thread:
        coming = deque(thread.submit(next, source, nothing) for _ in range(_AHEAD))
        try:
            while (one := coming.popleft().result()) is not nothing:
                coming.append(thread.submit(next, source, nothing))
                yield cast(T, one)
        finally:
            thread.shutdown(cancel_futures=True)


def stream_starts(path: Path, begin: int) -> Iterator[int]:
    """Yield where the bz2 streams of a file begin, from a byte on, without unpacking any.

    A stream of no content has no block and is not seen: it belongs to the one before it.
    """
    with path.open("rb") as stream:
        stream.seek(begin)
        window, base = stream.read(_SCANNED), begin
        while len(window) >= _MARK:
            at = window.find(_BLOCK, _MARK - len(_BLOCK))
            while at >= 0:
                head = window[at - 4 : at]
                if head[:3] == _START and head[3:] in b"123456789":
                    yield base + at - 4
                at = window.find(_BLOCK, at + 1)
            kept = window[-(_MARK - 1) :]
            base += len(window) - len(kept)
            fresh = stream.read(_SCANNED)
            window = kept + fresh if fresh else b""


def first_stream(path: Path, limit: int) -> tuple[bytes, int] | None:
    """Return the content of a bz2 file's first stream and where the next byte is.

    None when the stream holds more than `limit` bytes. Raises EOFError and OSError as `inflate`.
    """
    pieces: list[bytes] = []
    with path.open("rb") as stream, closing(inflate(stream, one=True)) as unpacked:
        while sum(map(len, pieces)) <= limit:
            try:
                pieces.append(next(unpacked))
            except StopIteration as stop:
                return b"".join(pieces), stop.value
    return None
