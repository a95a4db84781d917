"""The structure of a WebP: its canvas, frames and end (source: RFC 9649)."""

from imagewikiqa.builders.imagesets.header import MAX_PARTS, Header, cut, damaged, pair, too_complex


def webp_header(data: bytes) -> Header:
    """Walk over the chunks of the RIFF container."""
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise cut("the RIFF header says that there are more bytes")
    at, size, frames, parts = 12, None, 0, 0
    while at + 8 <= end:
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if at + 8 + length > end:
            raise damaged("a chunk goes past the end of the RIFF container")
        size = size or _size(kind, data[at + 8 : at + 18])
        frames += kind == b"ANMF"
        parts, at = parts + 1, at + 8 + length + length % 2
        if parts > MAX_PARTS:
            raise too_complex(f"more than {MAX_PARTS:,} chunks")
    if size is None:
        raise damaged("there is no picture in the RIFF container")
    return Header(format="WEBP", width=size[0], height=size[1], frames=max(1, frames))


def _size(kind: bytes, body: bytes) -> tuple[int, int] | None:
    """Return the size that a chunk states; the canvas of an extended file comes first."""
    if kind == b"VP8X" and len(body) == 10:
        wide, high = int.from_bytes(body[4:7], "little"), int.from_bytes(body[7:10], "little")
        return wide + 1, high + 1
    if kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        wide, high = pair(body[6:10])
        return wide & 0x3FFF, high & 0x3FFF
    if kind == b"VP8L" and body[:1] == b"\x2f":
        packed = int.from_bytes(body[1:5], "little")
        return (packed & 0x3FFF) + 1, (packed >> 14 & 0x3FFF) + 1
    return None
