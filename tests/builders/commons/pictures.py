"""Pictures that look like photographs to a hash: soft shapes and grain, decided by a seed."""

import io

import numpy as np
from PIL import Image, ImageFilter


def picture(seed: int, width: int = 400, height: int = 300) -> Image.Image:
    """Return a picture; another seed gives another one."""
    numbers = np.random.default_rng(seed)
    coarse = numbers.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    shapes = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    grain = numbers.integers(-12, 13, (height, width, 1))
    pixels = np.clip(np.asarray(shapes, dtype=np.int16) + grain, 0, 255).astype(np.uint8)
    return Image.fromarray(pixels)


def jpeg(image: Image.Image, quality: int = 85) -> bytes:
    """Return a picture as JPEG."""
    return saved(image, "JPEG", quality=quality)


def saved(image: Image.Image, form: str, **options: int) -> bytes:
    """Return a picture in a format."""
    stream = io.BytesIO()
    image.save(stream, form, **options)
    return stream.getvalue()


def retouched(image: Image.Image) -> Image.Image:
    """Return the same picture smaller, softer and brighter: what a second upload looks like."""
    small = image.resize((image.width * 3 // 4, image.height * 3 // 4))
    return small.filter(ImageFilter.GaussianBlur(0.8)).point(lambda value: min(255, value + 8))
