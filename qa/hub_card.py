"""The dataset card: licence, counts, how the set was made, its limits, and how to cite it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from markupsafe import Markup

from imagewikiqa.core.records import LETTERS, Item, Page, Question
from imagewikiqa.core.report.markdown import code, indented, plain, rate_text
from imagewikiqa.core.report.page import render
from imagewikiqa.qa.attribution import set_licence
from imagewikiqa.qa.hub_table import COLUMNS
from imagewikiqa.qa.surface import longest_accuracy, shortest_accuracy

PARQUET = "data/test-00000-of-00001.parquet"  # of a set without splits
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))
_SHOWN_AS = {
    "string": "string", "int": "int64", "strings": "list of string", "ints": "list of int64",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class HubInfo:
    """What the card tells that the rows do not."""

    name: str = "ImageWikiQA, rebuilt"
    command: str = ""  # how to build it again; from the fields below when empty
    pages: str = "sample"
    images: str = "none"
    author: str = "corpus"
    judges: tuple[str, ...] = ("corpus",)
    mode: str = "strict"
    seed: int = 0
    version: str = ""  # of the toolkit


def card(
    questions: Sequence[Question],
    items: Sequence[Item],
    pages: Sequence[Page],
    info: HubInfo,
    *,
    data_sha256: str,
    with_pixels: bool = False,
) -> str:
    """Return README.md: YAML that the hub reads, then text; user data shows as it is.

    `data_sha256` is the digest of the parquet file. `datasets` names its cache after the folder's
    last name and this YAML alone, so without it one run's hub/ would be served for another's.
    """
    licence = set_licence(pages)
    return (
        render(
            "qa/card.md",
            metadata=Markup(
                _metadata(items, pages, info, licence, data_sha256, with_pixels).strip()
            ),
            info=info,
            split=split_names(items)[0] or "test",
            command=rebuild_command(info),
            licence=licence,
            with_pixels=with_pixels,
            counts=_counts(questions, items, pages),
            licences=_licences(pages),
            asked=sum(question.human is not None for question in questions),
            total=len(questions),
            columns=[
                (name, _kind(name, column.kind, with_pixels), plain(column.means))
                for name, column in COLUMNS.items()
            ],
            example=_example(questions, items),
            code=code,
            plain=plain,
        )
        + "\n"
    )


def parquet_of(split: str | None) -> str:
    """Return the path of a split's table; a set without splits is all test."""
    return PARQUET if split is None else f"data/{split}-00000-of-00001.parquet"


def split_names(items: Sequence[Item]) -> list[str | None]:
    """Return the splits that have an item, in the order of their first one."""
    return list(dict.fromkeys(item.split for item in items))


def rebuild_command(info: HubInfo) -> str:
    """Return a command that builds the set again; FILE, DIR and MODEL stand for what differs."""
    if info.command:
        return info.command
    blanks = {"dump": "dump:FILE", "folder": "folder:DIR", "local": "local:DIR"}
    blanks |= {"index": "index:DIR", "pins": "pins:FILE"}
    blanks |= {name: f"{name}:MODEL" for name in ("openai", "anthropic")}
    options = [
        ("pages", info.pages),
        ("author", info.author),
        *(("judge", judge) for judge in info.judges),
        ("images", info.images),
        ("mode", info.mode),
        ("seed", str(info.seed)),
    ]
    given = " ".join(f"--{name} {blanks.get(value, value)}" for name, value in options)
    return f"imagewikiqa rebuild {given} --out RUN"


def size_category(rows: int) -> str:
    """Return the hub's size category of a number of rows."""
    return next((name for limit, name in _SIZES if rows < limit), "n>1M")


def _metadata(
    items: Sequence[Item],
    pages: Sequence[Page],
    info: HubInfo,
    licence: str,
    data_sha256: str,
    pixels: bool,
) -> str:
    """Return the YAML block; yaml quotes whatever a name may hold."""
    block: dict[str, Any] = {
        "pretty_name": info.name,
        "license": licence,
        "language": sorted({page.language for page in pages}),
        "task_categories": ["visual-question-answering", "multiple-choice"],
        "task_ids": ["multiple-choice-qa"],
        "size_categories": [size_category(len(items))],
        "annotations_creators": ["machine-generated"],
        "source_datasets": ["original"],
        "tags": ["imagewikiqa", "knowledge", "wikipedia", "evaluation"],
        "configs": [
            {
                "config_name": "default",
                "description": f"sha256 {data_sha256}",
                "data_files": [
                    {"split": name or "test", "path": parquet_of(name)}
                    for name in split_names(items)
                ],
            }
        ],
    }
    if licence == "other":
        block["license_name"] = "unclear"
        block["license_details"] = "a quoted page has no licence that allows a release"
    if pixels:  # else the types of the parquet file say it all
        block["dataset_info"] = {"features": [_feature(name) for name in COLUMNS]}
    return yaml.safe_dump(block, sort_keys=False, allow_unicode=True, width=1000)


def _feature(name: str) -> dict[str, Any]:
    if name == "image":
        return {"name": name, "dtype": "image"}
    types = {
        "string": ("dtype", "string"),
        "int": ("dtype", "int64"),
        "strings": ("list", "string"),
        "ints": ("list", "int64"),
    }
    key, kind = types[COLUMNS[name].kind]
    return {"name": name, key: kind}


def _kind(name: str, kind: str, pixels: bool) -> str:
    return "image" if pixels and name == "image" else _SHOWN_AS[kind]


def _counts(
    questions: Sequence[Question], items: Sequence[Item], pages: Sequence[Page]
) -> list[tuple[str, str]]:
    letters = [sum(question.answer == index for question in questions) for index in range(4)]
    return [
        ("rows (a question with an image, or alone)", f"{len(items):,}"),
        ("questions", f"{len(questions):,}"),
        ("classes", f"{len({question.class_id for question in questions}):,}"),
        ("distinct images", f"{len({item.image for item in items if item.image}):,}"),
        ("pages quoted", f"{len(pages):,}"),
        ("right letter, over questions",
         ", ".join(f"{letter} {n:,}" for letter, n in zip(LETTERS, letters, strict=True))),
        ("picking the longest option is right", rate_text(longest_accuracy(questions))),
        ("picking the shortest option is right", rate_text(shortest_accuracy(questions))),
    ]  # fmt: skip


def _licences(pages: Sequence[Page]) -> list[tuple[Markup, str]]:
    names = sorted({page.license for page in pages})
    return [(plain(name), f"{sum(page.license == name for page in pages):,}") for name in names]


def _example(questions: Sequence[Question], items: Sequence[Item]) -> Markup:
    """Return the first row as JSON, indented: no text can close such a block."""
    first = items[0]
    question = next(question for question in questions if question.id == first.question_id)
    row = {
        "question": first.question,
        "choices": first.choices,
        "letter": first.letter,
        "class_name": question.class_name,
        "evidence": question.evidence.quote,
    }
    return indented(json.dumps(row, ensure_ascii=False, indent=2))
