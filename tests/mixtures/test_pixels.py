"""Arrays of images equal those of LLaVA's own path, bit for bit."""

import io
import random
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures.pixels import BACKGROUND, DEVIATION, MEAN, clip_array, decode, square


def noise(width: int, height: int, seed: int = 0) -> Image.Image:
    """Return an image of every contrast: blocks of random colours."""
    small = max(width // 3, 1), max(height // 3, 1)
    content = random.Random(seed).randbytes(3 * small[0] * small[1])
    return Image.frombytes("RGB", small, content).resize((width, height), Image.Resampling.NEAREST)


def saved(image: Image.Image, kind: str = "PNG") -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


def expanded(image: Image.Image) -> Image.Image:
    """Pad to a square as LLaVA's `expand2square` does."""
    side = max(image.size)
    result = Image.new("RGB", (side, side), BACKGROUND)
    result.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return result


@settings(max_examples=60)
@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from([24, 33, 64]), st.integers(0, 9))
def test_a_square_is_the_padded_image_resized(
    width: int, height: int, side: int, seed: int
) -> None:
    image = noise(width, height, seed)
    slow = expanded(image).resize((side, side), Image.Resampling.BICUBIC)
    assert square(image, side).tobytes() == slow.tobytes()


def test_transparent_parts_lie_on_white() -> None:
    picture = Image.new("RGBA", (4, 2), (200, 10, 10, 0))
    picture.putpixel((0, 0), (10, 20, 30, 255))
    for data in (saved(picture), saved(picture.quantize(4))):
        seen = decode(data)
        assert seen.getpixel((3, 1)) == (255, 255, 255) and seen.mode == "RGB"
        assert seen.getpixel((0, 0)) == (10, 20, 30)


@pytest.mark.parametrize("size", [(500, 375), (375, 500), (336, 336), (640, 427), (30, 20), (1, 9)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_array_is_that_of_the_processor(size: tuple[int, int], kind: str) -> None:
    transformers = pytest.importorskip("transformers", reason="needs transformers")
    processor = transformers.CLIPImageProcessorPil(
        size={"shortest_edge": 336},
        crop_size={"height": 336, "width": 336},
        image_mean=MEAN,
        image_std=DEVIATION,
    )
    data = saved(noise(*size), kind)
    with Image.open(io.BytesIO(data)) as image:
        slow = processor.preprocess(expanded(image.convert("RGB")), return_tensors="np")
    assert np.array_equal(clip_array(data), slow["pixel_values"][0])


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "I;16"])
def test_other_modes_become_rgb(mode: str) -> None:
    grey = Image.fromarray(np.arange(64, dtype=np.uint16).reshape(8, 8))
    image = grey if mode == "I;16" else noise(8, 8).convert(mode)
    assert decode(saved(image)).mode == "RGB"


def bomb() -> bytes:
    """Return a PNG that says it has 10^10 pixels."""
    head = struct.pack(">IIBBBBB", 100_000, 100_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    packed = struct.pack(">I", len(head)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return b"\x89PNG\r\n\x1a\n" + packed


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xd8\xff", saved(noise(40, 40), "JPEG")[:300], saved(noise(9, 9), "BMP"),
     saved(noise(9, 9), "GIF"), bomb(), saved(noise(40, 40))[:-60], b"%!PS-Adobe-3.0 EPSF-3.0\n"],
    ids=["empty", "no JPEG", "cut JPEG", "BMP", "GIF", "bomb", "cut PNG", "PostScript"],
)  # fmt: skip
def test_what_is_no_whole_image_of_a_mixture_is_refused(data: bytes) -> None:
    with pytest.raises(ToolkitError):
        decode(data)
