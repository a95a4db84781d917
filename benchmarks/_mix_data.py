"""ImageNet and LLaVA-665K at a fraction of their size, in their layouts and indexed by ourselves.

Photographs are made (coloured clouds and noise, sizes as ImageNet's); conversations are real ones
where these lie beside the repository.
"""

import io
import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks._llava_rows import plain_row
from benchmarks._report import DATA
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.spread import spread

IMAGENET, LLAVA, TEXT_ONLY = 1_281_167, 665_298, 40_688  # samples of the real ones
_SHOWN = 2  # conversations about an image, about as in the real mix
_USUAL = (500, 375)
_NOISE = np.random.default_rng(0).normal(0, 1, (800, 900, 1)).astype(np.float32)
Row = dict[str, Any]


def make_data(folder: Path, scale: int, kilobytes: int) -> dict[str, int]:
    """Write what the recipe imagenet+llava665k reads, one of `scale` of each; return counts.

    `kilobytes` is the size that a photograph has in the mean.
    """
    images, rows = IMAGENET // scale, LLAVA // scale
    loud = loudness(kilobytes)
    train, talk = folder / "imagenet/images/train", folder / "llava_v1_5_mix665k"
    ids = [entry.id for entry in load_classes("imagenet")]
    names = [f"{ids[at % 1000]}/{ids[at % 1000]}_{at}.JPEG" for at in range(images)]
    made = [*conversations(rows)]
    shown = sorted({row["image"] for row in made if isinstance(row.get("image"), str)})
    paths = [*(train / name for name in names), *(talk / "images" / name for name in shown)]
    for parent in {path.parent for path in paths}:
        parent.mkdir(parents=True, exist_ok=True)
    size = sum(spread(partial(write_photograph, loud), enumerate(paths), 2))
    (talk / "mix.json").write_text(json.dumps(made))
    command("builders", "images", "index", f"imagenet:{train.parent}", "--workers", "2",
            "--out", str(folder / "imagenet/index"))  # fmt: skip
    command("builders", "llava", str(talk / "mix.json"), "--images", str(talk / "images"),
            "--workers", "2", "--out", str(talk / "index"))  # fmt: skip
    return {"images": images, "rows": rows, "photographs": len(paths), "bytes": size}


def command(*words: str) -> None:
    """Run a command of the toolkit; AssertionError with its words when it fails."""
    line = [sys.executable, "-m", "imagewikiqa", *words]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    if done.returncode:
        raise AssertionError(f"{' '.join(words)} ended with {done.returncode}: {done.stderr}")


def write_photograph(loud: float, numbered: tuple[int, Path]) -> int:
    """Write a photograph that its number decides; return its bytes."""
    number, path = numbered
    data = photograph(number, loud)
    path.write_bytes(data)
    return len(data)


def photograph(number: int, loud: float) -> bytes:
    """Return a JPEG, mostly of ImageNet's 500 x 375, some upright, some smaller."""
    rng = np.random.default_rng(number)
    size = _USUAL if number % 5 else (_USUAL[1], _USUAL[0])
    if number % 7 == 0:
        size = (size[0] * 2 // 3, size[1] * 2 // 3)
    clouds = Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8))
    pixels = np.asarray(clouds.resize(size, Image.Resampling.BICUBIC), np.float32)
    top, left = rng.integers(0, 300, 2).tolist()
    noise = _NOISE[top : top + size[1], left : left + size[0]] * loud
    stream = io.BytesIO()
    whole: npt.NDArray[np.uint8] = np.clip(pixels + noise, 0, 255).astype(np.uint8)
    Image.fromarray(whole).save(stream, "JPEG", quality=90)
    return stream.getvalue()


def loudness(kilobytes: int) -> float:
    """Return how loud the noise is that gives photographs this size in the mean."""
    low, high = 0.0, 60.0
    for _ in range(8):
        middle = (low + high) / 2
        mean = sum(len(photograph(number, middle)) for number in range(7)) / 7
        low, high = (middle, high) if mean < kilobytes * 1000 else (low, middle)
    return low


def conversations(count: int) -> Iterator[Row]:
    """Yield rows in LLaVA's form, as many of text alone as in the real mix."""
    about, alone, odd = _real()
    texts = 0
    for number in range(count):
        if number * TEXT_ONLY // LLAVA > (number - 1) * TEXT_ONLY // LLAVA and alone:
            said = alone[texts % len(alone)]
            rounds = max(1, len(said) // 2 - texts // len(alone))  # a row is refused that repeats
            yield {"id": f"text-{texts}", "conversations": said[: rounds * 2]}
            texts += 1
        elif number < len(odd):
            yield odd[number]
        elif about:
            image = f"coco/train2017/{number // _SHOWN:012d}.jpg"
            said = about[number % len(about)]
            yield {"id": f"{number:012d}", "image": image, "conversations": said}
        else:
            yield plain_row(number)


@cache
def _real() -> tuple[list[list[Row]], list[list[Row]], list[Row]]:
    """Return real conversations about an image, those of text alone, and rows as published.

    They are empty where nothing lies beside the repository.
    """
    folder = DATA / "llava_samples"
    if not folder.is_dir():
        return [], [], []
    asked: dict[str, list[Row]] = defaultdict(list)
    lines = (folder / "coco2014_val_gpt4_qa_30x3.jsonl").read_text(encoding="utf-8").splitlines()
    for row in map(json.loads, lines):
        asked[row["id"]] += _round(row["instruction"], row["output"])
    about = [_shown(said) for said in asked.values()]
    about += [_shown(said[at : at + 2]) for said in asked.values() for at in range(0, len(said), 2)]
    rows = json.loads((folder / "fastchat_text_only.json").read_text(encoding="utf-8"))
    odd = json.loads((folder / "public_doc_excerpts.json").read_text(encoding="utf-8"))
    return about, [row["conversations"] for row in rows], [one["record"] for one in odd]


def _round(question: str, answer: str) -> list[Row]:
    return [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]


def _shown(said: list[Row]) -> list[Row]:
    first = said[0]
    return [{**first, "value": f"<image>\n{first['value']}"}, *said[1:]]
