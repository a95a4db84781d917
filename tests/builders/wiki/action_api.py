"""What MediaWiki's action API answers about a set of pages, as far as the client asks it."""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from .action_answer import SEVERAL, TOKENS, Answered, ApiError, limit_of
from .action_lists import backlinks, search, stubs_of
from .referee import Parameters
from .site_pages import SitePage, namespace_of, plain


class Site:
    """Pages by title, id and revision; `result_limit` is the most bytes of text in one answer."""

    def __init__(self, pages: Iterable[SitePage], *, result_limit: int = 8 << 20) -> None:
        self.result_limit = result_limit
        self.titles = {page.title: page for page in pages}
        self.revisions = {page.revision_id: page for page in self.titles.values()}
        self._ids = {page.page_id: page for page in self.titles.values()}
        self._log: dict[str, list[dict[str, Any]]] = {}
        self._props: dict[str, Callable[[Parameters, Answered, dict[int, Any]], None]] = {
            "info": self._info,
            "pageprops": self._pageprops,
            "revisions": self._revisions,
            "categories": self._categories,
            "links": self._links,
            "templates": self._templates,
            "langlinks": self._langlinks,
            "redirects": self._redirects,
            "extracts": self._extracts,
        }

    def move(self, old: str, new: str, *, revision_id: int, page_id: int) -> None:
        """Rename a page and leave a redirect, a page of its own, under the old name."""
        page = self.titles[old]
        moved = SitePage(
            page_id=page.page_id, title=new, revision_id=page.revision_id, wikitext=page.wikitext,
            timestamp=page.timestamp,
        )  # fmt: skip
        stub = SitePage(
            page_id=page_id, title=old, revision_id=revision_id, wikitext=f"#REDIRECT [[{new}]]"
        )
        for changed in (moved, stub):
            self.titles[changed.title] = changed
            self.revisions[changed.revision_id] = changed
            self._ids[changed.page_id] = changed
        event = {"type": "move", "action": "move", "timestamp": "2024-05-06T07:08:09Z"}
        self._log[old] = [{**event, "params": {"target_ns": 0, "target_title": new}}]

    def delete(self, title: str) -> None:
        """Remove a page and its revision."""
        page = self.titles.pop(title)
        del self.revisions[page.revision_id], self._ids[page.page_id]
        event = {"type": "delete", "action": "delete", "timestamp": "2024-05-06T07:08:09Z"}
        self._log[title] = [{**event, "params": {}}]

    def answer(self, parameters: Parameters) -> tuple[dict[str, Any], list[int]]:
        """Return the answer and the revisions whose text is in it; raise ApiError."""
        if parameters.get("action") != "query":
            action = parameters.get("action", "")
            raise ApiError("badvalue", f'Unrecognized value for parameter "action": {action}.')
        answered = Answered()
        self._resolve(parameters, answered)
        found: dict[int, Any] = {
            page.page_id: {"pageid": page.page_id, "ns": page.namespace, "title": page.title}
            for page in answered.pages
        }
        props = [name for name in parameters.get("prop", "").split("|") if name]
        finished = parameters.get("continue", "").partition("||")[2].split("|")
        for name in props:
            if name not in self._props:
                raise ApiError("strict", f"this server does not know prop={name}")
            if name not in finished:
                self._props[name](parameters, answered, found)
        if found or answered.unknown:
            answered.query["pages"] = [*answered.unknown, *found.values()]
        for name in [name for name in parameters.get("list", "").split("|") if name]:
            self._list(name, parameters, answered)
        running = {name for name in props if TOKENS.get(name) in answered.go_on}
        return answered.body(name for name in props if name not in running), answered.texts

    def _resolve(self, parameters: Parameters, answered: Answered) -> None:
        given = [k for k in ("titles", "pageids", "revids") if k in parameters]
        if len(given) > 1:
            raise ApiError("multisource", f"Cannot use {given} at the same time.")
        if not given:
            return
        values = list(dict.fromkeys(parameters[given[0]].split("|")))
        if len(values) > SEVERAL:
            raise ApiError("toomanyvalues", f'Too many values supplied for parameter "{given[0]}".')
        if given == ["titles"]:
            self._resolve_titles(values, answered, "redirects" in parameters)
        else:
            self._resolve_ids(given[0], values, answered)
        answered.pages.sort(key=lambda page: page.page_id)

    def _resolve_ids(self, kind: str, values: list[str], answered: Answered) -> None:
        table = self._ids if kind == "pageids" else self.revisions
        for value in map(int, values):
            if value in table:
                answered.pages.append(table[value])
            elif kind == "pageids":
                answered.unknown.append({"pageid": value, "missing": True})
            else:
                bad = answered.query.setdefault("badrevids", {})
                bad[str(value)] = {"revid": value, "missing": True}

    def _resolve_titles(self, values: list[str], answered: Answered, follow: bool) -> None:
        wanted: list[str] = []
        for value in values:
            name = re.sub(r"[\s_]+", " ", value.partition("#")[0]).strip()
            name = name[:1].upper() + name[1:]
            if not name or re.search(r"[<>\[\]{}]", name):
                reason = "The requested page title contains invalid characters."
                answered.unknown.append({"title": value, "invalidreason": reason, "invalid": True})
                continue
            if name != value:
                change = {"fromencoded": False, "from": value, "to": name}
                answered.query.setdefault("normalized", []).append(change)
            wanted.append(name)
        known: set[str] = set()
        while wanted:
            name = wanted.pop(0)
            page = self.titles.get(name)
            if name in known:
                continue
            known.add(name)
            if page is None:
                namespace = namespace_of(name)
                answered.unknown.append({"ns": namespace, "title": name, "missing": True})
            elif follow and page.redirect:
                target, section = page.redirect
                step = {"from": name, "to": target, **({"tofragment": section} if section else {})}
                answered.query.setdefault("redirects", []).append(step)
                wanted.append(target)
            else:
                answered.pages.append(page)

    def _info(self, parameters: Parameters, answered: Answered, found: dict[int, Any]) -> None:
        for page in answered.pages:
            told = found[page.page_id]
            told |= {
                "contentmodel": "wikitext", "pagelanguage": "en", "pagelanguagehtmlcode": "en",
                "pagelanguagedir": "ltr", "touched": page.timestamp,
                "lastrevid": page.revision_id, "length": len(page.wikitext.encode()),
            }  # fmt: skip
            if page.redirect:
                told["redirect"] = True
            if "url" in parameters.get("inprop", ""):
                told["fullurl"] = f"http://wiki.test/wiki/{page.title.replace(' ', '_')}"

    def _pageprops(self, parameters: Parameters, answered: Answered, found: dict[int, Any]) -> None:
        for page in answered.pages:
            if page.disambiguation:
                found[page.page_id]["pageprops"] = {"disambiguation": ""}

    def _revisions(self, parameters: Parameters, answered: Answered, found: dict[int, Any]) -> None:
        wanted = parameters.get("rvprop", "ids|timestamp").split("|")
        start, size = int(parameters.get("rvcontinue", "0")), 0
        for page in answered.pages:
            if page.page_id < start:
                continue
            text = len(page.wikitext.encode()) if "content" in wanted else 100
            if size and size + text > self.result_limit:
                answered.go_on["rvcontinue"] = str(page.page_id)
                words = "This result was truncated because it would otherwise be larger than the"
                answered.warnings["result"] = {"warnings": f"{words} limit."}
                found[page.page_id]["revisions"] = []  # as MediaWiki has it
                return
            size += text
            found[page.page_id]["revisions"] = [_revision(page, wanted)]
            if "content" in wanted:
                answered.texts.append(page.revision_id)

    def _items(
        self,
        token: str,
        name: str,
        parameters: Parameters,
        answered: Answered,
        items: Iterator[tuple[SitePage, str, dict[str, Any]]],
        found: dict[int, Any],
    ) -> None:
        """Hand out up to the limit of things that pages have, and say where to go on."""
        limit = limit_of(parameters.get(f"{token}limit"))
        after = parameters.get(f"{token}continue", "")
        listed = [
            (key if name == "redirects" else f"{page.page_id:09d}|{key}", page, item)
            for page, key, item in items
        ]
        listed = [entry for entry in sorted(listed, key=lambda e: e[0]) if entry[0] >= after]
        for _, page, item in listed[:limit]:
            found[page.page_id].setdefault(name, []).append(item)
        if len(listed) > limit:
            answered.go_on[f"{token}continue"] = listed[limit][0]

    def _categories(self, parameters: Parameters, answered: Answered, found: Any) -> None:
        only = _only(parameters, "clcategories")
        pairs = (
            (page, name) for page in answered.pages for name in page.categories() if only(name)
        )
        items = ((page, name, {"ns": 14, "title": name}) for page, name in pairs)
        self._items("cl", "categories", parameters, answered, items, found)

    def _links(self, parameters: Parameters, answered: Answered, found: Any) -> None:
        pairs = ((page, name) for page in answered.pages for name in page.links())
        items = ((page, name, {"ns": 0, "title": name}) for page, name in pairs)
        self._items("pl", "links", parameters, answered, items, found)

    def _templates(self, parameters: Parameters, answered: Answered, found: Any) -> None:
        only = _only(parameters, "tltemplates")
        pairs = ((page, name) for page in answered.pages for name in page.templates() if only(name))
        items = ((page, name, {"ns": 10, "title": name}) for page, name in pairs)
        self._items("tl", "templates", parameters, answered, items, found)

    def _langlinks(self, parameters: Parameters, answered: Answered, found: Any) -> None:
        pairs = ((page, pair) for page in answered.pages for pair in page.languages())
        items = ((page, lang, {"lang": lang, "title": title}) for page, (lang, title) in pairs)
        self._items("ll", "langlinks", parameters, answered, items, found)

    def _redirects(self, parameters: Parameters, answered: Answered, found: Any) -> None:
        items = (
            (page, f"{page.title}|{stub.page_id:09d}",
             {"pageid": stub.page_id, "ns": stub.namespace, "title": stub.title})
            for page in answered.pages
            for stub in stubs_of(self.titles.values(), page.title)
        )  # fmt: skip
        self._items("rd", "redirects", parameters, answered, items, found)

    def _extracts(self, parameters: Parameters, answered: Answered, found: dict[int, Any]) -> None:
        limit = 20 if "exintro" in parameters else 1
        if int(parameters.get("exlimit", "1").replace("max", "20")) > limit:
            words = '"exlimit" was too large for a whole article extracts request, lowered to 1.'
            answered.warnings["extracts"] = {"warnings": words}
        limit = min(limit, int(parameters.get("exlimit", "1").replace("max", "20")))
        start = int(parameters.get("excontinue", "0"))
        for page in answered.pages[start : start + limit]:
            whole = plain(page.wikitext)
            text = page.lead() if "exintro" in parameters else whole
            found[page.page_id]["extract"] = "" if page.redirect else text
        if len(answered.pages) > start + limit:
            answered.go_on["excontinue"] = start + limit

    def _list(self, name: str, parameters: Parameters, answered: Answered) -> None:
        if name == "search":
            search(self.titles.values(), parameters, answered)
        elif name == "backlinks":
            backlinks(self.titles.values(), parameters, answered)
        elif name == "logevents":
            events = self._log.get(parameters["letitle"], [])
            answered.query["logevents"] = events[: limit_of(parameters.get("lelimit"))]
        else:
            raise ApiError("strict", f"this server does not know list={name}")


def _only(parameters: Parameters, name: str) -> Callable[[str], bool]:
    wanted = parameters.get(name)
    return lambda title: wanted is None or title in wanted.split("|")


def _revision(page: SitePage, wanted: list[str]) -> dict[str, Any]:
    raw = page.wikitext.encode()
    told: dict[str, Any] = {"revid": page.revision_id, "parentid": 0} if "ids" in wanted else {}
    if "timestamp" in wanted:
        told["timestamp"] = page.timestamp
    if "size" in wanted:
        told["size"] = len(raw)
    if "sha1" in wanted:
        told["sha1"] = hashlib.sha1(raw).hexdigest()
    if "content" in wanted:
        main = {"contentmodel": "wikitext", "contentformat": "text/x-wiki"}
        told["slots"] = {"main": {**main, "content": page.wikitext}}
    return told
