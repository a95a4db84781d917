"""The structure of a JPEG: its frame header, its scans, its end (source: ITU-T T.81, annex B)."""

import re

from imagewikiqa.builders.imagesets.dispositions import UnusableImageError
from imagewikiqa.builders.imagesets.header import (
    MAX_NOTES,
    MAX_PARTS,
    MAX_SCANS,
    Header,
    cut,
    damaged,
    too_complex,
)

_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_FRAME = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = 0xC2
_CODINGS = {  # what no browser and few programs decode
    0xC3: "lossless", 0xC5: "hierarchical", 0xC6: "hierarchical", 0xC7: "hierarchical",
    0xC9: "arithmetic", 0xCA: "arithmetic", 0xCB: "arithmetic", 0xCD: "arithmetic",
    0xCE: "arithmetic", 0xCF: "arithmetic",
}  # fmt: skip


def jpeg_header(data: bytes) -> Header:
    """Walk from marker to marker to the end of the image, over the scans."""
    header: Header | None = None
    at, parts, scans = 2, 0, 0
    while True:
        found = _MARKER.search(data, at)
        if found is None:
            raise cut("there is no EOI marker")
        code, at = data[found.end() - 1], found.end()
        if code == 0xD9:
            break
        if code in (0x01, 0xD8):  # stand alone
            continue
        length = int.from_bytes(data[at : at + 2], "big")
        if at + max(2, length) > len(data):
            raise cut("a segment goes past the end of the file")
        if length < 2:
            raise damaged("a segment has no length")
        if code in _FRAME and header is None:
            header = _frame(code, data[at + 2 : at + length])
        scans += code == 0xDA
        parts, at = parts + 1, at + length
        if scans > MAX_SCANS or parts > MAX_PARTS or (not scans and at > MAX_NOTES):
            raise too_complex(f"{parts} segments and {scans} scans in {at} bytes")
    if header is None or not scans:
        raise damaged("the image ends before its pixels")
    return header


def _frame(code: int, body: bytes) -> Header:
    if len(body) < 6 or len(body) < 6 + 3 * body[5]:
        raise damaged("the frame header is too short")
    bits, channels = body[0], body[5]
    height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    if bits != 8 or code in _CODINGS:
        what = f"{_CODINGS[code]} coding" if code in _CODINGS else f"{bits} bits a sample"
        raise UnusableImageError("unsupported_format", f"JPEG with {what}")
    if not width or not height or not channels:
        raise damaged(f"the size is {width} x {height} of {channels} channels")
    factors = [(one >> 4, one & 15) for one in body[7 : 6 + 3 * channels : 3]]
    widest, highest = max(h for h, _ in factors), max(v for _, v in factors)
    if not all(h and v for h, v in factors):
        raise damaged("a sampling factor is 0")
    share = sum(h * v for h, v in factors) / (widest * highest)
    coefficients = int(share * width * height) if code == _PROGRESSIVE else 0
    return Header(format="JPEG", width=width, height=height, coefficients=coefficients)
