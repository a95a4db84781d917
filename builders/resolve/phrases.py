"""The phrases by which an encyclopedia may know a class, and how far each is to be trusted."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from imagewikiqa.builders.resolve.words import KEPT, fold, knowing, singular, squeeze, stems
from imagewikiqa.core.records import ClassEntry

Source = Literal["name", "synonym", "scientific name"]
Names = Mapping[str, tuple[str, ...]]  # wording of a name -> ids of the classes named so
Weakness = Literal["", "part of the name", "names another class", "shared with another class"]
_BINOMIAL = re.compile(r"[A-Z][a-z]{2,} ([a-z]{3,})(?: [a-z]{3,})?")
_LATIN = re.compile(r".*(?:us|a|is|um|i|ae|ens|ans|ix|ex|ax|ox|os|or|es|lar|ys|yx|as|eo|io)")
_HINT = re.compile(r"\(([^()]*)\)")
_ALTERNATIVES = re.compile(r"\s+(?:/|or)\s+|\s*[,;|]\s*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """One wording for a class. A weak phrase also means other things, so it proves little."""

    text: str
    source: Source
    weakness: Weakness = ""

    @property
    def words(self) -> int:
        """Return the number of words."""
        return len(fold(self.text).split())


def phrases_of(classes: Iterable[ClassEntry]) -> dict[str, tuple[Phrase, ...]]:
    """Return each class's phrases by class id: the name first, no wording twice."""
    entries = tuple(classes)
    names = names_of(entries)
    users: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        for text in _texts(entry):
            users[squeeze(text)].add(entry.id)
    return {entry.id: tuple(_phrases(entry, names, users)) for entry in entries}


def names_of(classes: Iterable[ClassEntry]) -> Names:
    """Return who is named how; in some lists two classes have one name."""
    found: dict[str, list[str]] = defaultdict(list)
    for entry in classes:
        found[squeeze(bare(entry.name))].append(entry.id)
    return {wording: tuple(ids) for wording, ids in found.items() if wording}


def bare(text: str) -> str:
    """Return a phrase without what it adds in brackets: "kite (bird of prey)" is "kite"."""
    return " ".join(_HINT.sub(" ", text).split()) or text


def hints(entry: ClassEntry) -> tuple[str, ...]:
    """Return what the names of a class add in brackets."""
    return tuple(h for text in (entry.name, *entry.synonyms) for h in _HINT.findall(text))


def alternatives(name: str) -> tuple[str, ...]:
    """Return the parts of a name that means several things, as "A or B" or "A / B", else none."""
    parts = tuple(part for part in _ALTERNATIVES.split(bare(name)) if part)
    return parts if len(parts) > 1 else ()


def is_scientific(text: str, entry: ClassEntry) -> bool:
    """Say whether a phrase is the Latin name of an organism."""
    found = _BINOMIAL.fullmatch(text)
    if found is None or not _LATIN.fullmatch(found[1]):
        return False
    english = stems(" ".join((entry.definition, *(h for h in entry.hypernyms if h.islower()))))
    return not stems(found[1]) & english


@lru_cache(maxsize=KEPT)
def forms(text: str) -> tuple[str, ...]:
    """Return a phrase and its other spellings and numbers: plural, singular, grey for gray."""
    words = text.split()
    swapped = [knowing().spellings.get(word, word) for word in words]
    last = words[-1]
    other = singular(last) if singular(last) != last else plural(last)
    found = (text, " ".join(swapped), " ".join((*words[:-1], other)))
    return tuple(dict.fromkeys(form for form in found if form))


def plural(word: str) -> str:
    """Return the regular plural of a word."""
    if re.search(r"(?:s|x|z|ch|sh)\Z", word):
        return f"{word}es"
    return f"{word[:-1]}ies" if re.search(r"[^aeiou]y\Z", word) else f"{word}s"


def _texts(entry: ClassEntry) -> tuple[str, ...]:
    """Return the distinct wordings; a synonym that only joins two others says nothing new."""
    synonyms = [bare(text) for text in entry.synonyms if not alternatives(text)]
    texts = (bare(entry.name), *alternatives(entry.name), *synonyms)
    return tuple({squeeze(text): text for text in reversed(texts) if squeeze(text)}.values())[::-1]


def _phrases(entry: ClassEntry, names: Names, users: Mapping[str, set[str]]) -> Iterable[Phrase]:
    name = bare(entry.name)
    own = {squeeze(name), *map(squeeze, alternatives(entry.name))}
    for text in _texts(entry):
        key = squeeze(text)
        if key in own:
            several = len(names.get(key, ())) > 1
            weakness: Weakness = "shared with another class" if several else ""
            yield Phrase(text=text, source="name", weakness=weakness)
            continue
        scientific = is_scientific(text, entry)
        yield Phrase(
            text=text,
            source="scientific name" if scientific else "synonym",
            weakness=_weakness(key, text, name, entry.id, names, users),
        )


def _weakness(
    key: str,
    text: str,
    name: str,
    class_id: str,
    names: Names,
    users: Mapping[str, set[str]],
) -> Weakness:
    if class_id not in names.get(key, (class_id,)):
        return "names another class"
    if len(users[key]) > 1:
        return "shared with another class"
    # Whoever named the class "computer mouse" found "mouse" not clear enough.
    return "part of the name" if stems(text) < stems(name) else ""
