"""MediaWiki XML dumps (plain, bz2 or gz), read one page at a time in bounded memory."""

import bz2
import gzip
import re
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import quote, urlsplit
from xml.parsers import expat

from imagewikiqa.builders.raw import RawPage, redirect_target
from imagewikiqa.core.errors import ToolkitError

_CHUNK = 1 << 18  # bytes of XML handed to the parser at a time
_TEXT_LIMIT = 32 * 1024 * 1024  # characters; MediaWiki itself stops at 2 MiB
_DEPTH_LIMIT = 32  # elements within elements; MediaWiki writes six
# Wikipedia's text is CC BY-SA 4.0 since this day, 3.0 before it.
_LICENCE_CHANGE = "2023-06-07"
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_KEPT = {
    "page/title", "page/ns", "page/id", "page/revision/id", "page/revision/timestamp",
    "page/revision/text", "siteinfo/base",
}  # fmt: skip


def read_dump(path: Path) -> Iterator[RawPage]:
    """Yield the pages of a dump in order, each with its last revision.

    Raises ToolkitError for a file that is missing, cut, damaged, or not a MediaWiki export;
    document types and entity declarations are refused, so nothing can expand.
    """
    reader = _Reader(path)
    try:
        with _open(path) as stream:
            while chunk := stream.read(_CHUNK):
                reader.feed(chunk)
                yield from reader.drain()
            reader.close()
            yield from reader.drain()
    except (EOFError, zlib.error, OSError) as error:
        raise ToolkitError(
            f"cannot read the dump {path.name} after {reader.bytes_read:,} bytes of XML ({error}): "
            "the file is missing, cut or damaged; download it again and compare its checksum"
        ) from error


def _open(path: Path) -> BinaryIO:
    if path.suffix == ".bz2":
        return cast(BinaryIO, bz2.open(path, "rb"))
    if path.suffix == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    return path.open("rb")


@dataclass(slots=True)
class _Draft:
    """A page while its elements arrive; the last revision overwrites earlier ones."""

    values: dict[str, str] = field(default_factory=dict)
    redirect: str | None = None
    line: int = 0


class _Reader:
    """Turns XML events into pages; holds one page at a time."""

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._pages: deque[RawPage] = deque()
        self._path: list[str] = []
        self._text: list[str] | None = None
        self._size = 0
        self._draft = _Draft()
        self._site = "https://en.wikipedia.org"
        self._language = "en"
        self.bytes_read = 0
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.buffer_size = 1 << 16
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        self._parser = parser

    def feed(self, chunk: bytes) -> None:
        """Parse more of the file; raise ToolkitError where it is not well-formed."""
        self._parse(chunk, False)
        self.bytes_read += len(chunk)
        if self.bytes_read - self._parser.CurrentByteIndex > _TEXT_LIMIT:
            raise self._error(
                f"has a tag or comment of more than {_TEXT_LIMIT:,} bytes",
                "no export holds one; the file is damaged",
            )

    def close(self) -> None:
        """Say that the file ended; raise ToolkitError when it ended too early."""
        self._parse(b"", True)

    def drain(self) -> Iterator[RawPage]:
        """Yield and forget the pages that are complete."""
        while self._pages:
            yield self._pages.popleft()

    def _parse(self, chunk: bytes, final: bool) -> None:
        try:
            self._parser.Parse(chunk, final)
        except expat.ExpatError as error:
            raise self._error(
                f"is not well-formed XML ({expat.ErrorString(error.code)})",
                "it may be cut, or not a dump; download it again and compare its checksum",
            ) from error

    def _error(self, what: str, advice: str) -> ToolkitError:
        line, byte = self._parser.CurrentLineNumber, self._parser.CurrentByteIndex
        return ToolkitError(
            f"the dump {self._name} {what} at line {line:,}, byte {byte:,} of the XML: {advice}"
        )

    def _refuse_doctype(self, *_: object) -> None:
        raise self._error(
            "declares a document type", "MediaWiki writes none; use the file as it was published"
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if not self._path:
            self._start_root(local, attributes)
        self._path.append(local)
        if len(self._path) > _DEPTH_LIMIT:
            raise self._error(
                f"has more than {_DEPTH_LIMIT} elements within each other",
                "no export is nested so deep; the file is damaged",
            )
        if local == "page" and len(self._path) == 2:
            self._draft = _Draft(line=self._parser.CurrentLineNumber)
        elif local == "redirect" and len(self._path) == 3:
            self._draft.redirect = attributes.get("title")
        if "/".join(self._path[1:]) in _KEPT:
            self._text, self._size = [], 0

    def _start_root(self, name: str, attributes: dict[str, str]) -> None:
        if name != "mediawiki":
            raise self._error(
                f"is not a MediaWiki export: its first element is <{name}>",
                "give a pages-articles file (.xml, .xml.bz2 or .xml.gz)",
            )
        self._language = attributes.get("xml:lang", "en")
        self._site = f"https://{self._language}.wikipedia.org"

    def _characters(self, data: str) -> None:
        if self._text is None:
            return
        self._size += len(data)
        if self._size > _TEXT_LIMIT:
            raise self._error(
                f"has a text of more than {_TEXT_LIMIT:,} characters",
                "no article is that long; the file is damaged",
            )
        self._text.append(data)

    def _end(self, name: str) -> None:
        if self._text is not None:
            self._keep("/".join(self._path[1:]), "".join(self._text))
            self._text = None
        self._path.pop()
        if len(self._path) == 1 and name.rpartition(":")[2] == "page":
            self._pages.append(self._page())

    def _keep(self, path: str, text: str) -> None:
        if path == "siteinfo/base":
            parts = urlsplit(text.strip())
            if parts.scheme in ("http", "https") and parts.netloc:
                self._site = f"https://{parts.netloc}"
        else:
            self._draft.values[path] = text

    def _number(self, path: str) -> int | None:
        text = self._draft.values.get(path, "").strip()
        if text and not _WHOLE.fullmatch(text):
            raise self._error(f"has {text[:40]!r} as a number in <{path}>", "the file is damaged")
        return int(text) if text else None

    def _page(self) -> RawPage:
        values, revision = self._draft.values, self._number("page/revision/id")
        title = values.get("page/title", "").strip()
        if not title:
            raise self._error(
                f"has a page without a title that begins at line {self._draft.line:,} and ends",
                "the file is damaged",
            )
        wikitext = values.get("page/revision/text", "")
        timestamp = values.get("page/revision/timestamp", "").strip() or None
        return RawPage(
            title=title,
            page_id=self._number("page/id"),
            revision_id=revision,
            timestamp=timestamp,
            wikitext=wikitext,
            redirect=self._draft.redirect or redirect_target(wikitext),
            namespace=self._number("page/ns") or 0,
            source=f"dump:{self._name}",
            url=permanent_link(self._site, title, revision),
            language=self._language,
            license=licence_at(timestamp),
        )


def permanent_link(site: str, title: str, revision_id: int | None) -> str:
    """Return the link to one revision of a page, or to the page when the revision is unknown."""
    link = f"{site}/w/index.php?title={quote(title.replace(' ', '_'), safe='():,!*')}"
    return link if revision_id is None else f"{link}&oldid={revision_id}"


def licence_at(timestamp: str | None) -> str:
    """Return the licence of Wikipedia's text at a time (ISO 8601)."""
    old = timestamp is not None and timestamp[:10] < _LICENCE_CHANGE
    return "CC-BY-SA-3.0" if old else "CC-BY-SA-4.0"
