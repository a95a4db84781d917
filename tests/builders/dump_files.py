"""Small dumps for tests: one stream, or many with an index, as MediaWiki's tools write them."""

import bz2
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

HEAD = (
    '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="en">\n'
    "  <siteinfo>\n    <base>https://en.wikipedia.org/wiki/Main_Page</base>\n  </siteinfo>\n"
)
TAIL = "</mediawiki>\n"
NAME = "enwiki-20240101-pages-articles-multistream.xml.bz2"
INDEX = "enwiki-20240101-pages-articles-multistream-index.txt.bz2"


@dataclass(frozen=True, slots=True)
class Draft:
    """A page to write."""

    title: str
    text: str = "Some words."
    redirect: str | None = None
    namespace: int = 0


def page_xml(number: int, draft: Draft) -> str:
    """Return a page as an export has it; its id is its number, its revision a hundredfold."""
    redirect = f"    <redirect title={quoteattr(draft.redirect)} />\n" if draft.redirect else ""
    return (
        f"  <page>\n    <title>{escape(draft.title, {chr(34): '&quot;'})}</title>\n"
        f"    <ns>{draft.namespace}</ns>\n    <id>{number}</id>\n{redirect}"
        f"    <revision>\n      <id>{number * 100}</id>\n"
        "      <timestamp>2024-01-01T00:00:00Z</timestamp>\n"
        "      <contributor>\n        <username>Writer</username>\n        <id>7</id>\n"
        "      </contributor>\n"
        f'      <text bytes="1" xml:space="preserve">{escape(draft.text)}</text>\n'
        "    </revision>\n  </page>\n"
    )


def pages_xml(drafts: Sequence[Draft]) -> list[str]:
    """Return pages numbered from 1."""
    return [page_xml(number, draft) for number, draft in enumerate(drafts, start=1)]


def write_plain(path: Path, drafts: Sequence[Draft]) -> Path:
    """Write an export that is not packed."""
    path.write_text(HEAD + "".join(pages_xml(drafts)) + TAIL, encoding="utf-8")
    return path


def write_multistream(
    folder: Path, drafts: Sequence[Draft], per_stream: int, *, tail_apart: bool = True
) -> Path:
    """Write a dump of streams and its index; return the dump.

    The last tag stands in a stream of its own, or with the last pages: both are found.
    """
    pages = pages_xml(drafts)
    groups = [pages[at : at + per_stream] for at in range(0, len(pages), per_stream)]
    texts = ["".join(group) for group in groups]
    if tail_apart or not texts:
        texts.append(TAIL)
    else:
        texts[-1] += TAIL
    packed = bz2.compress(HEAD.encode())
    lines: list[str] = []
    for group, text in enumerate(texts):
        first = group * per_stream
        for number, draft in enumerate(drafts[first : first + per_stream], start=first + 1):
            title = escape(draft.title, {'"': "&quot;"})
            lines.append(f"{len(packed)}:{number}:{title}\n")
        packed += bz2.compress(text.encode())
    (folder / NAME).write_bytes(packed)
    (folder / INDEX).write_bytes(bz2.compress("".join(lines).encode()))
    return folder / NAME
