"""The set in the upstream layout: imagewikiqa.jsonl as the authors of ImageWikiQA released it."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish
from imagewikiqa.core.records import LETTERS, Item, Question

UPSTREAM = "imagewikiqa.jsonl"
INSTRUCTION = "Choose A, B, C, or D."
IMAGE_FOLDER = "images/"  # the released file says images/ILSVRC2012_val_00000001.JPEG


def upstream_rows(
    questions: Iterable[Question], items: Iterable[Item], image_folder: str = IMAGE_FOLDER
) -> Iterator[dict[str, str]]:
    """Yield items as upstream rows: image, text, label, wiki, classname, in this order.

    A set with splits has a sixth field, split.

    `image` is the path below the image source behind `image_folder`, empty without an image;
    `wiki` is the evidence quote. Raises ToolkitError when an item's question is not there.
    """
    for question, item in joined(questions, items):
        yield {
            "image": f"{image_folder}{item.image}" if item.image else "",
            "text": lettered(item.question, item.choices),
            "label": item.letter,
            "wiki": question.evidence.quote,
            "classname": question.class_name,
            **({"split": question.split} if question.split is not None else {}),
        }


def write_upstream(
    path: Path,
    questions: Iterable[Question],
    items: Iterable[Item],
    image_folder: str = IMAGE_FOLDER,
) -> int:
    """Publish the upstream rows as JSON lines in UTF-8; return how many."""
    rows = list(upstream_rows(questions, items, image_folder))
    publish(path, (json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows))
    return len(rows)


def lettered(question: str, choices: Sequence[str]) -> str:
    """Return a question, its options on lines of their own after "A. ", and the instruction.

    Line breaks inside a text become spaces: the layout knows an option by its line.
    """
    options = (f"{letter}. {_line(text)}" for letter, text in zip(LETTERS, choices, strict=True))
    return "\n".join((_line(question), *options, INSTRUCTION))


def joined(questions: Iterable[Question], items: Iterable[Item]) -> Iterator[tuple[Question, Item]]:
    """Yield each item with its question; raise ToolkitError when that is not there."""
    known = {question.id: question for question in questions}
    for item in items:
        if item.question_id not in known:
            raise ToolkitError(
                f"item {item.id} belongs to question {item.question_id}, which is not among the "
                f"{len(known):,} questions: run assemble again, then export"
            )
        yield known[item.question_id], item


def _line(text: str) -> str:
    return " ".join(text.splitlines())
