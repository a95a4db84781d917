"""Says exactly what an image file is, without changing it and within bounded memory."""

import io
import re
import warnings
from pathlib import PurePosixPath

from PIL import Image

from imagewikiqa.builders.imagesets.dispositions import USABLE, UnusableImageError
from imagewikiqa.builders.imagesets.exif import UPRIGHT, orientation_of
from imagewikiqa.builders.imagesets.header import Header
from imagewikiqa.builders.imagesets.header_png import check_png_pixels
from imagewikiqa.builders.imagesets.headers import read_header
from imagewikiqa.builders.imagesets.records import Inspection

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MAX_PIXELS = 50_000_000
MAX_BYTES = 200_000_000  # of a file; readers refuse larger ones before reading them
MAX_MEMORY = 384_000_000  # bytes of file and decoder together, so that a process stays below 512 MB
_SUFFIXES = {
    ".jpg": "JPEG", ".jpeg": "JPEG", ".jpe": "JPEG", ".jfif": "JPEG", ".png": "PNG",
    ".apng": "PNG", ".gif": "GIF", ".webp": "WEBP", ".bmp": "BMP", ".tif": "TIFF",
    ".tiff": "TIFF", ".ico": "ICO", ".svg": "SVG", ".avif": "AVIF", ".heic": "HEIC",
    ".jp2": "JPEG 2000", ".jxl": "JPEG XL", ".psd": "PSD", ".fits": "FITS", ".eps": "EPS",
}  # fmt: skip
_ADDRESS = re.compile(r" object at 0x[0-9a-f]+")
_GREYS = frozenset({"1", "L", "I;16", "I", "F"})


def inspect(data: bytes, name: str = "") -> Inspection:
    """Return what the bytes of an image file are; any bytes have an answer, none raise.

    Sizes, frames and the end of the file are read before a pixel is decoded; then all of it is.
    `name` is only compared with the content, for "ok_renamed". One kind of damage stays unseen: a
    JPEG or lossy WebP changed inside its pixels decodes to wrong colours, as it has no checksum.
    """
    header: Header | None = None
    try:
        header = header_of(data)
        check_header(header, data)
        image = decoded(data, header, small=True)
    except UnusableImageError as bad:
        return Inspection(
            disposition=bad.disposition,
            format=header and header.format,
            width=header and header.width,
            height=header and header.height,
            frames=header and header.frames,
            detail=bad.detail,
        )
    return _judge(image, header, name)


def header_of(data: bytes) -> Header:
    """Return the header of a whole image file; raise UnusableImageError for anything else."""
    if len(data) > MAX_BYTES:
        raise UnusableImageError("too_many_bytes", f"{len(data):,} bytes")
    return read_header(data)


def check_header(header: Header, data: bytes) -> None:
    """Raise UnusableImageError for an image that is not to be decoded."""
    _check_size(header.width, header.height)
    if header.frames > 1:
        raise UnusableImageError("animated", header.format)
    needed = len(data) + _decoder_bytes(header)
    if needed > MAX_MEMORY:
        raise UnusableImageError("too_much_memory", f"{needed:,} bytes")
    if header.format == "PNG":
        check_png_pixels(data)


def decoded(data: bytes, header: Header, *, small: bool = False) -> Image.Image:
    """Return an image with its pixels; what Pillow raises becomes an UnusableImageError.

    `small` gives a JPEG at an eighth of its size: each bit of its scans is still read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # on broken EXIF, which is read and judged by ourselves
        try:
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            _check_size(image.width, image.height)
            if small and header.format == "JPEG":
                image.draft(None, (max(1, image.width // 8), max(1, image.height // 8)))
            image.load()
        except (UnusableImageError, MemoryError):
            raise
        except Exception as error:  # decoders of hostile bytes raise any type; it is recorded
            # Pillow limits what compressed notes of a PNG may grow to.
            grown = "Decompressed data too large" in str(error) or "text chunks" in str(error)
            raise UnusableImageError("too_complex" if grown else "damaged", _said(error)) from error
    return image


def _said(error: Exception) -> str:
    """Return what a decoder said, without an address in memory: reject rows never differ."""
    return f"{type(error).__name__}: {_ADDRESS.sub('', str(error))}"[:200]


def orientation(image: Image.Image) -> int | None:
    """Return EXIF's orientation of a loaded image, None without one; ValueError if broken."""
    exif = image.info.get("exif")
    return orientation_of(exif) if isinstance(exif, bytes) and exif else None


def is_transparent(image: Image.Image) -> bool:
    """Say whether pixels of a loaded image may be transparent."""
    layers = "A" in image.mode or "a" in image.mode  # as in RGBA, LA, PA, RGBa
    clear_palette = image.palette is not None and image.palette.mode.endswith("A")
    return layers or clear_palette or "transparency" in image.info


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise UnusableImageError("too_many_pixels", f"{width} x {height}")


def _decoder_bytes(header: Header) -> int:
    """Return how much memory decoding takes at most, by measurement of Pillow's decoders."""
    pixels = header.width * header.height
    if header.format == "JPEG":
        return 2 * header.coefficients + pixels // 8
    return (16 if header.format == "WEBP" else 4) * pixels


def _judge(image: Image.Image, header: Header, name: str) -> Inspection:
    found = {"ok"}
    turned: int | None = None
    try:
        turned = orientation(image)
    except ValueError:
        found.add("ok_bad_exif")
    if turned not in (None, UPRIGHT):
        found.add("ok_rotated")
    if _SUFFIXES.get(PurePosixPath(name).suffix.lower(), header.format) != header.format:
        found.add("ok_renamed")
    if image.format == "MPO":
        found.add("ok_mpo")
    found |= _colours(image, header)
    first, *others = [word for word in USABLE if word in found]
    return Inspection(
        disposition=first,
        also=tuple(word for word in others if word != "ok"),
        format=header.format,
        mode=image.mode,
        width=header.width,
        height=header.height,
        frames=getattr(image, "n_frames", 1) if image.format == "MPO" else header.frames,
        exif_orientation=turned,
    )


def _colours(image: Image.Image, header: Header) -> set[str]:
    """Return the words on how pixels are stored."""
    found = set()
    if image.mode == "CMYK":
        found.add("ok_cmyk")
    if header.bits == 16:
        found.add("ok_16bit")
    if is_transparent(image):
        found.add("ok_alpha")
    if image.mode in ("P", "PA"):
        found.add("ok_palette")
    if image.mode in _GREYS or image.mode == "LA":
        found.add("ok_grey")
    return found
