"""Wikitext to clean text by section, with the fields of infoboxes as facts."""

import re
from dataclasses import dataclass

from imagewikiqa.builders.infobox import read_facts
from imagewikiqa.builders.lexicon import lexicon
from imagewikiqa.builders.markup import parse, render
from imagewikiqa.builders.prepare import prepare
from imagewikiqa.builders.tidy import lay_out
from imagewikiqa.core.records import Section

_REDIRECT_LINE = re.compile(r"\A\s*#\s*(?:REDIRECT|WEITERLEITUNG|REDIRECTION)\b[^\n]*", re.I)


@dataclass(frozen=True, slots=True)
class CleanText:
    """A page as prose: canonical text, spans of its sections' bodies, and infobox fields."""

    text: str
    sections: tuple[Section, ...]
    facts: dict[str, str]


@dataclass(slots=True)
class _Part:
    """A section while it is read: its headings from the outside in, and its paragraphs."""

    path: tuple[str, ...]
    paragraphs: list[str]


def clean(wikitext: str) -> CleanText:
    """Return a page's prose without markup; never raises on malformed wikitext.

    The text is the lead, then each section as a heading line and paragraphs, all parted by
    blank lines, then the facts as an `Infobox` block. A section's span (code points) covers its
    own paragraphs, neither its heading nor its subsections.
    """
    code = parse(_REDIRECT_LINE.sub("", prepare(wikitext)))
    facts = read_facts(code)
    parts = _parts(lay_out(render(code)))
    if facts:
        rows = "\n".join(f"{field}: {value}" for field, value in facts.items())
        parts.append(_Part(("Infobox",), [rows]))
    return _assemble(parts, facts)


def _parts(blocks: list[tuple[int, str]]) -> list[_Part]:
    """Gather paragraphs under their headings, without sections of apparatus."""
    parts, open_headings = [_Part((), [])], list[tuple[int, str]]()
    for level, text in blocks:
        if level:
            open_headings = [h for h in open_headings if h[0] < level] + [(level, text)]
            parts.append(_Part(tuple(title for _, title in open_headings), []))
        else:
            parts[-1].paragraphs.append(text)
    kept = [part for part in parts if not _is_dropped(part.path)]
    # An empty section is kept only as the heading of a subsection with words.
    worded = {p.path[:depth] for p in kept if p.paragraphs for depth in range(len(p.path) + 1)}
    return [part for part in kept if part.path in worded]


def _is_dropped(path: tuple[str, ...]) -> bool:
    return any(title.casefold().strip(" :.") in lexicon().dropped_sections for title in path)


def _assemble(parts: list[_Part], facts: dict[str, str]) -> CleanText:
    pieces: list[str] = []
    sections: list[Section] = []
    length = 0
    for part in parts:
        if part.path:
            pieces.append(part.path[-1])
            length += len(pieces[-1]) + 2
        if part.paragraphs:
            body = "\n\n".join(part.paragraphs)
            sections.append(Section(path=part.path, start=length, end=length + len(body)))
            pieces.append(body)
            length += len(body) + 2
    return CleanText("\n\n".join(pieces), tuple(sections), facts)
