"""From a reply to what became of each title: spelling, redirects, section, kind of page."""

import unicodedata
from typing import Any

from imagewikiqa.builders.wiki.records import Fate, Outcome
from imagewikiqa.builders.wiki.replies import Json, flag, pages, steps
from imagewikiqa.builders.wiki.settings import Site

# Wikis without the Disambiguator extension mark such pages by a template and its category.
_CATEGORIES = (
    "Category:Disambiguation pages",
    "Category:All disambiguation pages",
    "Category:All article disambiguation pages",
)
_TEMPLATES = (
    "Template:Disambiguation",
    "Template:Disambig",
    "Template:Dab",
    "Template:Hndis",
    "Template:Geodis",
)
_UNFIT = frozenset("<>[]|{}\x7f\ufffd")


def params(site: Site) -> dict[str, str | int]:
    """Return what to ask about titles so that `fate` can tell what became of them."""
    asked: dict[str, str | int] = {
        "prop": "info|pageprops",
        "ppprop": "disambiguation|wikibase_item|wikibase-shortdesc",
        "redirects": 1,
    }
    if site.is_wikimedia:
        return asked
    return asked | {
        "prop": "info|pageprops|categories|templates",
        "clcategories": "|".join(_CATEGORIES),
        "cllimit": "max",
        "tltemplates": "|".join(_TEMPLATES),
        "tllimit": "max",
    }


def fit(name: str) -> bool:
    """Say whether a title can be sent among others; the wiki itself judges what can be."""
    # Not str.isprintable(): Persian and Indic titles hold joiners, which print nothing.
    return bool(name) and not any(
        c in _UNFIT or unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in name
    )


def merge(whole: Json, part: Json) -> None:
    """Add one reply's `query` to those before it: lists grow, pages gain what they lacked."""
    for key, value in part.items():
        if key == "pages":
            _merge_pages(whole.setdefault("pages", []), pages(part))
        elif isinstance(value, list):
            known = whole.setdefault(key, [])
            known += [entry for entry in value if entry not in known]
        else:
            whole.setdefault(key, value)


def _merge_pages(whole: list[Json], part: list[Json]) -> None:
    known = {page.get("title"): page for page in whole}
    for page in part:
        old = known.get(page.get("title"))
        if old is None:
            whole.append(dict(page))
            continue
        for key, value in page.items():
            if isinstance(value, list) and isinstance(old.get(key), list):
                old[key] = old[key] + value
            else:
                old.setdefault(key, value)


def page_of(query: Json, name: str) -> Json | None:
    """Return the existing page that a sent title leads to, None without one."""
    way = _Way(query, name)
    page = way.page
    return None if page is None or flag(page, "missing") or flag(page, "invalid") else page


def fate(query: Json, asked: str, name: str) -> Fate:
    """Return what a reply says about a title asked, sent as `name`."""
    if not fit(name):
        return Fate(asked=asked, outcome="invalid title", title=asked, normalized=name)
    way = _Way(query, name)
    page = way.page or {}
    properties: dict[str, Any] = page.get("pageprops") or {}
    outcome = _outcome(way, properties)
    exists = outcome in ("page", "disambiguation page", "not an article")
    return Fate(
        asked=asked,
        outcome=outcome,
        title=str(page.get("title", way.end)),
        normalized=way.start,
        redirects=way.passed,
        fragment=way.fragment or asked.partition("#")[2].strip(),
        page_id=page.get("pageid") if exists else None,
        revision_id=page.get("lastrevid") if exists else None,
        namespace=int(page.get("ns", 0)),
        length=page.get("length") if exists else None,
        description=str(properties.get("wikibase-shortdesc", "")),
        wikibase_item=str(properties.get("wikibase_item", "")),
    )


def last_event(reply: Json) -> str:
    """Return the last move or deletion in a list of log events, in words; "" without one."""
    for event in reply.get("query", {}).get("logevents", []):
        kind, action = event.get("type"), event.get("action")
        day = str(event.get("timestamp", ""))[:10]
        if kind == "move":
            target = (event.get("params") or {}).get("target_title", "another title")
            return f"moved to {target} on {day}"
        if kind == "delete" and action in ("delete", "delete_redir", "delete_redir2"):
            return f"deleted on {day}"
    return ""


def _outcome(way: "_Way", properties: dict[str, Any]) -> Outcome:
    page = way.page
    if page is None and way.interwiki:
        return "on another wiki"
    if page is None:
        return "redirect loop" if way.end in way.passed else "not answered"
    if flag(page, "invalid"):
        return "invalid title"
    if int(page.get("ns", 0)) != 0:
        return "not an article"
    if flag(page, "missing"):
        return "missing page"
    marked = "disambiguation" in properties or page.get("categories") or page.get("templates")
    named = str(page.get("title", "")).endswith("(disambiguation)")
    return "disambiguation page" if marked or named else "page"


class _Way:
    """The way from a sent title through spelling and redirects to a page."""

    def __init__(self, query: Json, name: str) -> None:
        start = name
        for kind in ("normalized", "converted"):
            step = steps(query, kind).get(start)
            start = str(step["to"]) if step and "to" in step else start
        self.start = self.end = start
        self.fragment = ""
        passed: list[str] = []
        redirects = steps(query, "redirects")
        while self.end in redirects and self.end not in passed:
            step = redirects[self.end]
            passed.append(self.end)
            self.end = str(step.get("to", ""))
            self.fragment = str(step.get("tofragment", ""))
        self.passed = tuple(passed)
        by_title = {str(page.get("title")): page for page in pages(query)}
        self.page = None if self.end in passed else by_title.get(self.end)
        self.interwiki = any(
            str(entry.get("title")) == self.end for entry in query.get("interwiki", [])
        )
