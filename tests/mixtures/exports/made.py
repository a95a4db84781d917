"""A finished mixture of images of three kinds, conversations and text alone, to be exported."""

import json
from pathlib import Path

from PIL import Image

from imagewikiqa.builders.imagesets.index import build_index
from imagewikiqa.builders.imagesets.open import open_image_set
from imagewikiqa.builders.llava.index import index_rows
from imagewikiqa.builders.llava.mix import read_mix
from imagewikiqa.mixtures.build import build
from imagewikiqa.mixtures.plan import plan
from imagewikiqa.mixtures.recipe_files import parse_recipe
from imagewikiqa.mixtures.sources.open import open_sources

CLASSES = ("ant", "grey_fox", "tench")
RECIPE = """
name: small
about: Pictures and talk, to be passed on.
seed: 3
shard: {samples: 5}
sources:
  - name: pics
    read: images:index
    images: pics
    epochs: 2
    license: cc-by-4.0
    credit: The painters of squares
  - {name: talk, read: "llava:rows/rows.parquet", images: shots, epochs: 1}
"""
KINDS = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}


def picture(path: Path, kind: str, shade: int) -> None:
    """Write an image that no other call writes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (24 + shade % 9, 16), (shade * 7 % 256, 90, shade)).save(path, kind)


def make_sources(folder: Path, classes: tuple[str, ...] = CLASSES) -> None:
    """Write images of classes with their index, and rows of talk, the last two text alone."""
    for at, name in enumerate(classes):
        for number, (extension, kind) in enumerate(KINDS.items()):
            shade = at * 10 + number
            picture(folder / f"pics/train/{name}/{number}.{extension}", kind, shade)
    build_index(open_image_set(f"folder:{folder / 'pics'}"), folder / "index")
    rows = []
    for at in range(6):
        said = [
            {"from": "human", "value": f"<image>\nWhat is {at}?" if at < 4 else f"Say {at}: é ✓"},
            {"from": "gpt", "value": f'It is "{at}".\nYes.'},
            {"from": "human", "value": "Sure?"},
            {"from": "gpt", "value": "Sure."},
        ]
        rows.append({"id": f"r{at}", "conversations": said})
        if at < 4:
            picture(folder / f"shots/{at}.jpg", "JPEG", 100 + at)
            rows[-1]["image"] = f"{at}.jpg"
    (folder / "talk.json").write_text(json.dumps(rows))
    index_rows(read_mix(folder / "talk.json"), folder / "rows", images=folder / "shots")


def make_mixture(
    folder: Path, recipe: str = RECIPE, classes: tuple[str, ...] = CLASSES, name: str = "mix"
) -> Path:
    """Build the mixture of a recipe below a folder, its sources made before; return its folder."""
    if not (folder / "index").is_dir():
        make_sources(folder, classes)
    out = folder / name
    (out / "work").mkdir(parents=True, exist_ok=True)
    read = parse_recipe("small", recipe, folder)
    if not (out / "plan.json").is_file():
        plan(read, open_sources(read, out / "work"), out)
    build(read, out, out, out / "work")
    return out
