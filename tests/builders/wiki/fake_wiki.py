"""A wiki in memory that answers the action API like the real one, for tests without a server."""

import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from imagewikiqa.builders.wiki.api import WikiApi, open_store
from imagewikiqa.builders.wiki.limiter import Limiter
from imagewikiqa.builders.wiki.settings import Limits, Site

HOST = "wiki.test"
CONTACT = "operator@lab.test"
FAST = Limits(per_second=2000.0, backoff=0.001, longest_backoff=0.01, pause=0.02)
# Give an answer, or do something and let the wiki give its own.
Answer = Callable[[httpx.Request], httpx.Response | None]


@dataclass
class FakeWiki:
    """Pages by title, redirects by title, and faults to inject before an answer."""

    texts: dict[str, str] = field(default_factory=dict)
    redirects: dict[str, str] = field(default_factory=dict)  # "Target" or "Target#Section"
    faults: list[Answer] = field(default_factory=list)
    properties: dict[str, dict[str, str]] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    log: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    served: list[int] = field(default_factory=list)  # revisions whose text was sent
    per_answer: int = 50  # revisions with text in one answer; the rest is continued
    lock: threading.Lock = field(default_factory=threading.Lock)

    def revision_of(self, title: str) -> int:
        return 1000 + [*self.texts].index(title)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            self.requests.append(request)
            fault = self.faults.pop(0) if self.faults else None
        if fault is not None and (answer := fault(request)) is not None:
            return answer
        with self.lock:
            query = dict(request.url.params)
            if query.get("list") == "logevents":
                return reply({"logevents": self.log.get(query["letitle"], [])})
            if query.get("prop") == "revisions":
                return self._revisions(query)
            return self._titles(query)

    def _titles(self, query: dict[str, str]) -> httpx.Response:
        normalized, followed, pages = [], [], {}
        for name in query["titles"].split("|"):
            title = name[:1].upper() + name[1:]
            if title != name:
                normalized.append({"fromencoded": False, "from": name, "to": title})
            passed: set[str] = set()
            while title in self.redirects and title not in passed:
                passed.add(title)
                target, _, section = self.redirects[title].partition("#")
                step = {"from": title, "to": target}
                followed.append(step | ({"tofragment": section} if section else {}))
                title = target
            if title not in passed:
                pages[title] = self._page(title)
        return reply({"normalized": normalized, "redirects": followed, "pages": [*pages.values()]})

    def _page(self, title: str) -> dict[str, Any]:
        space = 6 if title.startswith("File:") else 0
        if title not in self.texts:
            return {"ns": space, "title": title, "missing": True}
        number = self.revision_of(title)
        page = {"pageid": number - 900, "ns": space, "title": title, "lastrevid": number}
        properties = self.properties.get(title)
        return (
            page
            | {"length": len(self.texts[title].encode())}
            | ({"pageprops": properties} if properties else {})
        )

    def _revisions(self, query: dict[str, str]) -> httpx.Response:
        ids = [int(part) for part in query["revids"].split("|")]
        start = int(query.get("rvcontinue", 0))
        titles = {self.revision_of(title): title for title in self.texts}
        bad = {str(n): {"revid": n, "missing": True} for n in ids if n not in titles}
        bad |= {str(n): {"revid": n, "missing": True} for n in ids if n in self.deleted}
        good = [n for n in ids if str(n) not in bad]
        pages = []
        for position, number in enumerate(good):
            title = titles[number]
            page = {"pageid": number - 900, "ns": 0, "title": title}
            if start <= position < start + self.per_answer:
                page["revisions"] = [self._revision(number, self.texts[title])]
                self.served.append(number)
            pages.append(page)
        more = start + self.per_answer
        again = {"rvcontinue": str(more), "continue": "||"} if more < len(good) else None
        return reply({"badrevids": bad, "pages": pages} if bad else {"pages": pages}, again)

    def _revision(self, number: int, text: str) -> dict[str, Any]:
        sha1 = hashlib.sha1(text.encode()).hexdigest()
        slot = {"contentmodel": "wikitext", "contentformat": "text/x-wiki", "sha1": sha1}
        return {
            "revid": number,
            "parentid": number - 1,
            "timestamp": "2024-05-01T10:00:00Z",
            "sha1": sha1,
            "slots": {"main": slot | {"content": text}},
        }

    def api(self, folder: Path, site: Site | None = None, since: str = "") -> WikiApi:
        """Return a client of this wiki whose store and limits lie in a folder."""
        used = site or fake_site()
        return WikiApi(
            used,
            open_store(folder / "store.sqlite"),
            limiter=Limiter(used.pool, used.limits, folder / "limits"),
            inner=httpx.MockTransport(self),
            since=since,
        )


def fake_site(**changes: Any) -> Site:
    """Return the fake wiki's address with limits that waste no time."""
    given: dict[str, Any] = {"api": f"http://{HOST}/w/api.php", "contact": CONTACT, "limits": FAST}
    return Site(**(given | changes))


def reply(query: dict[str, Any], again: dict[str, str] | None = None) -> httpx.Response:
    """Return a reply of the API in format version 2."""
    body: dict[str, Any] = {"batchcomplete": True, "query": query}
    return as_json(body | ({"continue": again} if again else {}))


def as_json(body: object, status: int = 200, **headers: str) -> httpx.Response:
    """Return an answer with a JSON body."""
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    return httpx.Response(
        status, content=json.dumps(body, ensure_ascii=False).encode(), headers=named
    )
