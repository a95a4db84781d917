"""Small tables as sources: captions of `imagewikiqa draft captions`, questions of a build."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from imagewikiqa.core.digests import digest, file_digest, keyed_int
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import LETTERS, Caption, Item, Question
from imagewikiqa.core.tables import read_table
from imagewikiqa.mixtures.pictures import extension
from imagewikiqa.mixtures.recipe import SourceSettings
from imagewikiqa.mixtures.records import Span
from imagewikiqa.mixtures.sources.index import (
    KINDS,
    Reasons,
    SourceIndex,
    encoded,
    packed_size,
)
from imagewikiqa.mixtures.sources.naming import ClassNaming
from imagewikiqa.mixtures.sources.places import image_size, image_span
from imagewikiqa.mixtures.sources.protocol import sample_json
from imagewikiqa.prompts.conversation import IMAGE, converse, load_conversation

_TEXT = 600  # bytes of the JSON around the words
_NEEDED = ("caption", "question", "answer")  # of the values that a row has


@dataclass(frozen=True, slots=True)
class Entry:
    """One row: its image and what a template can say of it."""

    id: str
    class_id: str
    image: str | None
    sha256: str | None
    split: str | None
    values: dict[str, str]

    def is_blank(self, name: str) -> bool:
        """Return whether it has a value of this name that says nothing."""
        return name in self.values and not self.values[name].strip()


@dataclass(frozen=True, slots=True)
class TableSource:
    """The captions or questions of a file, each about one image."""

    settings: SourceSettings

    def digest(self) -> str:
        """Return the digest of the files that are read."""
        return digest([file_digest(path) for path in _files(self.settings)])

    def index(self) -> SourceIndex:
        """Return the rows; those without an image, or whose image is not there, with a reason."""
        _entries.cache_clear()  # what a process read before may have been made again
        entries = _entries(self.settings.kind, self.settings.place)
        ids = pa.array([one.id for one in entries], pa.string())
        class_ids, class_of = encoded(pa.array([one.class_id for one in entries], pa.string()))
        sizes = np.array([self._size(one) for one in entries], np.int64)
        words = [sum(map(len, one.values.values())) + _TEXT for one in entries]
        digests = [bytes.fromhex(one.sha256) if one.sha256 else None for one in entries]
        reasons = self._reasons(entries, sizes)
        pairs = zip(entries, sizes.tolist(), strict=True)
        return SourceIndex(
            ids=ids,
            class_ids=class_ids,
            class_of=class_of,
            sizes=packed_size(np.maximum(sizes, 0), np.array(words, np.int64)),
            kinds=np.array([self._kind(*pair) for pair in pairs], np.int8),
            image_sha256=pa.array(digests, pa.binary(32)),
            reasons=tuple(reasons.names),
            by_choice=frozenset(reasons.by_choice),
            reason_of=reasons.of,
        )

    def sample(
        self, row: int, template: str, seed: int, repeat: int = 0
    ) -> tuple[dict[str, Any], Span | None]:
        """Return the conversation of a row, and where its image lies."""
        entry = _entries(self.settings.kind, self.settings.place)[row]
        words = load_conversation(template)
        key = (seed, self.settings.name, entry.id, repeat)
        values = dict(entry.values)
        if words.takes == "choices":
            values["choices"] = self._naming().choices(entry.class_id, *key)
        said = converse(words, values, wording=keyed_int(*key, "wording"))
        span = image_span(self.settings, entry.image or "")
        facts = {"class_id": entry.class_id}
        return sample_json(self.settings.name, entry.id, words.ref, said, facts), span

    def _size(self, entry: Entry) -> int:
        """Return the bytes of the image of a row; 0 when it has none, -1 when it is not there."""
        if entry.image is None:
            return 0
        return image_size(self.settings, entry.image)

    def _kind(self, entry: Entry, size: int) -> int:
        """Return what the image of a row is, by its first bytes."""
        if entry.image is None or size < 0:
            return KINDS.index("")
        return KINDS.index(extension(image_span(self.settings, entry.image)) or "jpg")

    def _reasons(self, entries: Sequence[Entry], sizes: Any) -> Reasons:
        where = self.settings.where
        reasons = Reasons.none(len(entries))
        lacks = np.array([one.image is None or one.sha256 is None for one in entries], bool)
        reasons.leave_out(lacks, "no image")
        reasons.leave_out(sizes < 0, "image missing")
        odd = np.array([any(IMAGE in text for text in one.values.values()) for one in entries])
        reasons.leave_out(odd.astype(bool), f"a text holds {IMAGE}")
        blank = np.array([any(map(one.is_blank, _NEEDED)) for one in entries])
        reasons.leave_out(blank.astype(bool), "a text is blank")
        for name, asked in (("split", where.splits), ("class_id", where.classes)):
            if asked:
                column = pa.array([getattr(one, name) for one in entries], pa.string())
                among = pc.is_in(column, value_set=pa.array(asked, pa.string()))
                what = name.removesuffix("_id")
                reasons.leave_out(~np.asarray(among), f"{what} not asked for", by_choice=True)
        if where.with_image is False:
            reasons.leave_out(np.ones(len(entries), bool), "has an image", by_choice=True)
        return reasons

    def _naming(self) -> ClassNaming:
        entries = _entries(self.settings.kind, self.settings.place)
        names = {one.class_id: one.values["name"] for one in entries}
        if len(names) < self.settings.labels:
            raise ToolkitError(
                f"source {self.settings.name} has {len(names)} classes and its lists ask for"
                f" {self.settings.labels} labels: set labels to {len(names)} at most"
            )
        return ClassNaming(self.settings.name, names, labels=self.settings.labels)


def _files(settings: SourceSettings) -> tuple[Path, ...]:
    place = settings.place
    files: tuple[Path, ...] = (place,)
    if settings.kind == "questions":
        files = (place / "questions.jsonl", place / "items.jsonl")
    for file in files:
        if not file.is_file():
            raise ToolkitError(
                f"source {settings.name} has no {file}: give the file of captions, or the folder of"
                " a build with questions.jsonl and items.jsonl"
            )
    return files


@lru_cache(maxsize=8)
def _entries(kind: str, place: Path) -> tuple[Entry, ...]:
    """Return the rows of a table in its order; read once a process."""
    if kind == "captions":
        return _captions(place)
    questions = {one.id: one for one in read_table(place / "questions.jsonl", Question)}
    return tuple(_asked(read_table(place / "items.jsonl", Item), questions))


def _captions(place: Path) -> tuple[Entry, ...]:
    try:
        return tuple(map(_captioned, read_table(place, Caption)))
    except ToolkitError as error:
        what = str(error).partition(";")[0]
        raise ToolkitError(
            f"{place} is no table of imagewikiqa draft captions ({what}): for captions of your own"
            " write rows in LLaVA's form and read them with imagewikiqa builders llava"
        ) from error


def _captioned(row: Caption) -> Entry:
    values = {"name": row.class_name, "caption": row.caption}
    return Entry(row.id, row.class_id, row.image, row.image_sha256, None, values)


def _asked(items: Iterable[Item], questions: dict[str, Question]) -> Iterable[Entry]:
    for item in items:
        question = questions.get(item.question_id)
        if question is None:
            raise ToolkitError(
                f"item {item.item_id} has no question {item.question_id}: take both tables from one"
                " build"
            )
        lines = zip(LETTERS, item.choices, strict=True)
        values = {
            "name": question.class_name,
            "question": item.question,
            "question_named": question.question_named,
            "options": "\n".join(f"{letter}. {' '.join(text.split())}" for letter, text in lines),
            "letter": item.letter,
            "answer": item.choices[item.answer],
        }
        yield Entry(item.id, item.class_id, item.image, item.image_sha256, item.split, values)
