"""An encyclopedia read from the pages of a dump or a folder."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from imagewikiqa.builders.matching import Source
from imagewikiqa.builders.raw import RawPage, is_disambiguation, normal_title
from imagewikiqa.builders.resolve.knowledge import Found
from imagewikiqa.builders.wikitext import clean
from imagewikiqa.core.progress import Silent
from imagewikiqa.core.records import Reject

HOPS = 4  # of redirects; MediaWiki itself follows one
_CATEGORY = re.compile(r"\[\[\s*(?:Category|Kategorie|Catégorie|Categoría)\s*:\s*([^\]|\n]+)", re.I)
_DESCRIPTION = re.compile(r"\{\{\s*short description\s*\|\s*([^{}|]+)", re.I)
_LINK = re.compile(r"^[*#:]+[^\n\[]*\[\[([^\]|#\n]+)", re.M)
_FRAGMENT = re.compile(r"\A[^\[]*\[\[[^\]|#\n]*#([^\]|\n]+)")
_HEADING = re.compile(r"^==", re.M)


class FromPages:
    """Knowledge from pages that can be read again and again: a list or a `builders.pages.Source`.

    Each call for titles reads the pages until no redirect is left to follow, or where a dump has
    an index only those asked for; only they are held. There is no full-text search.
    """

    def __init__(self, pages: Iterable[RawPage | Reject]) -> None:
        if isinstance(pages, Iterator):
            raise TypeError("the pages are read more than once: give a list or a Source")
        self._pages = pages
        self._held: dict[str, RawPage] = {}
        self._absent: set[str] = set()

    def look_up(self, titles: Sequence[str]) -> dict[str, Found]:
        """Return what exact titles lead to, redirects followed."""
        self._hold({normal_title(title) for title in titles})
        found = {title: self._found(normal_title(title)) for title in titles}
        return {title: page for title, page in found.items() if page is not None}

    def describe(self, titles: Sequence[str]) -> dict[str, Found]:
        """Return leads, categories and short descriptions, read from the wikitext."""
        self._hold({normal_title(title) for title in titles})
        pages = {title: self._held.get(normal_title(title)) for title in titles}
        return {title: described(page) for title, page in pages.items() if page is not None}

    def search(self, text: str) -> list[str]:
        """Return nothing: pages in a file have no index."""
        return []

    def links(self, title: str) -> list[str]:
        """Return the first link of each line of a list page, in order."""
        page = self._held.get(normal_title(title))
        found = _LINK.findall(page.wikitext) if page is not None else []
        return list(dict.fromkeys(normal_title(link) for link in found if ":" not in link))

    def _hold(self, titles: set[str]) -> None:
        """Read the pages until each title, and what it redirects to, is held or known absent."""
        wanted = titles - self._held.keys() - self._absent
        for _ in range(HOPS + 1):
            if not wanted:
                return
            for page in self._read(wanted):
                if isinstance(page, RawPage) and page.namespace == 0:
                    name = normal_title(page.title)
                    if name in wanted:
                        self._held.setdefault(name, page)
            self._absent |= wanted - self._held.keys()
            targets = {normal_title(p.redirect) for p in self._held.values() if p.redirect}
            wanted = targets - self._held.keys() - self._absent

    def _read(self, wanted: set[str]) -> Iterable[RawPage | Reject]:
        """Return the pages with some titles where the source has an index, else all pages."""
        if isinstance(self._pages, Source) and self._pages.find is not None:
            return self._pages.find(sorted(wanted), besides=(), listing=0, progress=Silent()).pages
        return self._pages

    def _found(self, title: str) -> Found | None:
        page, fragment = self._held.get(title), None
        for _ in range(HOPS):
            if page is None or page.redirect is None:
                break
            section = _FRAGMENT.match(page.wikitext)
            fragment = section[1].strip() if section else fragment
            page = self._held.get(normal_title(page.redirect))
        if page is None or page.redirect is not None:
            return None
        redirected = title if normal_title(page.title) != title else None
        return replace(_bare(page), redirected_from=redirected, fragment=fragment)


def described(page: RawPage) -> Found:
    """Return an article with what its wikitext says of it."""
    short = _DESCRIPTION.search(page.wikitext)
    return replace(
        _bare(page),
        lead=clean(_HEADING.split(page.wikitext, maxsplit=1)[0]).text.partition("Infobox\n\n")[0],
        categories=tuple(c.strip() for c in _CATEGORY.findall(page.wikitext)),
        description=short[1].strip() if short else "",
    )


def _bare(page: RawPage) -> Found:
    return Found(
        title=normal_title(page.title),
        is_disambiguation=is_disambiguation(page),
        page_id=page.page_id,
        revision_id=page.revision_id,
    )
