"""A title as a person writes it in the review file: normal, or refused with the reason."""

import re

from imagewikiqa.builders.raw import normal_title
from imagewikiqa.core.errors import ToolkitError

NO_ARTICLE = "-"
LONGEST = 255  # bytes of a title, MediaWiki's limit
_FORBIDDEN = frozenset("<>[]{}#\x7f")
_NOTHING = re.compile(r"[‐-―−?-]+|n/?a|none|no article", re.IGNORECASE)
_ADDRESS = re.compile(r"://|\bwikipedia\.org\b|/wiki/")
_IMPOSSIBLE = re.compile(r"%[0-9A-Fa-f]{2}|&#?\w+;|~~~|(?:^|/)\.{1,2}(?:/|$)")
_ELSEWHERE = re.compile(
    r":|(?:talk|user|wikipedia|wp|project|file|image|media|mediawiki|template|help|category|"
    r"portal|draft|module|special|commons|wikt|wiktionary|[\w ]+ talk) ?:|"
    r"(?-i:[a-z]{2,3}):(?! )",
    re.IGNORECASE,
)


def written_title(where: str, written: str) -> str:
    """Return a title as MediaWiki writes it; `where` begins the sentence of a ToolkitError."""
    title = written.strip()
    if not title:
        raise ToolkitError(
            f"{where}: the title is blank; write a title, '-' for no article, or delete the row to "
            "leave the class open"
        )
    if _NOTHING.fullmatch(title):
        raise ToolkitError(
            f"{where}: {title!r} is no title; write '-', alone in its cell, for no article"
        )
    problem = _problem(title)
    if problem:
        raise ToolkitError(f"{where}: {title[:60]!r} {problem}; copy the title from the article")
    return normal_title(title)


def _problem(title: str) -> str:
    """Return why there can be no such article, "" where there can."""
    if _ADDRESS.search(title):
        return "is an address, not a title"
    if wrong := sorted(_FORBIDDEN & set(title)):
        return f"holds {' '.join(map(repr, wrong))}, which no title may"
    if not title.isprintable() or len(title.encode()) > LONGEST:
        return "is too long or not printable, which no title may be"
    if found := _IMPOSSIBLE.search(title):
        return f"holds {found[0]!r}, which no title may"
    if _ELSEWHERE.match(title):
        return "leads to another namespace or wiki, where there are no articles"
    return ""
