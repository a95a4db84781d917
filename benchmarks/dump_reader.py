"""Reading a MediaWiki dump: `builders.dump` against mwxml and a whole-tree parse, in MB/s.

The input is made of the sample articles, repeated as pages of one plain XML export.
"""

import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from functools import partial
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks._report import Result, arguments, measure, show
from imagewikiqa.builders.dump import read_dump
from imagewikiqa.builders.sample import read_sample

NAMESPACE = "{http://www.mediawiki.org/xml/export-0.11/}"
PAGE = """  <page>
    <title>{title}</title>
    <ns>0</ns>
    <id>{number}</id>
    <revision>
      <id>{revision}</id>
      <timestamp>2026-01-01T00:00:00Z</timestamp>
      <model>wikitext</model>
      <format>text/x-wiki</format>
      <text bytes="{size}" xml:space="preserve">{text}</text>
    </revision>
  </page>
"""


def make_dump(path: Path, megabytes: int) -> int:
    """Write an export of at least that size; return its pages."""
    articles = list(read_sample())
    pages = 0
    with path.open("w", encoding="utf-8") as out:
        out.write(
            '<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" '
            'xml:lang="en">\n  <siteinfo><sitename>Bench</sitename><dbname>bench</dbname>'
            "<base>https://en.wikipedia.org/wiki/Main_Page</base><generator>bench</generator>"
            '<case>first-letter</case><namespaces><namespace key="0" case="first-letter" />'
            "</namespaces></siteinfo>\n"
        )
        while out.tell() < megabytes * 1_000_000:
            article = articles[pages % len(articles)]
            pages += 1
            out.write(
                PAGE.format(
                    title=escape(f"{article.title} {pages}"),
                    number=pages,
                    revision=pages + 1_000_000,
                    size=len(article.wikitext),
                    text=escape(article.wikitext),
                )
            )
        out.write("</mediawiki>\n")
    return pages


def ours(path: Path) -> list[tuple[str, int]]:
    """Return title and length of text of every page, by our reader."""
    return [(page.title, len(page.wikitext)) for page in read_dump(path)]


def mwxml_reader(path: Path) -> list[tuple[str, int]]:
    """Return the same by mwxml."""
    import mwxml

    with path.open(encoding="utf-8") as stream:
        dump = mwxml.Dump.from_file(stream)
        return [(page.title, len(revision.text)) for page in dump.pages for revision in page]


def whole_tree(path: Path) -> list[tuple[str, int]]:
    """Return the same by parsing the whole file into memory, as short scripts do."""
    pages = ElementTree.parse(path).getroot().iter(f"{NAMESPACE}page")
    return [
        (
            page.findtext(f"{NAMESPACE}title") or "",
            len(page.findtext(f"{NAMESPACE}revision/{NAMESPACE}text") or ""),
        )
        for page in pages
    ]


def main() -> int:
    """Measure in turns; return 1 when the readers disagree on a page."""
    options = arguments()
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder) / "bench.xml"
        make_dump(dump, options.megabytes)
        read = ours(dump)
        different = sum(read != other(dump) for other in (mwxml_reader, whole_tree))
        contenders = {"ours": ours, "mwxml": mwxml_reader, "whole tree": whole_tree}
        rates = measure(
            {name: partial(reader, dump) for name, reader in contenders.items()},
            dump.stat().st_size / 1e6,
            options.rounds,
        )
    own = rates.pop("ours")
    result = Result(
        name="dump_reader",
        unit="MB/s",
        ours=own,
        others=rates,
        exact={"max_abs_diff": float(different)},
    )
    show(result, options.json)
    return int(different > 0)


if __name__ == "__main__":
    sys.exit(main())
