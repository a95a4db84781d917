"""Does a text give the class away? Names, synonyms, plurals and words that only its name has."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imagewikiqa.core.records import ClassEntry
from imagewikiqa.qa.naming import plural, singular

# Words of names that say nothing alone: a "great" or "white" thing is no great white shark.
_PLAIN = frozenset(
    """african american asian australian black blue brown common eastern european giant golden
    grand great green grey gray king large lesser little long northern old orange polar red royal
    small southern space spotted steam washing western white wild yellow rotary suspension
    instant model dial bear cat dog bird fish shark snake turtle sea water hot ice time house
    machine car boat ship game ball board box case chair table set line stone wood paper glass
    metal plant fruit animal tennis football electric pot cup plate screen player tool oven
    camera telephone phone bridge reef arch eagle penguin dragon butterfly panda's hair head
    hand foot back body home school wool cotton leather summer winter school fire""".split()
)
_LONG = 6  # letters of a name that may be written apart or together
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def fold(text: str) -> str:
    """Return a text as it is compared: NFKC, case-folded, one kind of quote and space."""
    text = unicodedata.normalize("NFKC", text).casefold().replace("’", "'")
    return re.sub(r"[\s\-‐‑–]+", " ", text).strip()


def words(text: str) -> list[str]:
    """Return the folded words of a text."""
    return _WORD.findall(fold(text))


def contains_phrase(text: str, phrase: str) -> bool:
    """Return whether folded `phrase` stands in folded `text` at word bounds."""
    if phrase not in text:
        return False  # most pairs end here, without a regular expression
    return re.search(rf"(?<!\w){re.escape(phrase)}(?!\w)", text) is not None


def contains_spelling(text: str, phrase: str) -> bool:
    """Return whether folded `phrase` stands in folded `text`, also written apart or together.

    'ping pong ball', 'pingpong ball' and 'bath tub' count; below six letters only the phrase as
    it is, since 'a nt' is no ant.
    """
    solid = phrase.replace(" ", "")
    if len(solid) < _LONG:
        return contains_phrase(text, phrase)
    if solid not in text.replace(" ", ""):
        return False
    loose = " ?".join(map(re.escape, solid))
    return re.search(rf"(?<!\w){loose}(?!\w)", text) is not None


@dataclass(frozen=True, slots=True)
class Leak:
    """What gave the class away."""

    kind: str  # name, synonym, plural, word
    phrase: str


class LeakChecker:
    """Knows every class of a list, so that it can tell which words belong to one name only."""

    def __init__(self, classes: Sequence[ClassEntry]) -> None:
        counts = Counter(
            word for entry in classes for word in {w for n in _names(entry) for w in words(n)}
        )
        self._counts = counts
        self._entries = {entry.id: entry for entry in classes}
        self._phrases: dict[str, tuple[Leak, ...]] = {}  # made when first asked for

    def leaks(self, text: str, class_id: str) -> list[Leak]:
        """Return every leak of a class in a text, names before words; KeyError if unknown."""
        found = self._phrases.get(class_id)
        if found is None:
            found = tuple(_phrases(self._entries[class_id], self._counts))
            self._phrases[class_id] = found
        folded = fold(text)
        return [leak for leak in found if contains_spelling(folded, leak.phrase)]


def _names(entry: ClassEntry) -> Iterable[str]:
    """Yield the names of a class, without what a title adds to tell pages apart."""
    for name in (entry.name, *entry.synonyms, *entry.titles):
        yield re.sub(r"\s*\([^()]*\)$", "", name) or name


def _spellings(name: str) -> set[str]:
    """Return the folded numbers of a name, with the plurals that a writer may use."""
    folded = fold(name)
    found = {fold(plural(name)), fold(singular(name)), f"{folded}s", f"{folded}es"}
    return found - {folded}


def name_phrases(entry: ClassEntry) -> tuple[str, ...]:
    """Return the folded names and synonyms of a class, with their plurals, each once."""
    found: dict[str, None] = {}
    for name in _names(entry):
        found |= dict.fromkeys((fold(name), *sorted(_spellings(name))))
    return tuple(phrase for phrase in found if len(phrase) > 1)


def _phrases(entry: ClassEntry, counts: Counter[str]) -> Iterable[Leak]:
    """Yield the phrases that give a class away, each once."""
    seen: set[str] = set()

    def new(kind: str, phrases: Iterable[str]) -> Iterable[Leak]:
        for phrase in phrases:
            if phrase not in seen and len(phrase) > 1:
                seen.add(phrase)
                yield Leak(kind, phrase)

    for at, name in enumerate(_names(entry)):
        yield from new("synonym" if at else "name", [fold(name)])
        yield from new("plural", sorted(_spellings(name)))
    own = {word for name in _names(entry) for word in words(name)}
    for word in sorted(own):
        if len(word) >= 4 and word not in _PLAIN and counts[word] <= 2:
            yield from new("word", [word, *sorted(_spellings(word))])
