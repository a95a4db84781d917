"""The claims of an image file before a pixel is decoded, and the limits of looking for them.

Each walk touches the markers of a file alone and stops at limits, so hostile bytes cost little.
"""

from dataclasses import dataclass
from typing import Literal

from imagewikiqa.builders.imagesets.dispositions import UnusableImageError

Format = Literal["JPEG", "PNG", "GIF", "WEBP"]
MAX_PARTS = 10_000  # segments, chunks other than pixels, extensions: a photograph has tens
MAX_PIXEL_PARTS = 1_000_000  # chunks or blocks of pixels; 200 MB in blocks of 255 bytes has 0.8 M
MAX_SCANS = 100  # of a progressive JPEG; each walks the whole picture; encoders write ten
MAX_NOTES = 16_000_000  # bytes of segments before the pixels: comments, profiles, EXIF


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The claims of a file; `frames` is 2 for "several" where the format does not count them."""

    format: Format
    width: int
    height: int
    bits: int = 8  # of one sample
    frames: int = 1
    coefficients: int = 0  # of a progressive JPEG, all held until its last scan


def cut(detail: str) -> UnusableImageError:
    """Return the error of a file that ends too early."""
    return UnusableImageError("truncated", detail)


def damaged(detail: str) -> UnusableImageError:
    """Return the error of a file whose structure contradicts its format."""
    return UnusableImageError("damaged", detail)


def too_complex(detail: str) -> UnusableImageError:
    """Return the error of a file with more parts than a picture has use for."""
    return UnusableImageError("too_complex", detail)


def pair(data: bytes) -> tuple[int, int]:
    """Return two little-endian 16-bit numbers from the start of some bytes."""
    return int.from_bytes(data[:2], "little"), int.from_bytes(data[2:4], "little")
