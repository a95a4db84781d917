"""MediaWiki XML dumps (plain, bz2 or gz), read one page at a time in bounded memory."""

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO

from imagewikiqa.builders.packed import Slice, contents, first_stream, inflate, stream_starts
from imagewikiqa.builders.raw import RawPage, licence_at, permanent_link
from imagewikiqa.builders.xml_pages import PageParser
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.progress import Progress, Silent
from imagewikiqa.core.spread import spread

__all__ = ["Header", "damaged", "licence_at", "permanent_link", "read_dump", "read_header"]

_HEADER_LIMIT = 4 << 20  # bytes of XML before the first page; enwiki's are under 4,000
_SPAN = 1 << 19  # packed bytes given to a worker at a time, a few streams of 100 pages
_XML_LIMIT = 1 << 25  # bytes of XML whose pages a worker may hold


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The first stream of a multistream dump: what stands before the pages, and where they are."""

    path: Path
    xml: bytes
    end: int  # byte of the file at which the streams of pages begin

    def parser(self, place: str = "") -> PageParser:
        """Return a parser that has read the header; `place` is told in errors."""
        parser = PageParser(self.path.name, place)
        parser.feed(self.xml)
        return parser


def read_dump(
    path: Path, *, workers: int = 1, progress: Progress | None = None
) -> Iterator[RawPage]:
    """Yield the pages of a dump in order, each with its last revision.

    A multistream dump is unpacked and parsed by `workers` processes; any other is read by this
    one. `progress` is told bytes of the file. Raises ToolkitError for a file that is missing, cut,
    damaged, or not a MediaWiki export; document types and entity declarations are refused, so
    nothing can expand.
    """
    watcher = progress or Silent()
    with damaged(path):
        header = read_header(path) if workers > 1 else None
        watcher.begin("dump", path.stat().st_size, 0)
        try:
            if header is None:
                yield from _read_whole(path, watcher)
            else:
                yield from _read_streams(header, workers, watcher)
        finally:
            watcher.end()


def read_header(path: Path) -> Header | None:
    """Return the header of a multistream dump, None when the file is no such dump.

    Raises OSError or EOFError for a file that cannot be read.
    """
    if path.suffix != ".bz2":
        return None
    first = first_stream(path, _HEADER_LIMIT)
    if first is None or b"<page" in first[0] or next(stream_starts(path, first[1]), -1) != first[1]:
        return None
    with path.open("rb") as stream:
        stream.seek(first[1])
        begins = next(inflate(stream), b"").lstrip()
    # Other programs write many streams too, but cut them anywhere.
    aligned = begins.startswith((b"<page>", b"</mediawiki>"))
    return Header(path=path, xml=first[0], end=first[1]) if aligned else None


@contextmanager
def damaged(path: Path, where: str = "") -> Iterator[None]:
    """Turn what a missing, cut or damaged file raises into one sentence."""
    try:
        yield
    except (EOFError, zlib.error, OSError) as error:
        raise ToolkitError(
            f"cannot read the dump {path.name}{where} ({error}): "
            "the file is missing, cut or damaged; download it again and compare its checksum"
        ) from error


def _read_whole(path: Path, watcher: Progress) -> Iterator[RawPage]:
    parser = PageParser(path.name)
    with path.open("rb") as stream, damaged(path):
        told = 0
        for chunk in contents(path, stream):
            parser.feed(chunk)
            yield from parser.drain()
            told = _tell(watcher, stream, told)
        parser.close()
        yield from parser.drain()


def _tell(watcher: Progress, stream: BinaryIO, told: int) -> int:
    """Tell how far the file was read; return it."""
    at = stream.tell()
    if at > told:
        watcher.advance(at - told)
    return at


@dataclass(frozen=True, slots=True)
class _Span:
    """A run of whole streams: bytes of the file."""

    begin: int
    end: int
    last: bool


def _read_streams(header: Header, workers: int, watcher: Progress) -> Iterator[RawPage]:
    """Yield the pages that follow the header; a span too large for a worker is read here."""
    watcher.advance(header.end)
    for span, pages in spread(partial(_held_pages, header), _spans(header), workers):
        yield from _span_pages(header, span) if pages is None else pages
        watcher.advance(span.end - span.begin)


def _spans(header: Header) -> Iterator[_Span]:
    """Share out a file: streams together until they are large enough to be worth a task."""
    begin = header.end
    for start in stream_starts(header.path, header.end):
        if start - begin >= _SPAN:
            yield _Span(begin, start, False)
            begin = start
    yield _Span(begin, header.path.stat().st_size, True)


def _held_pages(header: Header, span: _Span) -> tuple[_Span, tuple[RawPage, ...] | None]:
    """Return the pages of a span, None where they are too many to hold at once."""
    parser = header.parser(_place(span))
    pages: list[RawPage] = []
    for page in _span_pages(header, span, parser):
        if parser.bytes_read > _XML_LIMIT:
            return span, None
        pages.append(page)
    return span, tuple(pages)


def _span_pages(header: Header, span: _Span, parser: PageParser | None = None) -> Iterator[RawPage]:
    """Yield the pages of a span; raise ToolkitError unless it holds whole ones."""
    parser = parser or header.parser(_place(span))
    with header.path.open("rb") as stream, damaged(header.path, _place(span)):
        for piece in inflate(Slice(stream, span.begin, span.end), strict=not span.last):
            parser.feed(piece)
            yield from parser.drain()
    if span.last:
        parser.close()
    elif parser.depth != 1:
        raise ToolkitError(
            f"the dump {header.path.name} has streams that hold no whole pages{_place(span)}: "
            "read it with --workers 1, or download it again and compare its checksum"
        )


def _place(span: _Span) -> str:
    return f" of the streams at bytes {span.begin:,} to {span.end:,}"
