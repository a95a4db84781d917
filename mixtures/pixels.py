"""From the bytes of an image to the array a CLIP tower takes, bit for bit as LLaVA makes it.

LLaVA pads an image to a square of the mean colour (`expand2square`), and a processor resizes it by
Pillow's bicubic filter and normalises it. Pillow filters rows first, then columns. So the columns
of a wide image's padding need not be filtered with the rows: one colour stays that colour.
"""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from imagewikiqa.builders.imagesets.inspect import MAX_PIXELS
from imagewikiqa.builders.imagesets.pixels import to_rgb
from imagewikiqa.core.errors import ToolkitError

SIDE = 336  # of clip-vit-large-patch14-336
MEAN = (0.48145466, 0.4578275, 0.40821073)
DEVIATION = (0.26862954, 0.26130258, 0.27577711)
BACKGROUND = (122, 116, 104)  # the mean as bytes, rounded down as LLaVA does
FORMATS = ("JPEG", "PNG", "WEBP")
_BICUBIC = Image.Resampling.BICUBIC


def decode(data: bytes) -> Image.Image:
    """Return an image of a sample as RGB, its EXIF orientation left alone, as LLaVA leaves it.

    Transparent parts lie on white, as an index says of "ok_alpha"; LLaVA shows what is under them.
    Raises ToolkitError for what is no JPEG, PNG or WebP, is damaged, or has too many pixels.
    """
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        if image.width * image.height > MAX_PIXELS:
            raise ToolkitError(
                f"an image of {image.width} x {image.height} has more than {MAX_PIXELS:,} pixels:"
                " leave it out, or build the mixture with smaller images"
            )
        image.load()
        return to_rgb(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise ToolkitError(f"an image cannot be decoded: {error}") from error


def square(image: Image.Image, side: int = SIDE) -> Image.Image:
    """Return an RGB image padded to a square and resized to `side`, equal to LLaVA's."""
    longer, across = max(image.size), max(image.size)
    top = (longer - image.height) // 2
    if image.width == longer:
        image, across = image.resize((side, image.height), _BICUBIC), side
    canvas = Image.new("RGB", (across, longer), BACKGROUND)
    canvas.paste(image, ((across - image.width) // 2, top))
    return canvas.resize((side, side), _BICUBIC)


def clip_array(data: bytes, side: int = SIDE) -> npt.NDArray[np.float32]:
    """Return an image as a float32 array (3, side, side), equal to what LLaVA trains on.

    Raises ToolkitError as `decode`.
    """
    array = np.empty((3, side, side), np.float32)
    for plane, band in zip(array, square(decode(data), side).split(), strict=True):
        plane[...] = np.asarray(band)
    array /= np.float32(255)
    array -= _column(MEAN)
    array /= _column(DEVIATION)
    return array


def _column(values: tuple[float, float, float]) -> npt.NDArray[np.float32]:
    return np.array(values, np.float32)[:, None, None]
