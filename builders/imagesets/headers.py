"""What the structure of an image file says before a pixel is decoded: format, size, frames, end."""

from collections.abc import Callable

from imagewikiqa.builders.imagesets.dispositions import UnusableImageError
from imagewikiqa.builders.imagesets.foreign import refuse_foreign
from imagewikiqa.builders.imagesets.header import Header, cut
from imagewikiqa.builders.imagesets.header_gif import gif_header
from imagewikiqa.builders.imagesets.header_jpeg import jpeg_header
from imagewikiqa.builders.imagesets.header_png import png_header
from imagewikiqa.builders.imagesets.header_webp import webp_header

_STARTS: dict[bytes, Callable[[bytes], Header]] = {
    b"\xff\xd8\xff": jpeg_header,
    b"\x89PNG\r\n\x1a\n": png_header,
    b"GIF87a": gif_header,
    b"GIF89a": gif_header,
}


def read_header(data: bytes) -> Header:
    """Return the claims of an image file that is whole; raise UnusableImageError for any other.

    "Whole" is the end mark of the format: EOI, IEND, the GIF trailer, the length in the RIFF
    header. What follows it is ignored. A PNG's chunks must match their checksums.
    """
    if not data:
        raise UnusableImageError("empty")
    for start, read in _STARTS.items():
        if data.startswith(start):
            return read(data)
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return webp_header(data)
    if any(start.startswith(data) for start in _STARTS) or _webp_begins(data):
        raise cut("only its first bytes are there")
    raise refuse_foreign(data)


def _webp_begins(data: bytes) -> bool:
    return len(data) < 12 and b"RIFF".startswith(data[:4]) and b"WEBP".startswith(data[8:])
