"""Images of classes as a source: an index of `imagewikiqa builders images index`."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from imagewikiqa.builders.imagesets.dispositions import DISPOSITIONS, is_usable, reason_of
from imagewikiqa.builders.imagesets.indexed import AGAIN, CLAIMED, read_report
from imagewikiqa.builders.imagesets.merge import IMAGES
from imagewikiqa.builders.imagesets.parts import read_groups
from imagewikiqa.core.classes import NAMED
from imagewikiqa.core.digests import digest, keyed_int
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures.recipe import SourceSettings, Where
from imagewikiqa.mixtures.records import Span
from imagewikiqa.mixtures.sources.index import (
    Reasons,
    SourceIndex,
    code_of,
    encoded,
    kinds_of,
    one_array,
    packed_size,
)
from imagewikiqa.mixtures.sources.naming import ClassNaming, naming_of
from imagewikiqa.mixtures.sources.once import made_once
from imagewikiqa.mixtures.sources.packed import opened_places, packed_span, write_places
from imagewikiqa.mixtures.sources.places import image_span
from imagewikiqa.mixtures.sources.protocol import sample_json
from imagewikiqa.prompts.conversation import converse, load_conversation

_COLUMNS = ["source_id", "class_id", "split", "sha256", "bytes", "width", "height", "format"]
_JUDGED = ["disposition", "duplicate"]
_TEXT = 400  # bytes of the JSON of an image with a name
_LABEL = 20  # bytes of a label in a list


_WNID = re.compile(r"n\d{8}")


@dataclass(frozen=True, slots=True)
class ImageSource:
    """The images of an index, each with a conversation about its class."""

    settings: SourceSettings
    work: Path  # where the places of packed images may lie

    def digest(self) -> str:
        """Return the digest of images.parquet."""
        return read_report(self.settings.place).files[IMAGES]

    def index(self) -> SourceIndex:
        """Return the images of the index; unusable, repeated and unasked ones with their reason."""
        for known in (_opened, _digest, _named):
            known.cache_clear()  # what a process read before may have been made again
        read_report(self.settings.place)
        groups = read_groups(self.settings.place / IMAGES, _COLUMNS + _JUDGED)
        table = pa.concat_tables(map(_folded, groups))
        ids = one_array(table["source_id"])
        class_ids, class_of = encoded(table["class_id"])
        reasons = _reasons(table, self.settings.where)
        unknown = {*class_ids} - {*self._naming().names}
        lost = [code_of(class_ids, one) for one in unknown]
        reasons.leave_out(np.isin(class_of, lost), "class not in the class list")
        if self.settings.layout is not None:
            there = opened_places(self._places())["path"].is_valid()
            reasons.leave_out(~np.asarray(there), "image missing")
        return SourceIndex(
            ids=ids,
            class_ids=class_ids,
            class_of=class_of,
            sizes=packed_size(_numbers(table, "bytes"), np.full(len(ids), self._text())),
            kinds=kinds_of(table["format"]),
            image_sha256=one_array(table["sha256"]),
            reasons=tuple(reasons.names),
            by_choice=frozenset(reasons.by_choice),
            reason_of=reasons.of,
        )

    def sample(
        self, row: int, template: str, seed: int, repeat: int = 0
    ) -> tuple[dict[str, Any], Span | None]:
        """Return a conversation that names the class of an image, and where the image lies."""
        table = _opened(self.settings.read)
        row_id = table["source_id"][row].as_py()
        class_id = table["class_id"][row].as_py()
        said, facts = labelled(self._naming(), class_id, row_id, template, seed, repeat)
        ref = load_conversation(template).ref
        size = table["bytes"][row].as_py()
        if self.settings.layout is None:
            span = image_span(self.settings, row_id, size)
        else:
            span = packed_span(self.settings, self._places(), row, size)
        return sample_json(self.settings.name, row_id, ref, said, facts), span

    def _places(self) -> Path:
        """Return the file of the places of packed images, made when it is not there."""
        said = self.settings
        where = digest([_digest(said.read), said.layout, str(said.images)])  # images may move
        path = self.work / f"{said.name}-{where[:16]}.places"
        ids = _opened(self.settings.read)["source_id"]
        return made_once(path, lambda new: write_places(self.settings, ids, new))

    def _naming(self) -> ClassNaming:
        said = self.settings
        return _named(said.name, said.read, said.classes, said.wrong_names, said.listed)

    def _text(self) -> int:
        return _TEXT + _LABEL * self.settings.listed


def labelled(
    naming: ClassNaming, class_id: str, row_id: str, template: str, seed: int, repeat: int
) -> tuple[list[dict[str, str]], dict[str, str]]:
    """Return the conversation about an image's class, and what its JSON says of the class."""
    words = load_conversation(template)
    named = naming.named_class(class_id, row_id, seed)
    key = (seed, naming.source, row_id, repeat)
    values = {"name": naming.names[named]}
    if words.takes == "choices":
        values["choices"] = naming.choices(named, *key)
    said = converse(words, values, wording=keyed_int(*key, "wording"))
    facts = {"class_id": class_id} | ({} if named == class_id else {"named_class_id": named})
    return said, facts


# What samples are made from is opened once a process, by the word that names the reader.


@lru_cache(maxsize=8)
def _opened(read: str) -> dict[str, pa.Array]:
    """Return the columns that samples are made from."""
    folder = Path(read.partition(":")[2])
    columns = ["source_id", "class_id", "bytes"]
    table = pa.concat_tables(read_groups(folder / IMAGES, columns))
    return {name: one_array(table[name]) for name in columns}


@lru_cache(maxsize=32)
def _digest(read: str) -> str:
    """Return the digest of the index."""
    return read_report(Path(read.partition(":")[2])).files[IMAGES]


@lru_cache(maxsize=32)
def _named(name: str, read: str, classes: str | None, wrong: float, labels: int) -> ClassNaming:
    """Return the names of a source's classes."""
    report = read_report(Path(read.partition(":")[2]))
    ids = sorted(report.classes)
    listed = classes or own_list(report.set_name)
    if listed is None and any(_WNID.fullmatch(one) for one in ids):
        raise ToolkitError(
            f"the classes of source {name} are wnids, as {ids[0]}, and answers would say those:"
            " name the list that says what they are called, as classes: imagenet"
        )
    return naming_of(name, listed, ids, wrong=wrong, labels=labels)


def own_list(image_set: str) -> str | None:
    """Return the class list that an image set brings along; None for a folder of somebody's."""
    return image_set if image_set in NAMED else None


def _folded(table: pa.Table) -> pa.Table:
    """Return a group with dictionaries for the words that repeat."""
    for name in ("class_id", "split", "format", "disposition", "duplicate"):
        place = table.schema.get_field_index(name)
        table = table.set_column(place, name, table[name].dictionary_encode())
    return table


def _reasons(table: pa.Table, where: Where) -> Reasons:
    reasons = Reasons.none(table.num_rows)
    words, word_of = encoded(table["disposition"])
    for code, word in enumerate(words):
        if word not in DISPOSITIONS:
            raise ToolkitError(f"the index says {word[:60]!r} of an image: make it again")
        if not is_usable(word):
            reasons.leave_out(word_of == code, reason_of(word))
    kinds, kind_of = encoded(table["duplicate"])
    reasons.leave_out(kind_of == code_of(kinds, "repeated"), AGAIN)
    reasons.leave_out(kind_of == code_of(kinds, "conflicting"), CLAIMED)
    for name, asked in (("split", where.splits), ("class_id", where.classes)):
        if asked:
            found, place_of = encoded(table[name])
            others = [place for place, word in enumerate(found) if word not in asked]
            reasons.leave_out(
                np.isin(place_of, others),
                f"{name.removesuffix('_id')} not asked for",
                by_choice=True,
            )
    if where.with_image is False:
        reasons.leave_out(np.ones(table.num_rows, bool), "has an image", by_choice=True)
    if where.shortest_side:
        short = np.minimum(_numbers(table, "width"), _numbers(table, "height"))
        reasons.leave_out(
            short < where.shortest_side, "shorter side than asked for", by_choice=True
        )
    return reasons


def _numbers(table: pa.Table, name: str) -> Any:
    return np.asarray(pc.fill_null(table[name], 0), np.int64)
