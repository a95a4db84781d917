"""Multistream dumps with their index: the pages of some titles, without unpacking the rest."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from imagewikiqa.builders.dump import Header, damaged, read_header
from imagewikiqa.builders.dump_index import ADVICE, IndexSearch, Listed
from imagewikiqa.builders.packed import inflate
from imagewikiqa.builders.raw import RawPage
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.progress import Progress, Silent
from imagewikiqa.core.spread import spread

_SPREAD_ABOVE = 64  # streams; fewer are read before worker processes have started


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search of a dump gave."""

    pages: tuple[RawPage, ...]  # in the order of the dump
    others: tuple[Listed, ...]  # the first pages of the index that nobody asked for
    listed: int  # pages of the whole index
    language: str


def find_pages(
    dump: Path,
    index: Path,
    titles: Iterable[str],
    *,
    besides: Iterable[str] = (),
    listing: int = 0,
    workers: int = 1,
    progress: Progress | None = None,
) -> Found:
    """Return the pages that have some titles, by unpacking only the streams that hold them.

    Titles are as `normal_title` gives them; redirects come as they are. `listing` of the pages
    asked for neither now nor `besides` are named. Memory holds the found pages alone. Raises
    ToolkitError where dump and index disagree or one is damaged.
    """
    watcher = progress or Silent()
    with damaged(dump):
        header = read_header(dump)
    if header is None:
        raise ToolkitError(
            f"the dump {dump.name} is not made of streams of whole pages, as its index "
            f"{index.name} says: {ADVICE}"
        )
    search = IndexSearch(titles, besides, listing)
    search.scan(index, watcher)
    tasks = [
        _Wanted(offset, tuple(pages), index.name) for offset, pages in sorted(search.found.items())
    ]
    pages = tuple(_read_all(header, tasks, workers, watcher))
    others = tuple(search.others)
    language = header.parser().language
    return Found(pages=pages, others=others, listed=search.listed, language=language)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A stream of the dump and the pages that the index says it holds."""

    offset: int
    pages: tuple[Listed, ...]
    index: str


def _read_all(
    header: Header, tasks: list[_Wanted], workers: int, watcher: Progress
) -> Iterator[RawPage]:
    watcher.begin("dump streams", len(tasks), 0)
    try:
        spread_over = workers if len(tasks) > _SPREAD_ABOVE else 1
        for pages in spread(partial(_read_stream, header), tasks, spread_over):
            yield from pages
            watcher.advance(1)
    finally:
        watcher.end()


def _read_stream(header: Header, wanted: _Wanted) -> tuple[RawPage, ...]:
    """Return the wanted pages of one stream; raise ToolkitError where one is not in it."""
    dump = header.path
    size = dump.stat().st_size
    if not header.end <= wanted.offset < size:
        raise ToolkitError(
            f"the index {wanted.index} says that a stream begins at byte {wanted.offset:,} of "
            f"{dump.name}, whose pages are in bytes {header.end:,} to {size:,}: {ADVICE}"
        )
    left = set(wanted.pages)
    found: list[RawPage] = []
    instead: dict[int | None, str] = {}
    for page in _stream_pages(header, wanted):
        key = Listed(page.page_id or 0, page.title)
        if key in left:
            left.remove(key)
            found.append(page)
            if not left:
                return tuple(found)
        elif any(page.page_id == one.page_id for one in left):
            instead[page.page_id] = page.title
    missing = min(left, key=lambda one: one.page_id)
    told = instead.get(missing.page_id)
    raise ToolkitError(
        f"the index {wanted.index} says that {missing.title!r} (page {missing.page_id}) is in the "
        f"stream at byte {wanted.offset:,} of {dump.name}, and "
        f"{f'that page is {told!r} there' if told else 'it is not there'}: {ADVICE}"
    )


def _stream_pages(header: Header, wanted: _Wanted) -> Iterator[RawPage]:
    place = f" of the stream at byte {wanted.offset:,}"
    parser = header.parser(place)
    with header.path.open("rb") as stream, damaged(header.path, place):
        stream.seek(wanted.offset)
        if stream.read(3) != b"BZh":
            raise ToolkitError(
                f"the index {wanted.index} says that a stream begins at byte {wanted.offset:,} "
                f"of {header.path.name}, and none does: {ADVICE}"
            )
        stream.seek(wanted.offset)
        with closing(inflate(stream, one=True)) as pieces:
            for piece in pieces:
                parser.feed(piece)
                yield from parser.drain()
    if parser.depth > 1:
        raise ToolkitError(
            f"the dump {header.path.name} has a stream that ends within a page{place}: {ADVICE}"
        )
