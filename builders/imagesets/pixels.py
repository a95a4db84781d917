"""Opens a usable image as RGB, by one stated rule for each disposition."""

from PIL import Image, ImageChops

from imagewikiqa.builders.imagesets.exif import UPRIGHT
from imagewikiqa.builders.imagesets.inspect import (
    check_header,
    decoded,
    header_of,
    is_transparent,
    orientation,
)

_TURNS = {  # EXIF orientation -> what sets the picture upright
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def open_rgb(data: bytes, *, upright: bool = True) -> Image.Image:
    """Return the pixels of an image file as RGB; raise UnusableImageError if it is not usable.

    Ink (CMYK, YCCK) is read inverted where the Adobe marker stands, plain elsewhere, as TensorFlow
    does, and becomes (255 - ink)(255 - black) / 255 without a colour profile. Transparent parts lie
    on white. Of 16 bits the high byte is taken. Of several views the first is shown. `upright`
    turns the picture as EXIF says, which is what people see; the usual training code on ImageNet
    does not: give False to see what it sees. Colour profiles are not applied.
    """
    header = header_of(data)
    check_header(header, data)
    image = decoded(data, header)
    turn = _TURNS.get(_orientation(image)) if upright else None
    plain = to_rgb(image)
    return plain if turn is None else plain.transpose(turn)


def _orientation(image: Image.Image) -> int:
    try:
        return orientation(image) or UPRIGHT
    except ValueError:  # "ok_bad_exif": taken as upright
        return UPRIGHT


def to_rgb(image: Image.Image) -> Image.Image:
    """Return the pixels of a loaded image as RGB, by the rules of `open_rgb`."""
    if image.mode == "CMYK":
        # Pillow takes all ink as inverted; without Adobe's marker it is not.
        ink = image if "adobe" in image.info else ImageChops.invert(image)
        return ink.convert("RGB")
    if image.mode.startswith("I"):
        image = _high_byte(image)
    if is_transparent(image):
        seen = image.convert("RGBA")
        white = Image.new("RGBA", seen.size, "white")
        return Image.alpha_composite(white, seen).convert("RGB")
    return image.convert("RGB")  # of RGB a plain copy, without the file


def _high_byte(image: Image.Image) -> Image.Image:
    """Return 16-bit grey as 8-bit grey; its transparent value, if any, goes along."""
    import numpy as np

    samples = np.asarray(image)
    grey = Image.fromarray((samples >> 8).astype(np.uint8))
    clear = image.info.get("transparency")
    if clear is None:
        return grey
    opaque = Image.fromarray(np.where(samples == clear, 0, 255).astype(np.uint8))
    return Image.merge("LA", (grey, opaque))
