"""Dumps to measure with: the sample articles, repeated as pages of one export."""

import bz2
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

from imagewikiqa.builders.sample import read_sample

PER_STREAM = 100  # as in the published dumps
HEAD = (
    '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" '
    'xml:lang="en">\n  <siteinfo><sitename>Bench</sitename><dbname>bench</dbname>'
    "<base>https://en.wikipedia.org/wiki/Main_Page</base><generator>bench</generator>"
    '<case>first-letter</case><namespaces><namespace key="0" case="first-letter" />'
    "</namespaces></siteinfo>\n"
)
TAIL = "</mediawiki>\n"
PAGE = """  <page>
    <title>{title}</title>
    <ns>0</ns>
    <id>{number}</id>
    <revision>
      <id>{revision}</id>
      <timestamp>2026-01-01T00:00:00Z</timestamp>
      <contributor>
        <username>Writer</username>
        <id>7</id>
      </contributor>
      <model>wikitext</model>
      <format>text/x-wiki</format>
      <text bytes="{size}" xml:space="preserve">{text}</text>
      <sha1>phoiac9h4m842xq45sp7s6u21eteeq1</sha1>
    </revision>
  </page>
"""


def pages(megabytes: int) -> Iterator[tuple[str, bytes]]:
    """Yield titles and pages, of at least that size together."""
    articles = [(one.title, escape(one.wikitext)) for one in read_sample()]
    number = size = 0
    while size < megabytes * 1_000_000:
        name, text = articles[number % len(articles)]
        number += 1
        title = f"{name} {number}"
        page = PAGE.format(
            title=escape(title), number=number, revision=number + 10**6, size=len(text), text=text
        ).encode()
        size += len(page)
        yield title, page


def write_plain(path: Path, megabytes: int) -> int:
    """Write an export that is not packed; return its pages."""
    count = 0
    with path.open("wb") as out:
        out.write(HEAD.encode())
        for _, page in pages(megabytes):
            count += 1
            out.write(page)
        out.write(TAIL.encode())
    return count


def write_multistream(folder: Path, megabytes: int) -> tuple[Path, list[str]]:
    """Write a dump of many streams and its index below a folder; return the dump and its titles."""
    dump = folder / "enwiki-20260101-pages-articles-multistream.xml.bz2"
    index = folder / "enwiki-20260101-pages-articles-multistream-index.txt.bz2"
    titles: list[str] = []
    with dump.open("wb") as out, bz2.open(index, "wt", encoding="utf-8") as lines:
        out.write(bz2.compress(HEAD.encode()))
        group: list[bytes] = []
        for title, page in pages(megabytes):
            titles.append(title)
            lines.write(f"{out.tell()}:{len(titles)}:{escape(title)}\n")
            group.append(page)
            if len(group) == PER_STREAM:
                out.write(bz2.compress(b"".join(group)))
                group = []
        out.write(bz2.compress(b"".join(group) + TAIL.encode()))
    return dump, titles
