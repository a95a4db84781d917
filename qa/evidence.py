"""Find where a quote stands in a page, though spaces, quote marks and dashes were retyped."""

import re
from functools import lru_cache

Span = tuple[int, int]

# More than this left out by "..." is no quote any more: its parts stand in different places.
LONGEST_GAP = 1_000  # code points

_INVISIBLE = dict.fromkeys("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff", "")
_SINGLE = dict.fromkeys("‘’‚‛ʼʹ′`´＇", "'")
_DOUBLE = dict.fromkeys("“”„‟«»″＂", '"')
_DASHES = dict.fromkeys("‐‑‒–—―−", "-")
_SAME = {**_INVISIBLE, **_SINGLE, **_DOUBLE, **_DASHES}
_ELLIPSIS = re.compile(r"\[?\s?(?:\.{3,}|…|\. \. \.)\s?\]?")
_EDGES = " \t\n\"'“”‘’«»"


@lru_cache(maxsize=8)  # an author asks for several quotes of one page in a row
def _folded(text: str) -> tuple[str, tuple[int, ...]]:
    """Return a text as it is compared, and for each of its characters its place in `text`."""
    characters: list[str] = []
    places: list[int] = []
    for place, character in enumerate(text):
        character = _SAME.get(character, character)
        if character.isspace():
            character = " " if characters and characters[-1] != " " else ""
        if character:
            characters.append(character)
            places.append(place)
    return "".join(characters), tuple(places)


def fold_quote(text: str) -> str:
    """Return a text as quotes are compared: one kind of space, quote mark and dash."""
    return _folded(text)[0].strip()


def locate(page_text: str, quote: str) -> Span | None:
    """Return (start, end) in code points of a quote in a page, or None when it is not there.

    Letters must be the same; the first place of a quote copied exactly comes before retyped ones.
    Quote marks around a quote and a full stop put after it may be the quoter's. Where "..." leaves
    words out, the parts must follow one another, and the span runs from the first to the last.
    Marks without a letter or digit are no quote.
    """
    if not any(character.isalnum() for character in quote):
        return None
    for words in dict.fromkeys((quote.strip(), quote.strip(_EDGES), quote.strip(_EDGES + ".,;:"))):
        if words:
            span = (
                _exact(page_text, words) or _retyped(page_text, words) or _parts(page_text, words)
            )
            if span is not None:
                return span
    return None


def _exact(page_text: str, words: str) -> Span | None:
    start = page_text.find(words)
    return (start, start + len(words)) if start >= 0 else None


def _retyped(page_text: str, words: str) -> Span | None:
    page, places = _folded(page_text)
    folded = fold_quote(words)
    start = page.find(folded) if folded else -1
    return (places[start], places[start + len(folded) - 1] + 1) if start >= 0 else None


def _parts(page_text: str, words: str) -> Span | None:
    """Locate a quote with words left out: the first chain of its parts with small gaps."""
    parts = [folded for part in _ELLIPSIS.split(words) if (folded := fold_quote(part))]
    if not parts or _ELLIPSIS.search(words) is None:
        return None
    page, places = _folded(page_text)
    first = page.find(parts[0])
    while first >= 0:
        end = _chain(page, parts, first)
        if end is not None:
            return places[first], places[end - 1] + 1
        first = page.find(parts[0], first + 1)
    return None


def _chain(page: str, parts: list[str], first: int) -> int | None:
    """Return where the last part ends when each follows the one before it closely."""
    end = first + len(parts[0])
    for part in parts[1:]:
        start = page.find(part, end, end + LONGEST_GAP + len(part))
        if start < 0:
            return None
        end = start + len(part)
    return end
