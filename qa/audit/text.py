"""Words, names and sameness of texts, as the checks understand them."""

import re
from collections.abc import Iterable
from functools import lru_cache

STOP_WORDS = frozenset(
    "a an and any are as at be been by can did do does for from had has have how if in into is it"
    " its may more most no nor not of on one or other our over own per so some such than that the"
    " their them then there these they this those through to under up upon was were what when"
    " where which while who why will with within without would".split()
)
_WORD = re.compile(r"[^\W_]+")
_ARTICLE = re.compile(r"^(?:the|an?)\s+")


def normalised(text: str) -> str:
    """Return a text for comparison: case folded, one space, no article, quotes or end stop."""
    folded = " ".join(text.casefold().split()).strip("\"'“”‘’").rstrip(".").strip()
    return _ARTICLE.sub("", folded)


def words(text: str) -> list[str]:
    """Return the case-folded words and numbers of a text."""
    return _WORD.findall(text.casefold())


def content_words(text: str) -> set[str]:
    """Return the words that carry meaning, a plural s folded away."""
    return {_singular(w) for w in words(text) if w not in STOP_WORDS and (len(w) > 2 or _digit(w))}


def has_name(text: str, names: Iterable[str]) -> str | None:
    """Return the first name found in a text, word-bounded and case-folded, or None."""
    folded = " ".join(text.casefold().split())
    return next((name for name in names if _pattern(name).search(folded)), None)


def masked(text: str, names: Iterable[str]) -> str:
    """Return the words of a text with each name replaced by 'this object', for comparison."""
    folded = " ".join(text.casefold().split())
    for name in names:
        folded = _pattern(name).sub("this object", folded)
    return " ".join(words(folded))


@lru_cache(maxsize=8192)
def _pattern(name: str) -> re.Pattern[str]:
    folded = " ".join(name.casefold().split())
    return re.compile(rf"(?<!\w){re.escape(folded)}(?!\w)")


def _singular(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _digit(word: str) -> bool:
    return any(letter.isdigit() for letter in word)
