"""The index of a multistream dump: found by its name, searched for titles in little memory."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from operator import methodcaller
from pathlib import Path
from xml.sax.saxutils import escape, unescape

from imagewikiqa.builders.packed import contents
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.progress import Progress

# enwiki-20240101-pages-articles-multistream-index.txt.bz2 lists the pages of
# enwiki-20240101-pages-articles-multistream.xml.bz2; a part of a dump has a number and a range.
_NAME = re.compile(
    r"(?P<wiki>[a-z0-9_]+)-(?P<date>[0-9]{8}|latest)-(?P<kind>[a-z-]+-multistream)"
    r"(?P<index>-index)?(?P<part>[0-9]*)\.(?P<ending>xml|txt)(?P<range>-p[0-9]+p[0-9]+)?"
    r"(?P<packed>\.bz2)?"
)
_LINE_LIMIT = 1 << 16  # bytes; titles end at 255
_HITS = 1000  # lines beyond ten a title that may name a wanted title; more is no index
_QUOTES = {"&quot;": '"', "&#039;": "'"}
_SPLIT = methodcaller("split", b":", 2)
ADVICE = "download the dump and its index again, of one date, and compare their checksums"


@dataclass(frozen=True, slots=True, kw_only=True)
class DumpFiles:
    """A dump and, for a multistream dump that has it beside itself, the index."""

    dump: Path
    index: Path | None


@dataclass(frozen=True, slots=True)
class Listed:
    """A page as the index of a dump names it."""

    page_id: int
    title: str


def locate(path: Path) -> DumpFiles:
    """Return the dump that `path` names, itself or by its index, and its index if it lies beside.

    Raises ToolkitError when a file is missing, or when the only index beside the dump is of
    another date.
    """
    if not path.is_file():
        raise ToolkitError(f"there is no dump {path}: check the path after dump:")
    name = _NAME.fullmatch(path.name)
    if name is None or name["ending"] != ("txt" if name["index"] else "xml"):
        return DumpFiles(dump=path, index=None)
    if name["index"]:
        return DumpFiles(dump=_dump_of(path, name), index=path)
    return DumpFiles(dump=path, index=_index_of(path, name) if name["packed"] else None)


def _dump_of(path: Path, name: re.Match[str]) -> Path:
    dump = path.with_name(_named(name, name["date"], "xml", ".bz2"))
    if not dump.is_file():
        raise ToolkitError(
            f"there is no dump {dump.name} beside its index {path.name}: put both into one folder"
        )
    return dump


def _index_of(path: Path, name: re.Match[str]) -> Path | None:
    for packed in (".bz2", ""):
        index = path.with_name(_named(name, name["date"], "txt", packed))
        if index.is_file():
            return index
    for other in sorted(path.parent.glob(f"{name['wiki']}-*-multistream-index*")):
        found = _NAME.fullmatch(other.name)
        if found is None or any(found[key] != name[key] for key in ("kind", "part", "range")):
            continue
        if not path.with_name(_named(found, found["date"], "xml", ".bz2")).is_file():
            raise ToolkitError(
                f"the index {other.name} beside the dump {path.name} is of another date: "
                "download the dump's own index, or move the other away to read the whole dump"
            )
    return None


def _named(name: re.Match[str], date: str, ending: str, packed: str) -> str:
    index = "-index" if ending == "txt" else ""
    return (
        f"{name['wiki']}-{date}-{name['kind']}{index}{name['part']}.{ending}"
        f"{name['range'] or ''}{packed}"
    )


class IndexSearch:
    """Looks for titles in an index: bytes are compared, and only hits are decoded."""

    def __init__(self, titles: Iterable[str], besides: Iterable[str], listing: int) -> None:
        titles = frozenset(titles)
        self._limit = 10 * len(titles) + _HITS
        self._titles = _spellings(titles)
        self._known = self._titles | _spellings(besides)
        self._listing = listing
        self._hits = 0
        self.found: dict[int, list[Listed]] = {}
        self.others: list[Listed] = []
        self.listed = 0

    def scan(self, index: Path, watcher: Progress) -> None:
        """Read an index to its end; raise ToolkitError for one that is damaged or empty."""
        try:
            with index.open("rb") as stream:
                watcher.begin("dump index", index.stat().st_size, 0)
                try:
                    told = 0
                    for lines in _lines(contents(index, stream)):
                        self._see(lines)
                        watcher.advance(stream.tell() - told)
                        told = stream.tell()
                finally:
                    watcher.end()
        except (EOFError, OSError, ValueError, IndexError) as error:
            raise ToolkitError(
                f"cannot read the index {index.name} near page {self.listed + 1:,} ({error}): "
                f"its lines are not offset:page_id:title; {ADVICE}"
            ) from error
        if not self.listed:
            raise ToolkitError(f"the index {index.name} lists no page: {ADVICE}")

    def _see(self, lines: list[bytes]) -> None:
        wanted = self._titles
        hits = [row for row in map(_SPLIT, lines) if row[2] in wanted]
        for row in hits:
            self.found.setdefault(_whole(row[0]), []).append(_listed(row))
        self._hits += len(hits)
        if self._hits > self._limit:
            raise ValueError("too many lines have the same titles")
        for row in map(_SPLIT, lines):
            if len(self.others) >= self._listing:
                break
            if row[2] not in self._known:
                self.others.append(_listed(row))
        self.listed += len(lines)


def _lines(pieces: Iterator[bytes]) -> Iterator[list[bytes]]:
    """Yield the lines of a file, some at a time; raise ValueError for one of absurd length."""
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > _LINE_LIMIT:
            raise ValueError(f"a line has more than {_LINE_LIMIT:,} bytes")
        yield lines
    if rest:
        yield [rest]


def _listed(row: list[bytes]) -> Listed:
    return Listed(_whole(row[1]), unescape(row[2].decode(), _QUOTES))


def _whole(digits: bytes) -> int:
    if not digits.isdigit() or len(digits) > 18:
        raise ValueError(f"{digits[:20]!r} is no number")
    return int(digits)


def _spellings(titles: Iterable[str]) -> frozenset[bytes]:
    """Return titles as an index may write them: it copies XML, and some wikis keep lower case."""
    cased = {form for title in titles for form in (title, title[:1].lower() + title[1:])}
    double = {'"': "&quot;"}
    ways: tuple[dict[str, str], ...] = ({}, double, {**double, "'": "&#039;"})
    texts = {escape(title, quotes) for title in cased for quotes in ways} | cased
    return frozenset(text.encode() for text in texts)
