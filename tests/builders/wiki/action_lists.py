"""The lists of the action API: search and links to a page."""

from collections.abc import Iterable
from typing import Any

from .action_answer import Answered, limit_of
from .referee import Parameters
from .site_pages import SitePage


def stubs_of(pages: Iterable[SitePage], title: str) -> list[SitePage]:
    """Return the redirects to a title, by page id."""
    stubs = [page for page in pages if page.redirect and page.redirect[0] == title]
    return sorted(stubs, key=lambda page: page.page_id)


def search(pages: Iterable[SitePage], parameters: Parameters, answered: Answered) -> None:
    """Answer list=search: pages that hold all words, by page id."""
    words = parameters["srsearch"].casefold().split()
    spaces = parameters.get("srnamespace", "0").split("|")
    hits = [
        page
        for page in sorted(pages, key=lambda page: page.page_id)
        if str(page.namespace) in spaces
        and all(word in f"{page.title} {page.wikitext}".casefold() for word in words)
    ]
    start, limit = int(parameters.get("sroffset", "0")), limit_of(parameters.get("srlimit"))
    if "totalhits" in parameters.get("srinfo", "totalhits"):
        answered.query["searchinfo"] = {"totalhits": len(hits)}
    answered.query["search"] = [named(page) for page in hits[start : start + limit]]
    if len(hits) > start + limit:
        answered.go_on["sroffset"] = start + limit


def backlinks(pages: Iterable[SitePage], parameters: Parameters, answered: Answered) -> None:
    """Answer list=backlinks: pages that link to a title, or redirect to it."""
    title = parameters["bltitle"]
    stubs = parameters.get("blfilterredir") == "redirects"
    linking = [page for page in pages if title in page.links()]
    pages = stubs_of(pages, title) if stubs else sorted(linking, key=lambda p: p.page_id)
    start = int(parameters.get("blcontinue", "0|0").partition("|")[2])
    limit = limit_of(parameters.get("bllimit"))
    answered.query["backlinks"] = [
        named(page) | ({"redirect": True} if page.redirect else {})
        for page in pages[start : start + limit]
    ]
    if len(pages) > start + limit:
        answered.go_on["blcontinue"] = f"0|{start + limit}"


def named(page: SitePage) -> dict[str, Any]:
    """Return a page as lists name it."""
    return {"ns": page.namespace, "title": page.title, "pageid": page.page_id}
