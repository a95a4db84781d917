"""Fast tensors of images stay within 2/255 of LLaVA's."""

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from imagewikiqa.mixtures.pixels import clip_array, decode, square

torch = pytest.importorskip("torch", reason="needs torch")


def drawing(width: int, height: int) -> bytes:
    """Return a JPEG of lines, circles and gradients."""
    image = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    draw = ImageDraw.Draw(image)
    for step in range(0, width, 7):
        draw.line((step, 0, width - step, height), (step % 256, 255 - step % 256, 90))
        draw.ellipse((step, step // 2, step + 20, step // 2 + 9), outline=(0, step % 256, 255))
    stream = io.BytesIO()
    image.save(stream, "JPEG", quality=92)
    return stream.getvalue()


@pytest.mark.parametrize("size", [(500, 375), (375, 500), (640, 427), (336, 336), (200, 30)])
def test_a_tensor_is_within_two_of_two_hundred_and_fifty_five(size: tuple[int, int]) -> None:
    from imagewikiqa.trainers.pixels import clip_bytes, normalised

    data = drawing(*size)
    found = clip_bytes(data)
    assert found.dtype == torch.uint8 and found.shape == (3, 336, 336)
    exact = np.asarray(square(decode(data))).transpose(2, 0, 1)
    difference = np.abs(found.numpy().astype(int) - exact.astype(int))
    assert difference.max() <= 2 and difference.mean() < 0.05
    apart = np.abs(normalised(found).numpy() - clip_array(data))
    assert apart.max() <= 2 / 255 / 0.26
