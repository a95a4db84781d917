"""Run folders with any questions in them, as a rebuild leaves them."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from imagewikiqa.core.records import Item, Page, Question
from imagewikiqa.core.runs import finish_run, open_run
from imagewikiqa.core.tables import write_table

LETTERS = "ABCD"


def write_run(
    out: Path, questions: Sequence[Question], pages: Sequence[Page], pixels: Path | None = None
) -> Path:
    """Write a finished run; with `pixels` every question gets a picture of its own there."""
    config = {"classes": "imagenet", "images": f"folder:{pixels}" if pixels else "none"}
    with open_run(out, {"command": "rebuild"}, {}, config) as run:
        write_table(out / "questions.jsonl", questions)
        write_table(out / "pages.jsonl", pages)
        write_table(out / "items.jsonl", [_item(one, pixels) for one in questions])
        names = ("questions", "pages", "items")
        finish_run(run, {}, [out / f"{name}.jsonl" for name in names])
    return out


def _item(question: Question, pixels: Path | None) -> Item:
    image = None
    if pixels is not None:
        image = f"{question.class_id}/{question.id.replace(':', '_')}.jpg"
        draw_picture(pixels / image, question.id)
    return Item(
        item_id=f"{question.id}-0", question_id=question.id, class_id=question.class_id,
        image=image, question=question.question, choices=question.choices,
        answer=question.answer, letter=LETTERS[question.answer],
    )  # fmt: skip


def draw_picture(path: Path, text: str) -> None:
    """Write a small JPEG whose colour and words depend on the text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    shade = sum(text.encode()) % 128
    picture = Image.new("RGB", (320, 240), (shade + 60, 220 - shade, 200))
    ImageDraw.Draw(picture).text((20, 110), text, fill="black")
    picture.save(path, "JPEG")
