"""What a reader decides about one entry of an image set: where it belongs, or why it does not."""

import hashlib
from dataclasses import dataclass
from typing import Protocol

from imagewikiqa.builders.imagesets.protocol import ImageSample, Split
from imagewikiqa.core.records import Reject

STAGE = "images"
_LONGEST = 300  # characters of a name that a reject row shows; hostile names are far longer
_SYSTEM = frozenset({"__macosx", "thumbs.db", "desktop.ini", "ehthumbs.db"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where an image belongs: its address in the set, its class by id, its split."""

    source_id: str
    class_id: str
    split: Split

    def sample(self, data: bytes) -> ImageSample:
        """Return the image that lies here, with its bytes as stored."""
        return ImageSample(
            source_id=self.source_id, class_id=self.class_id, split=self.split, data=data
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an entry is no image of the set: a short countable reason, and a detail."""

    reason: str
    detail: str = ""


class UnreadableError(Exception):
    """An entry that belongs to the set cannot be read; it becomes a reject row."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.reason)
        self.refusal = refusal


class Labels(Protocol):
    """Says of every entry name of a set what it is. Picklable, as units carry it to workers."""

    def of(self, name: str) -> Place | Refusal:
        """Return where the entry of this name belongs, or why it is no image of the set."""


def reject(name: str, refusal: Refusal, tag: str = "") -> Reject:
    """Return the reject row of an entry; `tag` tells entries of one name apart."""
    inside = shown(name)
    return Reject(
        id=f"{STAGE}:{inside}{tag}",
        stage=STAGE,
        input=inside,
        reason=refusal.reason,
        detail=refusal.detail,
    )


def name_problem(name: str) -> Refusal | None:
    """Return why an entry name cannot be an address in a set, None for a good name."""
    if not name.isascii() and name != name.encode("utf-8", "replace").decode():
        return Refusal("file name is not UTF-8")
    steps = name.split("/")
    if name.startswith("/") or ".." in steps or "\\" in name or name[1:2] == ":":
        return Refusal("path leads out of the set")
    if not name.isprintable():
        return Refusal("control character in the name")
    if steps[-1].lower() in _SYSTEM or any(step[:1] == "." for step in steps):
        return Refusal("system file")
    return None


def shown(name: str) -> str:
    """Return a name as a row can hold it: half characters escaped, its end cut if very long."""
    text = name.encode("utf-8", "backslashreplace").decode()
    if len(text) <= _LONGEST:
        return text
    return f"{text[:_LONGEST]}...{hashlib.sha256(text.encode()).hexdigest()[:12]}"
