"""Units of work over folders and archives, and the image set that they make up."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from imagewikiqa.builders.imagesets.entries import Part
from imagewikiqa.builders.imagesets.protocol import ImageSample, Unit
from imagewikiqa.builders.imagesets.verdicts import Labels, Refusal, UnreadableError, reject
from imagewikiqa.core.digests import digest
from imagewikiqa.core.records import ClassEntry, Reject

MISSING = Refusal("missing file", "the annotations list it, and it is not there")


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryUnit:
    """The entries of a part, each as the image that its name says it is, or as a reject row."""

    part: Part
    labels: Labels
    listed: frozenset[str] = frozenset()  # addresses that must turn up in this very unit
    labels_digest: str = ""

    @property
    def id(self) -> str:
        """Return the address of the part."""
        return self.part.id

    @property
    def stamp(self) -> str:
        """Return a digest of labels, names, sizes and times: a changed unit has another."""
        return digest([self.labels_digest, self.part.stamp])

    def read(self) -> Iterator[ImageSample | Reject]:
        """Yield the images with their bytes untouched; what is none, with its reason."""
        seen: set[str] = set()
        for entry in self.part.entries():
            place = entry.problem or self.labels.of(entry.name)
            seen.add(entry.name)
            if isinstance(place, Refusal):
                yield reject(entry.name, place, entry.tag)
                continue
            seen.add(place.source_id)
            try:
                data = entry.read()
            except UnreadableError as error:
                yield reject(entry.name, error.refusal, entry.tag)
                continue
            yield place.sample(data)
        yield from (reject(name, MISSING) for name in sorted(self.listed - seen))


@dataclass(frozen=True, slots=True, kw_only=True)
class NotesUnit:
    """What was found when the set was opened and is no image: stray, missing or unused files."""

    id: str
    found: tuple[tuple[str, Refusal], ...]

    @property
    def stamp(self) -> str:
        """Return a digest of what was found."""
        return digest([[name, note.reason, note.detail] for name, note in self.found])

    def read(self) -> Iterator[ImageSample | Reject]:
        """Yield one reject row for each."""
        yield from (reject(name, refusal) for name, refusal in self.found)


@dataclass(frozen=True, slots=True, kw_only=True)
class LayoutSet:
    """An image set whose units were found by its layout."""

    name: str
    classes: tuple[ClassEntry, ...]
    found: tuple[Unit, ...]
    verified: tuple[str, ...] = ()  # files whose published checksum held

    def units(self) -> Sequence[Unit]:
        """Return the parts of the set, in a stable order."""
        return self.found


def units_of(
    parts: Iterable[Part], labels: Labels, listed: frozenset[str] = frozenset()
) -> list[Unit]:
    """Return one unit for each part; `listed` names what a single part must hold."""
    known = labels_digest(labels)
    return [
        EntryUnit(part=part, labels=labels, listed=listed, labels_digest=known) for part in parts
    ]


def labels_digest(labels: Any) -> str:
    """Return a digest of labels, the same in every process: sets are sorted first."""
    return digest([_plain(getattr(labels, field.name)) for field in fields(labels)])


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return hashlib.sha256(value).hexdigest()
    if is_dataclass(value):
        return labels_digest(value)
    if isinstance(value, frozenset):
        return sorted(value)
    return dict(value) if isinstance(value, Mapping) else value


def notes(name: str, found: Iterable[tuple[str, Refusal]]) -> list[Unit]:
    """Return the unit of what is no image, or nothing where everything is one."""
    rows = tuple(found)
    return [NotesUnit(id=f"notes:{name}", found=rows)] if rows else []


def missing(listed: Iterable[str], present: Iterable[str]) -> list[tuple[str, Refusal]]:
    """Return a note for each address that the annotations list and no file bears."""
    return [(name, MISSING) for name in sorted(set(listed) - set(present))]
