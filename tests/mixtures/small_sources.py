"""Small real sources: an indexed folder of images, LLaVA rows, captions and questions."""

import json
from pathlib import Path
from typing import Any

from imagewikiqa.builders.imagesets.index import build_index
from imagewikiqa.builders.imagesets.open import open_image_set
from imagewikiqa.builders.llava.index import index_rows
from imagewikiqa.builders.llava.mix import read_mix
from imagewikiqa.core.records import Authorship, Caption, Evidence, Item, Question
from imagewikiqa.core.tables import write_table
from imagewikiqa.mixtures.recipe import Recipe
from imagewikiqa.mixtures.recipe_files import parse_recipe
from tests.builders.imagesets.fake_set import photo

CLASSES = ("ant", "grey_fox", "tench")
RECIPE = """
name: small
sources:
  - {name: birds, read: "images:birds/index", images: birds/images}
  - {name: talk, read: "llava:talk/rows.parquet", images: talk/images}
"""


def make_images(folder: Path, per_class: int = 4, classes: tuple[str, ...] = CLASSES) -> None:
    """Write FOLDER/images/train/CLASS/N.jpg, the last of each class cut, and FOLDER/index."""
    for name in classes:
        (folder / "images/train" / name).mkdir(parents=True, exist_ok=True)
        for at in range(per_class):
            cut = -9 if at == 3 else None
            data = photo(f"{name}-{at}")[:cut]
            (folder / f"images/train/{name}/{at:04d}.jpg").write_bytes(data)
    build_index(open_image_set(f"folder:{folder / 'images'}"), folder / "index")


def make_rows(folder: Path, rows: int = 6) -> None:
    """Write FOLDER/rows.parquet: every third row text only, one of two images."""
    (folder / "images").mkdir(parents=True)
    raw = []
    for at in range(rows):
        said = _turns(f"What, {at}?", f"That: {at} é.")
        row: dict[str, Any] = {"id": f"r{at}", "conversations": said}
        if at % 3:
            name = f"{at}.jpg"
            (folder / "images" / name).write_bytes(photo(f"row-{at}"))
            row["image"] = name
            said[0]["value"] = f"<image>\nWhat, {at}?"
        raw.append(row)
    two = {"id": "two", "image": ["1.jpg", "2.jpg"], "conversations": _turns("<image><image>", "a")}
    (folder / "mix.json").write_text(json.dumps([*raw, two]))
    index_rows(read_mix(folder / "mix.json"), folder, images=folder / "images")


def _turns(question: str, answer: str) -> list[dict[str, str]]:
    return [{"from": "human", "value": question}, {"from": "gpt", "value": answer}]


AUTHOR = Authorship(name="corpus", model="none", prompt="forms@0", seed=0, form="diet")


def make_captions(folder: Path) -> None:
    """Write FOLDER/captions.jsonl over the images of `make_images`."""
    rows = [
        Caption(
            id=f"c{at}",
            class_id=name,
            class_name=name.replace("_", " "),
            image=f"train/{name}/0000.jpg",
            image_sha256="0" * 64,
            caption=f"A {name.replace('_', ' ')} here.",
            attempts=1,
            author=AUTHOR,
        )
        for at, name in enumerate(CLASSES)
    ]
    write_table(folder / "captions.jsonl", rows)


def make_questions(folder: Path) -> None:
    """Write FOLDER/questions.jsonl and items.jsonl: one question, with and without an image."""
    evidence = Evidence(
        page="en:1@2", page_id=1, revision_id=2, url="https://x.org", quote="é", start=0, end=1
    )
    question = Question(
        id="q1", class_id="ant", class_name="ant", question="What does this object eat?",
        question_named="What does an ant eat?", choices=("seeds", "glass", "sand", "iron"),
        answer=0, evidence=evidence, author=AUTHOR, checks={}, judge=None,
        choice_class_ids=(None, None, None, None),
    )  # fmt: skip
    asked = {"question_id": "q1", "class_id": "ant", "question": question.question}
    items = [
        Item(item_id="i1", image="train/ant/0000.jpg", image_sha256="0" * 64, answer=1, letter="B",
             choices=("glass", "seeds", "sand", "iron"), **asked),
        Item(item_id="i2", image=None, answer=0, letter="A", choices=question.choices, **asked),
    ]  # fmt: skip
    write_table(folder / "questions.jsonl", [question])
    write_table(folder / "items.jsonl", items)


def small_recipe(folder: Path, text: str = RECIPE) -> Recipe:
    """Return a recipe whose sources lie below a folder."""
    return parse_recipe("small", text, folder)
