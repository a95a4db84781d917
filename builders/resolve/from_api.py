"""An encyclopedia asked over MediaWiki's action API."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from imagewikiqa.builders.resolve.knowledge import Found
from imagewikiqa.builders.wiki.records import Fate

HITS = 10  # of one search


class Asking(Protocol):
    """What is asked of `builders.wiki.api.WikiApi`."""

    def look_up(self, titles: Sequence[str]) -> Mapping[str, Fate]:
        """Return what became of titles."""

    def leads(self, titles: Sequence[str]) -> Mapping[str, str]:
        """Return introductions as plain text."""

    def categories(self, titles: Sequence[str]) -> Mapping[str, Sequence[str]]:
        """Return the categories of pages."""

    def search(self, text: str, n: int) -> Sequence[str]:
        """Return titles that a search finds; never an auto-suggestion of another word."""

    def links(self, title: str) -> Sequence[str]:
        """Return the articles that a page links to."""


class FromApi:
    """Knowledge from a wiki, many titles to a request; all answers stay in the API's store."""

    def __init__(self, api: Asking) -> None:
        self._api = api
        self._known: dict[str, Found] = {}

    def look_up(self, titles: Sequence[str]) -> dict[str, Found]:
        """Return what titles lead to; missing, invalid and foreign titles are left out."""
        found = {title: _found(fate) for title, fate in self._api.look_up(titles).items()}
        pages = {title: page for title, page in found.items() if page is not None}
        self._known.update((page.title, page) for page in pages.values())
        return {title: pages[title] for title in titles if title in pages}

    def describe(self, titles: Sequence[str]) -> dict[str, Found]:
        """Return introductions, visible categories and the short descriptions of the wiki."""
        if not titles:
            return {}
        leads, categories = self._api.leads(titles), self._api.categories(titles)
        return {
            title: Found(
                title=title,
                lead=leads.get(title, ""),
                categories=tuple(categories.get(title, ())),
                description=self._known[title].description if title in self._known else "",
            )
            for title in titles
        }

    def search(self, text: str) -> Sequence[str]:
        """Return the titles of a full-text search."""
        return self._api.search(text, HITS)

    def links(self, title: str) -> Sequence[str]:
        """Return the articles that a disambiguation page links to."""
        return self._api.links(title)


def _found(fate: Fate) -> Found | None:
    if fate.outcome not in ("page", "disambiguation page"):
        return None
    return Found(
        title=fate.title,
        redirected_from=fate.redirects[0] if fate.redirects else None,
        fragment=fate.fragment or None,
        is_disambiguation=fate.outcome == "disambiguation page",
        page_id=fate.page_id,
        revision_id=fate.revision_id,
        description=fate.description,
    )
