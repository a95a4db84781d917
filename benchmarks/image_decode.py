"""JPEG to a normalised float32 tensor: ours, exact and fast, against LLaVA's own path.

The photographs are the two of scikit-learn, cut and turned to ImageNet's usual 500 x 375. One
thread; CPU seconds, in turns.
"""

import io
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from sklearn.datasets import load_sample_images
from transformers import CLIPImageProcessorPil

from benchmarks._report import Result, parser, show
from imagewikiqa.mixtures.pixels import BACKGROUND, DEVIATION, MEAN, SIDE, clip_array
from imagewikiqa.trainers.pixels import clip_bytes, normalised

Array = npt.NDArray[np.float32]
PROCESSOR: Any = CLIPImageProcessorPil(
    size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE},
    image_mean=MEAN, image_std=DEVIATION,
)  # fmt: skip


def photographs() -> list[bytes]:
    """Return ten JPEGs of 500 x 375 or, every fifth, 375 x 500."""
    made = []
    for pixels in load_sample_images().images:
        for number in range(5):
            left, top = number * 10, number * 5
            image = Image.fromarray(pixels).crop((left, top, left + 560, top + 420))
            image = image.resize((500, 375), Image.Resampling.LANCZOS)
            stream = io.BytesIO()
            turned = image.rotate(90, expand=True) if number == 4 else image
            turned.save(stream, "JPEG", quality=92)
            made.append(stream.getvalue())
    return made


def llava(data: bytes) -> Array:
    """Do what LLaVA does: decode, `expand2square`, the processor of CLIP."""
    image = Image.open(io.BytesIO(data)).convert("RGB")
    side = max(image.size)
    padded = Image.new("RGB", (side, side), BACKGROUND)
    padded.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    array: Array = PROCESSOR.preprocess(padded, return_tensors="np")["pixel_values"][0]
    return array


def fast(data: bytes) -> Array:
    """Use the filter of torch, which rounds otherwise."""
    array: Array = normalised(clip_bytes(data)).numpy()
    return array


def seconds(convert: Callable[[bytes], object], images: list[bytes]) -> float:
    """Return the CPU seconds that the images take."""
    began = time.process_time()
    for data in images:
        convert(data)
    return time.process_time() - began


def main() -> int:
    """Measure in turns; return 1 when a difference is larger than promised."""
    given = parser().parse_args()
    torch.set_num_threads(1)
    images = photographs()
    paths: dict[str, Callable[[bytes], object]] = {
        "fast": fast, "exact": clip_array, "bytes": clip_bytes, "LLaVA": llava,
    }  # fmt: skip
    taken: dict[str, list[float]] = {name: [] for name in paths}
    for _ in range(given.rounds * 3):
        for name, convert in paths.items():
            taken[name].append(seconds(convert, images))
    ms = {name: statistics.median(each) / len(images) * 1e3 for name, each in taken.items()}
    wrong = sum(int((clip_array(data) != llava(data)).sum()) for data in images)
    column = np.array(DEVIATION, np.float32)[:, None, None] * 255
    apart = max(float(np.abs((fast(data) - llava(data)) * column).max()) for data in images)
    result = Result(
        name="image_decode",
        unit="images/s of CPU, 500 x 375 JPEG to 336 x 336 float32",
        ours=round(1e3 / ms["fast"], 1),
        others={"LLaVA": round(1e3 / ms["LLaVA"], 1)},
        exact={
            "fast, largest difference of 255": round(apart, 2),
            "exact, values that differ": wrong,
            "exact, times LLaVA": round(ms["LLaVA"] / ms["exact"], 2),
            "fast as bytes, times LLaVA": round(ms["LLaVA"] / ms["bytes"], 2),
            **{f"ms, {name}": round(value, 2) for name, value in ms.items()},
        },
    )
    show(result, given.json)
    return int(wrong > 0 or apart > 2.01)


if __name__ == "__main__":
    sys.exit(main())
