"""Words as the resolver compares them: folded, stemmed, weighed by how rare they are."""

import math
import re
import tomllib
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from imagewikiqa.core.records import ClassEntry

_WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?")
KEPT = 1 << 15  # wordings: each title of a class is compared with each of its phrases
_ENDINGS = ("ings", "ing", "ers", "er", "ed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A sort of thing: the hypernyms that show it and the nouns that say it of an article."""

    name: str
    hypernyms: frozenset[str]
    nouns: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Knowing:
    """What the resolver knows about words; all are lower case."""

    stop: frozenset[str]
    empty_hypernyms: frozenset[str]
    kinds: tuple[Kind, ...]
    fields: Mapping[str, frozenset[str]]
    contrary: frozenset[str]
    spellings: Mapping[str, str]


@cache
def knowing() -> Knowing:
    """Return the one word list of the resolver."""
    text = resources.files("imagewikiqa.builders").joinpath("data/resolve.toml").read_text("utf-8")
    tables: dict[str, Any] = tomllib.loads(text)
    american: dict[str, str] = tables["spellings"]
    return Knowing(
        stop=frozenset(tables["stop"]),
        empty_hypernyms=frozenset(tables["empty_hypernyms"]),
        kinds=tuple(
            Kind(
                name=kind["name"],
                hypernyms=frozenset(kind["hypernyms"]),
                nouns=frozenset(map(stem, kind["nouns"])),
            )
            for kind in tables["kinds"]
        ),
        fields={name: frozenset(value) for name, value in tables["fields"].items()},
        contrary=frozenset(map(stem, tables["contrary"]["nouns"])),
        spellings={**american, **{british: word for word, british in american.items()}},
    )


@lru_cache(maxsize=KEPT)
def fold(text: str) -> str:
    """Return a text for comparison: no case, no accents, no punctuation, single spaces."""
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    letters = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(re.findall(r"[^\W_]+", letters.replace("'", "").replace("’", "")))


def squeeze(text: str) -> str:
    """Return a folded text without its spaces: "sand bar", "sand-bar" and "sandbar" are equal."""
    return fold(text).replace(" ", "")


def stem(word: str) -> str:
    """Return a crude stem, the same for swimming, swimmer's and swim."""
    word = fold(word.removesuffix("'s").removesuffix("’s"))
    word = singular(word)
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 4:
            word = word.removesuffix(ending)
            return word[:-1] if word[-1] == word[-2] and word[-1] not in "ls" else word
    return word


def singular(word: str) -> str:
    """Return the singular of a regular plural, any other word as it is."""
    if len(word) > 4 and word.endswith("ies"):
        return f"{word[:-3]}y"
    if re.search(r"(?:s|x|z|ch|sh)es\Z", word) and len(word) > 4:
        return word[:-2]
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def stems(text: str) -> frozenset[str]:
    """Return the stems of a text's words, without those that mean nothing alone."""
    words = (fold(word) for word in _WORD.findall(text))
    return frozenset(stem(word) for word in words if word and word not in knowing().stop)


@dataclass(frozen=True, slots=True)
class Rarity:
    """How much a stem tells: the log of the classes over the classes that say it."""

    counts: Counter[str]
    classes: int

    def weight(self, word: str) -> float:
        """Return 0 for a stem of every class, more for a rarer one (natural log)."""
        return math.log((self.classes + 1) / (self.counts[word] + 1))

    def overlap(self, of: frozenset[str], within: frozenset[str]) -> float:
        """Return which part (0 to 1) of the weight of `of` also stands in `within`."""
        # Exact sums: a set's order differs from one process to the next.
        whole = math.fsum(map(self.weight, of))
        return math.fsum(map(self.weight, of & within)) / whole if whole > 0 else 0.0


def rarity(classes: Iterable[ClassEntry]) -> Rarity:
    """Count the stems of all classes' names, definitions and hypernyms."""
    counts: Counter[str] = Counter()
    total = 0
    for entry in classes:
        total += 1
        counts.update(stems(" ".join((entry.name, entry.definition, *entry.hypernyms))))
    return Rarity(counts, total)
