"""How an article's title stands to the phrases of a class."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from imagewikiqa.builders.resolve.phrases import Phrase, forms
from imagewikiqa.builders.resolve.words import KEPT, fold, squeeze, stems

_QUALIFIED = re.compile(r"(.+?) \(([^()]+)\)")
_PLACED = re.compile(r"(.+?), (.+)")
Fit = Literal["same", "variant", "longer", "none"]


@dataclass(frozen=True, slots=True)
class Title:
    """A title in its parts: "Crane (bird)" is the base "Crane" with the qualifier "bird"."""

    text: str
    base: str
    qualifier: str
    placed: bool = False  # qualified by a comma, as places are: "Orange, Connecticut"


@lru_cache(maxsize=KEPT)
def parted(text: str) -> Title:
    """Return a title in its parts."""
    if found := _QUALIFIED.fullmatch(text):
        return Title(text, found[1], found[2])
    if found := _PLACED.fullmatch(text):
        return Title(text, found[1], found[2], placed=True)
    return Title(text, text, "")


def fit(title: Title, phrase: Phrase) -> Fit:
    """Return how the base of a title stands to a phrase, letter case aside."""
    if squeeze(title.base) == squeeze(phrase.text) or squeeze(title.text) == squeeze(phrase.text):
        return "same"
    if any(squeeze(title.base) == squeeze(form) for form in forms(phrase.text)):
        return "variant"
    return "longer" if f" {fold(phrase.text)} " in f" {fold(title.text)} " else "none"


def added(title: Title, phrase: Phrase) -> frozenset[str]:
    """Return the stems that a longer title adds to a phrase."""
    return stems(title.text) - stems(phrase.text)


def is_shouted(title: Title, phrase: Phrase) -> bool:
    """Say whether a title has capitals inside words that the phrase lacks: TANK, GAZelle."""
    inner = [word[1:] for word in re.findall(r"[^\W\d_]+", title.base)]
    said = [word[1:] for word in re.findall(r"[^\W\d_]+", phrase.text)]
    return any(word != word.lower() for word in inner) and all(w == w.lower() for w in said)


def is_name_like(title: Title, phrase: Phrase) -> bool:
    """Say whether later words of a title are capitalised that the phrase has in lower case."""
    later = re.findall(r"(?<=[\s\-–])[^\W\d_]\w*", title.base)
    said = re.findall(r"(?<=[\s\-–])[^\W\d_]\w*", phrase.text)
    return any(word[0].isupper() for word in later) and not any(w[0].isupper() for w in said)
