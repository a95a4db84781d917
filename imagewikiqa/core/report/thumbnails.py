"""Small copies of images for a report, read with care: the files come from anywhere."""

import io
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from imagewikiqa.core.report.page import data_uri

SIDE = 256  # pixels, the longer side
MOST_PIXELS = 50_000_000  # a hostile file of 300 KB can claim gigabytes
FORMATS = ("JPEG", "PNG", "WEBP", "GIF")


def thumbnail(root: Path, image: str) -> str | None:
    """Return an image below `root` as a data: address of a small JPEG without metadata.

    None when there is no such file, when it lies outside `root`, or when it is not a whole JPEG,
    PNG, WebP or GIF of at most 50 megapixels.
    """
    path = (root / image).resolve()
    if not path.is_relative_to(root.resolve()) or not path.is_file():
        return None
    return _small(path)


def small_copy(content: bytes) -> str | None:
    """Return the bytes of an image as `thumbnail` returns a file; None in the same cases."""
    return _small(io.BytesIO(content))


def _small(file: Path | io.BytesIO) -> str | None:
    try:
        with Image.open(file, formats=FORMATS) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                return None
            opened.draft("RGB", (SIDE, SIDE))
            small = _plain(opened)
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError):
        return None  # the caller says that the picture is not shown
    small.thumbnail((SIDE, SIDE))
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=80)
    return data_uri(stream.getvalue(), "image/jpeg")


def _plain(image: Image.Image) -> Image.Image:
    """Return an image as RGB, transparent parts on white: what is under them is often garbage."""
    if not image.has_transparency_data:
        return image.convert("RGB")
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
