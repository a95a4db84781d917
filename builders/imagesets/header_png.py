"""The structure of a PNG: its chunks, checksums, pixels and end (source: ISO/IEC 15948)."""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from imagewikiqa.builders.imagesets.header import (
    MAX_NOTES,
    MAX_PARTS,
    MAX_PIXEL_PARTS,
    Header,
    cut,
    damaged,
    too_complex,
)

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by colour type
_ADAM7 = ((0, 8, 0, 8), (4, 8, 0, 8), (0, 4, 4, 8), (2, 4, 0, 4), (0, 2, 2, 4), (1, 2, 0, 2),
          (0, 1, 1, 2))  # fmt: skip
_PIECE = 1 << 20  # bytes inflated at a time


@dataclass(frozen=True, slots=True)
class _Chunk:
    kind: bytes
    start: int  # of the body
    end: int


def png_header(data: bytes) -> Header:
    """Walk over all chunks to IEND; each must match its checksum."""
    header: Header | None = None
    notes = pixels = 0
    frames = 1
    palette = True
    for one in _chunks(data):
        if header is None:
            header = _size(one.kind, data[one.start : one.end])
            palette = data[one.start + 9] != 3
        elif one.kind == b"acTL" and not pixels:
            frames = int.from_bytes(data[one.start : one.start + 4], "big")
        palette |= one.kind == b"PLTE" and not pixels
        is_pixels = one.kind in (b"IDAT", b"fdAT")
        pixels, notes = pixels + is_pixels, notes + (not is_pixels)
        if notes > MAX_PARTS or pixels > MAX_PIXEL_PARTS or (not pixels and one.end > MAX_NOTES):
            raise too_complex(f"{notes} chunks besides pixels in {one.end:,} bytes")
    if header is None or not pixels:
        raise damaged("there is no chunk of pixels")
    if not palette:
        raise damaged("there is no palette before the pixels")
    return replace(header, frames=max(1, frames))


def check_png_pixels(data: bytes) -> None:
    """Inflate the pixels piece by piece; raise UnusableImageError if there are too few of them.

    Pillow fills rows that a complete stream does not hold with black, without a word.
    """
    needed, got = 0, 0
    stream = zlib.decompressobj()
    for one in _chunks(data):
        if one.kind == b"IHDR":
            body = data[one.start : one.end]
            _size(one.kind, body)  # a second one may say what the first did not
            needed = _pixel_bytes(body)
        if one.kind != b"IDAT" or stream.eof:
            continue
        waiting = data[one.start : one.end]
        while waiting and not stream.eof:
            try:
                got += len(stream.decompress(waiting, _PIECE))
            except zlib.error as error:
                raise damaged(f"the pixels cannot be inflated: {error}") from error
            waiting = stream.unconsumed_tail
            if got > needed + _PIECE:  # more than is looked at
                return
    if got < needed or not stream.eof:
        raise damaged(f"{got:,} of {needed:,} bytes of pixels")


def _chunks(data: bytes) -> Iterator[_Chunk]:
    """Yield the chunks to IEND; raise UnusableImageError where one is cut or damaged."""
    view = memoryview(data)
    at, kind = 8, b""
    while kind != b"IEND":
        length, kind = int.from_bytes(view[at : at + 4], "big"), bytes(view[at + 4 : at + 8])
        end = at + 12 + length
        if end > len(data):
            raise cut("there is no IEND chunk")
        if not kind.isalpha():
            raise damaged("a chunk has no name")
        if zlib.crc32(view[at + 4 : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
            raise damaged(f"the checksum of {kind.decode()} is wrong")
        yield _Chunk(kind, at + 8, end - 4)
        at = end


def _size(kind: bytes, body: bytes) -> Header:
    if kind != b"IHDR" or len(body) != 13:
        raise damaged("the first chunk is no IHDR")
    width, height = int.from_bytes(body[:4], "big"), int.from_bytes(body[4:8], "big")
    if not width or not height or body[9] not in _CHANNELS:
        raise damaged(f"{width} x {height} pixels of colour type {body[9]}")
    return Header(format="PNG", width=width, height=height, bits=body[8])


def _pixel_bytes(header: bytes) -> int:
    """Return how many bytes the rows of all passes take, each with its filter byte."""
    width, height = int.from_bytes(header[:4], "big"), int.from_bytes(header[4:8], "big")
    bits = header[8] * _CHANNELS[header[9]]
    passes = _ADAM7 if header[12] else ((0, 1, 0, 1),)
    total = 0
    for left, right, top, down in passes:
        wide, high = -(-(width - left) // right), -(-(height - top) // down)
        if wide > 0 and high > 0:
            total += high * (1 + (wide * bits + 7) // 8)
    return total
