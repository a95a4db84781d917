"""A class as the resolver sees it: its phrases, its kind, and the words that tell it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from imagewikiqa.builders.resolve.phrases import Phrase, hints, phrases_of
from imagewikiqa.builders.resolve.words import Kind, Rarity, fold, knowing, rarity, stem, stems
from imagewikiqa.core.records import ClassEntry

NEAR = 6  # hypernyms; WordNet lists two or three words for each step up
Standing = Literal[
    "near hypernym", "hypernym", "definition", "field", "kind", "contrary", "unknown"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One class with all that is compared with an article; words are stems."""

    entry: ClassEntry
    phrases: tuple[Phrase, ...]
    near: frozenset[str]  # last words of the nearest hypernyms
    above: frozenset[str]  # last words of all hypernyms that tell something
    path: frozenset[str]  # whole hypernyms, folded
    told: frozenset[str]  # words of the definition and of hints in brackets
    kind: Kind | None
    names: frozenset[str]  # words of its own phrases
    rarity: Rarity

    def says(self, word: str) -> Standing:
        """Return how a noun, said of an article, stands to this class."""
        key = stem(word)
        if key in self.near:
            return "near hypernym"
        if key in self.above:
            return "hypernym"
        if key in self.told:
            return "definition"
        if knowing().fields.get(fold(word), frozenset()) & (self.path | self.told):
            return "field"
        if self.kind is not None and key in self.kind.nouns:
            return "kind"
        other = any(key in kind.nouns for kind in knowing().kinds)
        known = self.kind is not None or bool(self.told)
        return "contrary" if key in knowing().contrary or (other and known) else "unknown"

    @property
    def is_breed(self) -> bool:
        """Say whether titles of this class may be written like names: "Alaskan Malamute"."""
        return "domestic animal" in self.path


def subjects_of(classes: Iterable[ClassEntry]) -> tuple[Subject, ...]:
    """Return the classes as subjects, in their order."""
    entries = tuple(classes)
    phrases, rare = phrases_of(entries), rarity(entries)
    return tuple(_subject(entry, phrases[entry.id], rare) for entry in entries)


def _subject(entry: ClassEntry, phrases: tuple[Phrase, ...], rare: Rarity) -> Subject:
    path = [fold(h) for h in entry.hypernyms if fold(h) not in knowing().empty_hypernyms]
    heads = [stem(words[-1]) for words in map(str.split, path) if words]
    return Subject(
        entry=entry,
        phrases=phrases,
        near=frozenset(heads[:NEAR]),
        above=frozenset(heads),
        path=frozenset(path),
        told=stems(" ".join((entry.definition, *hints(entry)))),
        kind=_kind(entry),
        names=stems(" ".join(phrase.text for phrase in phrases)),
        rarity=rare,
    )


def _kind(entry: ClassEntry) -> Kind | None:
    """Return the kind that the nearest hypernym tells."""
    for hypernym in map(fold, entry.hypernyms):
        for kind in knowing().kinds:
            if hypernym in kind.hypernyms:
                return kind
    return None
