"""MediaWiki's XML export, turned into pages as its bytes arrive, in bounded memory."""

import re
from collections import deque
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit
from xml.parsers import expat

from imagewikiqa.builders.raw import RawPage, licence_at, permanent_link, redirect_target
from imagewikiqa.core.errors import ToolkitError

TEXT_LIMIT = 32 * 1024 * 1024  # characters; MediaWiki itself stops at 2 MiB
_WHOLE = re.compile(r"-?[0-9]{1,18}")
DEPTH_LIMIT = 32  # elements within elements; MediaWiki writes six


class _Element:
    """A place in the tree of elements: what lies below it, and what is done with it."""

    __slots__ = ("below", "kept", "told")

    def __init__(self, kept: str = "", told: bool = False, **below: "_Element") -> None:
        self.below: Final = below
        self.kept: Final = kept  # the name under which its text is kept
        self.told: Final = told  # whether its beginning matters


_OTHER = _Element()
_REDIRECT = _Element(told=True)
# Elements that no one needs are here too: to look up a name is quicker than to find it unknown.
_REVISION = _Element(
    id=_Element("revision"),
    timestamp=_Element("timestamp"),
    text=_Element("text"),
    contributor=_Element(username=_OTHER, id=_OTHER, ip=_OTHER),
    parentid=_OTHER,
    minor=_OTHER,
    comment=_OTHER,
    origin=_OTHER,
    model=_OTHER,
    format=_OTHER,
    sha1=_OTHER,
)
_PAGE = _Element(
    told=True,
    title=_Element("title"),
    ns=_Element("ns"),
    id=_Element("page"),
    redirect=_REDIRECT,
    revision=_REVISION,
    restrictions=_OTHER,
)
_ROOT = _Element(told=True, page=_PAGE, siteinfo=_Element(base=_Element("base")))
_FILE = _Element(mediawiki=_ROOT)


class PageParser:
    """Takes the XML of one export piece by piece; holds one unfinished page at a time."""

    def __init__(self, name: str, place: str = "") -> None:
        """Parse the file of that name; `place` says in errors which part of it this is."""
        self._name = name
        self._place = place
        self._source = f"dump:{name}"
        self._pages: deque[RawPage] = deque()
        self._above: list[_Element] = []
        self._here = _FILE
        self._text: list[str] = []
        self._size = 0
        self._values: dict[str, str] = {}
        self._redirect: str | None = None
        self._line = 0
        self._site = "https://en.wikipedia.org"
        self.language = "en"
        self._take = self._characters
        self._parser = self._make_parser()
        self.bytes_read = 0

    def _make_parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.buffer_size = 1 << 16
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = self._refuse_doctype
        return parser

    @property
    def depth(self) -> int:
        """Return how many elements are open: 1 between two pages, 0 after the last tag."""
        return len(self._above)

    def feed(self, chunk: bytes) -> None:
        """Parse more of the file; raise ToolkitError where it is not well-formed."""
        self._parse(chunk, False)
        self.bytes_read += len(chunk)
        if self.bytes_read - self._parser.CurrentByteIndex > TEXT_LIMIT:
            raise self._error(
                f"has a tag or comment of more than {TEXT_LIMIT:,} bytes",
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
            f"the dump {self._name} {what} at line {line:,}, byte {byte:,} of the XML"
            f"{self._place}: {advice}"
        )

    def _refuse_doctype(self, *_: object) -> None:
        raise self._error(
            "declares a document type", "MediaWiki writes none; use the file as it was published"
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._above.append(self._here)
        here = self._here.below.get(name)
        if here is None:
            here = self._unknown(name)
        self._here = here
        if here.kept:
            self._parser.CharacterDataHandler = self._take
        elif here.told:
            self._begin(here, attributes)

    def _unknown(self, name: str) -> _Element:
        """Return what an element is that stands where none of its name is expected."""
        local = name.rpartition(":")[2]
        if local != name and local in self._here.below:
            return self._here.below[local]
        if self._here is _FILE:
            raise self._error(
                f"is not a MediaWiki export: its first element is <{name}>",
                "give a pages-articles file (.xml, .xml.bz2 or .xml.gz)",
            )
        if self._here.kept:
            raise self._error(
                f"has an element <{name}> within a text or number",
                "MediaWiki writes none there; the file is damaged",
            )
        if len(self._above) > DEPTH_LIMIT:
            raise self._error(
                f"has more than {DEPTH_LIMIT} elements within each other",
                "no export is nested so deep; the file is damaged",
            )
        return _OTHER

    def _begin(self, here: _Element, attributes: dict[str, str]) -> None:
        if here is _PAGE:
            self._values, self._redirect = {}, None
            self._line = self._parser.CurrentLineNumber
        elif here is _REDIRECT:
            self._redirect = attributes.get("title")
        else:
            self.language = attributes.get("xml:lang", "en")
            self._site = f"https://{self.language}.wikipedia.org"

    def _characters(self, data: str) -> None:
        self._size += len(data)
        if self._size > TEXT_LIMIT:
            raise self._error(
                f"has a text of more than {TEXT_LIMIT:,} characters",
                "no article is that long; the file is damaged",
            )
        self._text.append(data)

    def _end(self, _: str) -> None:
        here = self._here
        if here.kept:
            self._parser.CharacterDataHandler = None
            self._keep(here.kept, "".join(self._text))
            self._text.clear()
            self._size = 0
        elif here is _PAGE:
            self._pages.append(self._page())
        self._here = self._above.pop()

    def _keep(self, field: str, text: str) -> None:
        if field == "base":
            parts = urlsplit(text.strip())
            if parts.scheme in ("http", "https") and parts.netloc:
                self._site = f"https://{parts.netloc}"
        else:
            self._values[field] = text

    def _number(self, field: str, tag: str) -> int | None:
        text = self._values.get(field, "").strip()
        if not text:
            return None
        if not _WHOLE.fullmatch(text):
            raise self._error(f"has {text[:40]!r} as a number in <{tag}>", "the file is damaged")
        return int(text)

    def _page(self) -> RawPage:
        values, revision = self._values, self._number("revision", "page/revision/id")
        title = values.get("title", "").strip()
        if not title:
            raise self._error(
                f"has a page without a title that begins at line {self._line:,} and ends",
                "the file is damaged",
            )
        wikitext = values.get("text", "")
        timestamp = values.get("timestamp", "").strip() or None
        return RawPage(
            title=title,
            page_id=self._number("page", "page/id"),
            revision_id=revision,
            timestamp=timestamp,
            wikitext=wikitext,
            redirect=self._redirect or redirect_target(wikitext),
            namespace=self._number("ns", "page/ns") or 0,
            source=self._source,
            url=permanent_link(self._site, title, revision),
            language=self.language,
            license=licence_at(timestamp),
        )
