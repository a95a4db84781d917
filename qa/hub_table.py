"""The set as one parquet table: columns, their meaning, and bytes that do not vary."""

import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import Item, Page, Question
from imagewikiqa.qa.export import joined

if TYPE_CHECKING:
    import pyarrow as pa

Pixels = Callable[[str], bytes]  # path of an image below its source -> content of the file
ROWS_PER_GROUP = 1024  # small enough for the viewer of a hub, which reads whole groups
_IMAGENET_FILE = re.compile(r"ILSVRC\d{4}_|n\d{8}_\d+\.", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the parquet file: its type and what the card says of it."""

    kind: str  # string, int, strings or ints
    means: str


COLUMNS: dict[str, Column] = {
    "item_id": Column("string", "id of the row: one question with one image"),
    "question_id": Column("string", "id of the question; rows of one question share it"),
    "class_id": Column("string", "id of the class; the wnid for ImageNet"),
    "class_name": Column("string", "display name of the class"),
    "image": Column("string", "path below the image source; null without images"),
    "image_sha256": Column("string", "sha256 of the image file, where the file was at hand"),
    "question": Column("string", 'the question as a model sees it, with "this object"'),
    "question_named": Column("string", "the same question with the name of the class"),
    "choices": Column("strings", "four options, in the order of their letters"),
    "answer": Column("int", "index of the right option, from 0"),
    "letter": Column("string", "its letter, A to D"),
    "evidence": Column("string", "the sentence of the page that holds the answer, verbatim"),
    "page_title": Column("string", "title of the page"),
    "page_revision": Column("int", "revision of the page; null where the source gave none"),
    "page_url": Column("string", "permanent link to that revision"),
    "page_license": Column("string", "licence of the page's text"),
    "evidence_start": Column("int", "where the quote starts in the page's text, in code points"),
    "evidence_end": Column("int", "where it ends"),
    "author": Column("string", "who wrote the question"),
    "author_model": Column("string", 'the model that answered; "none" for the corpus author'),
    "prompt": Column("string", "the prompt template or program, with its version or digest"),
    "human_verdict": Column("string", "what people decided; null where nobody was asked"),
    "human_votes": Column("ints", "people who chose each of the options, in their order"),
}


def rows_of(
    questions: Sequence[Question],
    items: Sequence[Item],
    pages: Sequence[Page],
    pixels: Pixels | None = None,
) -> list[dict[str, Any]]:
    """Return the parquet's rows in the order of `items`; keys are COLUMNS in their order."""
    by_id = {page.id: page for page in pages}
    return [
        _row(item, question, by_id[question.evidence.page], pixels)
        for question, item in joined(questions, items)
    ]


def _row(item: Item, question: Question, page: Page, pixels: Pixels | None) -> dict[str, Any]:
    evidence, author, human = question.evidence, question.author, question.human
    values = (
        item.item_id, item.question_id, item.class_id, question.class_name,
        item.image if pixels is None else _pixels(item.image, pixels), item.image_sha256,
        item.question, question.question_named, list(item.choices), item.answer, item.letter,
        evidence.quote, page.title, evidence.revision_id, evidence.url, page.license,
        evidence.start, evidence.end, author.name, author.model, author.prompt,
        human.verdict if human else None, list(human.votes) if human else None,
    )  # fmt: skip
    return dict(zip(COLUMNS, values, strict=True))


def _pixels(image: str | None, pixels: Pixels) -> dict[str, Any] | None:
    if image is None:
        return None
    name = PurePosixPath(image).name
    if _IMAGENET_FILE.match(name):
        raise ToolkitError(
            f"{name} is named like an ImageNet file, whose terms forbid passing its pixels on: "
            "export paths only, readers fetch the images themselves"
        )
    return {"bytes": pixels(image), "path": name}


def schema(with_pixels: bool) -> "pa.Schema":
    """Return the arrow schema of the parquet file."""
    import pyarrow as pa

    kinds = {
        "string": pa.string(), "int": pa.int64(),
        "strings": pa.list_(pa.string()), "ints": pa.list_(pa.int64()),
    }  # fmt: skip
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    return pa.schema(
        [
            pa.field(name, image if with_pixels and name == "image" else kinds[column.kind])
            for name, column in COLUMNS.items()
        ]
    )


def parquet_bytes(rows: list[dict[str, Any]], *, with_pixels: bool) -> bytes:
    """Return the rows as parquet; every option that can change a byte is said here."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    stream = io.BytesIO()
    pq.write_table(
        pa.Table.from_pylist(rows, schema(with_pixels)),
        stream,
        version="2.6",
        compression="zstd",
        compression_level=3,
        use_dictionary=True,
        data_page_version="1.0",
        row_group_size=ROWS_PER_GROUP,
        write_statistics=True,
        store_schema=True,
    )
    return stream.getvalue()
