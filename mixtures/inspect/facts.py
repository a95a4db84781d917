"""What is counted of one sample: its turns, its image's header, marks of equal content, faults."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from imagewikiqa.builders.imagesets.dispositions import UnusableImageError, reason_of
from imagewikiqa.builders.imagesets.inspect import MAX_PIXELS, header_of
from imagewikiqa.mixtures.reader.sample import Sample
from imagewikiqa.prompts.conversation import IMAGE

NOTHING = "(none)"  # in place of a source or template that a sample does not name
_NAMED = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP"}
_ALTERNATE = ("human", "gpt")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFacts:
    """The claims of an image file; format and sides are None where it has no readable header."""

    bytes: int
    mark: int
    format: str | None = None
    width: int | None = None
    height: int | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One sample as it is counted. A mark is the first 8 bytes of a digest: equal for equal bytes.

    Of two million different contents, some two share a mark once in ten million mixtures.
    """

    key: str
    source: str
    source_id: str
    template: str
    class_id: str | None
    named_class_id: str | None
    turns: tuple[tuple[str, str], ...]  # who, and what without the mark of the image
    image: ImageFacts | None
    row_mark: int  # of the row of the source that it was made from
    conversation_mark: int
    faults: tuple[str, ...]


def facts_of(sample: Sample) -> Facts:
    """Return what is counted of a sample; whatever its JSON holds has an answer."""
    record = sample.record
    said = turns_of(record)
    source, source_id = _text(record, "source"), _text(record, "source_id") or _text(record, "id")
    image = next((_image(name, data) for name, data in sample.files.items()), None)
    return Facts(
        key=sample.key,
        source=source or NOTHING,
        source_id=source_id,
        template=_text(record, "template").partition("@")[0] or NOTHING,
        class_id=_text(record, "class_id") or None,
        named_class_id=_text(record, "named_class_id") or None,
        turns=tuple((who, what.replace(IMAGE, "").strip()) for who, what in said or ()),
        image=image,
        row_mark=_mark(json.dumps([source, source_id]).encode()),
        conversation_mark=_mark(json.dumps(said).encode()),
        faults=tuple(_faults(record, said, image)),
    )


def turns_of(record: Mapping[str, Any]) -> list[tuple[str, str]] | None:
    """Return who says what in a sample, in LLaVA's form; None for any other form."""
    raw = record.get("conversations")
    if not isinstance(raw, list):
        return None
    said = []
    for turn in raw:
        who, what = (turn.get("from"), turn.get("value")) if isinstance(turn, dict) else (0, 0)
        if not isinstance(who, str) or not isinstance(what, str):
            return None
        said.append((who, what))
    return said


def _image(extension: str, data: bytes) -> ImageFacts:
    mark = _mark(data)
    try:
        header = header_of(data)
    except UnusableImageError as bad:
        why = f"image unusable: {reason_of(bad.disposition)}"
        return ImageFacts(bytes=len(data), mark=mark, fault=why)
    fault: str | None = None
    if header.width * header.height > MAX_PIXELS:
        fault = f"image unusable: {reason_of('too_many_pixels')}"
    elif header.frames > 1:
        fault = f"image unusable: {reason_of('animated')}"
    elif header.format != _NAMED[extension]:
        fault = f"image named {extension} is {header.format}"
    return ImageFacts(
        bytes=len(data), mark=mark, format=header.format, width=header.width,
        height=header.height, fault=fault,
    )  # fmt: skip


def _faults(
    record: Mapping[str, Any], said: list[tuple[str, str]] | None, image: ImageFacts | None
) -> Iterator[str]:
    """Yield what a trainer would stumble over, each in a few words that can be counted."""
    if image is not None and image.fault is not None:
        yield image.fault
    if not _text(record, "id") or not _text(record, "source"):
        yield "names no id or no source"
    if not said:
        yield "no turn" if said is not None else "no conversation in LLaVA's form"
        return
    speakers = [who for who, _ in said]
    if len(said) % 2 or any(who != _ALTERNATE[at % 2] for at, who in enumerate(speakers)):
        yield "turns do not alternate from human to gpt"
    if sum(what.count(IMAGE) for _, what in said) != (image is not None):
        yield f"{IMAGE} is not said once for each image"
    if any(who == "gpt" and not what.strip() for who, what in said):
        yield "an answer is empty"


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name)
    return value if isinstance(value, str) else ""


def _mark(content: bytes) -> int:
    return int.from_bytes(hashlib.sha256(content).digest()[:8], "big")
