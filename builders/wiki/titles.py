"""Titles as they are sent: spelled as a wiki spells them, many in one request."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from urllib.parse import quote_plus

from imagewikiqa.builders.wiki.fates import fit
from imagewikiqa.core.errors import ToolkitError

# What MediaWiki takes for a space; other white space makes a title invalid.
_SPACES = re.compile("[ _\u00a0\u1680\u180e\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+")
_HALF = re.compile("[\ud800-\udfff]")
_LONGEST = 6000  # bytes of titles in an address; servers refuse addresses from 8 KiB


def whole(titles: Iterable[str]) -> list[str]:
    """Return titles, or other texts to send, each once; ToolkitError for half a character."""
    found = [*dict.fromkeys(titles)]
    for title in found:
        if _HALF.search(title):
            raise ToolkitError(
                f"the title {ascii(title)[:80]} holds half a character: save its list as UTF-8"
            )
    return found


def spelled(title: str) -> str:
    """Return a title as it is sent: composed characters, single spaces, no section."""
    text = unicodedata.normalize("NFC", title).partition("#")[0]
    return _SPACES.sub(" ", text).strip()


def batches(titles: Sequence[str], size: int) -> list[Sequence[str]]:
    """Cut titles into requests by number and by the length of the address."""
    made: list[list[str]] = []
    room = 0
    for title in titles:
        needs = len(quote_plus(spelled(title))) + 3
        if not made or len(made[-1]) >= size or needs > room:
            made.append([])
            room = _LONGEST
        made[-1].append(title)
        room -= needs
    return [*made]


def joined(names: Iterable[str]) -> str:
    """Return the titles of one request; those that no wiki could hold are answered without it."""
    return "|".join(dict.fromkeys(name for name in names if fit(name)))
