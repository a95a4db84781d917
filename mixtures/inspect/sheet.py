"""The contact sheet: samples drawn by keyed hash, in turn from every source and template."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from typing import TypeVar

from imagewikiqa.core.report.summary import Picture
from imagewikiqa.core.report.thumbnails import small_copy
from imagewikiqa.mixtures.inspect.facts import Facts, facts_of
from imagewikiqa.mixtures.inspect.tally import SHEET, Tally
from imagewikiqa.mixtures.inspect.words import short
from imagewikiqa.mixtures.reader.shards import Shards

T = TypeVar("T")
_TURNS = 6  # of a conversation that are shown
_CHARACTERS = 320  # of a turn that are shown


def drawn_samples(tally: Tally) -> list[int]:
    """Return the numbers of the samples to show, in turn from sources, then templates of each."""
    by_source: dict[str, list[list[int]]] = {}
    for (source, *_), drawn in sorted(tally.drawn.items()):
        by_source.setdefault(source, []).append([number for _, number in sorted(drawn.items())])
    return in_turn([in_turn(lists) for lists in by_source.values()])[:SHEET]


def in_turn(lists: Iterable[Sequence[T]]) -> list[T]:
    """Return the first of each list, then the second of each, and so on."""
    rounds = zip_longest(*([(one,) for one in part] for part in lists))
    return [found[0] for turn in rounds for found in turn if found is not None]


def contact_sheet(tally: Tally, reader: Shards, classes: Mapping[str, str]) -> list[Picture]:
    """Return the samples to show: a small copy of the image, who said what, and where from.

    `classes` are the names of classes by id.
    """
    return [_shown(number, reader, classes) for number in drawn_samples(tally)]


def _shown(number: int, reader: Shards, classes: Mapping[str, str]) -> Picture:
    sample = reader.read(number)
    facts = facts_of(sample)
    small = next((small_copy(data) for data in sample.files.values()), None)
    said = [(who, _cut(text)) for who, text in facts.turns[:_TURNS]]
    if len(facts.turns) > _TURNS:
        said.append(("", f"and {len(facts.turns) - _TURNS:,} more turns"))
    return Picture(
        image=small or "",
        title=f"{short(facts.source)} · {short(facts.template)}",
        note=" · ".join(_notes(facts, small, classes)),
        said=tuple(said),
    )


def _notes(facts: Facts, small: str | None, classes: Mapping[str, str]) -> Iterable[str]:
    image = facts.image
    if image is None:
        yield "text only"
    elif small is None:
        yield "the image cannot be shown"
    if image is not None and image.width is not None:
        yield f"{image.width} x {image.height} {image.format}, {image.bytes / 1000:,.0f} kB"
    if facts.class_id is not None:
        yield _named(facts.class_id, classes)
    if facts.named_class_id not in (None, facts.class_id):
        yield f"named as {_named(facts.named_class_id or '', classes)}"
    yield facts.key
    yield from facts.faults


def _named(class_id: str, classes: Mapping[str, str]) -> str:
    name = classes.get(class_id, class_id)
    return short(class_id) if name == class_id else f"{short(name)} ({short(class_id)})"


def _cut(text: str) -> str:
    if len(text) <= _CHARACTERS:
        return text
    return f"{text[:_CHARACTERS]}… ({len(text) - _CHARACTERS:,} more characters)"
