"""Samples out of and into the two forms that trainers read: LLaVA JSON and chat `messages`.

What both forms can say comes back as it was: id, images, turns, and where a sample is from. LLaVA's
own loader and those of chat formats pass over the fields they do not know.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from imagewikiqa.builders.llava.defects import DefectError
from imagewikiqa.builders.llava.row import clean_row
from imagewikiqa.builders.llava.stream import read_raw
from imagewikiqa.core.files import publish

Exported = tuple[Mapping[str, Any], Sequence[str]]  # the JSON of a sample, its images by name
# What a sample says of itself beside its id and turns, in the order of its JSON.
FACTS = ("source", "source_id", "class_id", "named_class_id", "template")
_ROLES = {"human": "user", "gpt": "assistant"}


def to_llava(sample: Mapping[str, Any], images: Sequence[str]) -> dict[str, Any]:
    """Return a sample as LLaVA's training JSON: `image` is one name, or a list of several."""
    shown: dict[str, Any] = {}
    if images:
        shown["image"] = images[0] if len(images) == 1 else list(images)
    said = [{"from": turn["from"], "value": turn["value"]} for turn in sample["conversations"]]
    return {"id": sample["id"], **shown, "conversations": said, **_facts(sample)}


def to_messages(sample: Mapping[str, Any], images: Sequence[str]) -> dict[str, Any]:
    """Return a sample as `messages` with roles user and assistant, and `images` in their order."""
    said = [
        {"role": _ROLES[turn["from"]], "content": turn["value"]} for turn in sample["conversations"]
    ]
    return {"id": sample["id"], "messages": said, "images": list(images), **_facts(sample)}


def from_row(raw: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    """Return the sample and images of a row in either form; raise DefectError for another.

    Known defects are repaired as `builders llava` repairs them. A number as id becomes its digits.
    """
    row = clean_row(raw)
    said = [{"from": turn.speaker, "value": turn.value} for turn in row.turns]
    return {"id": row.row_id, **_facts(raw), "conversations": said}, row.images


def _facts(sample: Mapping[str, Any]) -> dict[str, str]:
    return {name: sample[name] for name in FACTS if isinstance(sample.get(name), str)}


def write_llava(path: Path, samples: Iterable[Exported]) -> int:
    """Publish samples as one JSON list, a row a line; return how many. Memory is that of a row."""
    return _write(path, (to_llava(*one) for one in samples), b"[\n", b",\n", b"\n]\n")


def write_messages(path: Path, samples: Iterable[Exported]) -> int:
    """Publish samples as JSON lines with `messages`; return how many."""
    return _write(path, (to_messages(*one) for one in samples), b"", b"\n", b"\n")


def _write(
    path: Path, rows: Iterable[dict[str, Any]], before: bytes, between: bytes, after: bytes
) -> int:
    count = 0

    def chunks() -> Iterator[bytes]:
        nonlocal count
        yield before
        for row in rows:
            yield (between if count else b"") + json.dumps(row, ensure_ascii=False).encode()
            count += 1
        yield after if count or before else b""

    publish(path, chunks())
    return count


def read_samples(path: Path) -> Iterator[tuple[dict[str, Any], tuple[str, ...]] | DefectError]:
    """Yield the samples of a .json list or .jsonl file, and a DefectError for each other row.

    The file is read as a stream, in memory that does not grow with it.
    """
    for raw in read_raw(path):
        try:
            yield from_row(raw)
        except DefectError as defect:
            yield defect
