"""A client of MediaWiki's action API: titles, revisions, search, links, categories, leads."""

import contextlib
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import httpx

from imagewikiqa.builders.wiki import fates, replies
from imagewikiqa.builders.wiki.exact import REVISION, fetch_exact
from imagewikiqa.builders.wiki.limiter import Limiter
from imagewikiqa.builders.wiki.records import Fate
from imagewikiqa.builders.wiki.replies import Json
from imagewikiqa.builders.wiki.settings import BATCH, Site
from imagewikiqa.builders.wiki.side_by_side import side_by_side
from imagewikiqa.builders.wiki.store import ResponseStore, Revision
from imagewikiqa.builders.wiki.titles import batches, joined, spelled, whole
from imagewikiqa.builders.wiki.transport import PoliteTransport
from imagewikiqa.core.closing import Closing
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.progress import Progress, Silent

LOG = logging.getLogger(__name__)
Params = Mapping[str, str | int]
LEADS = 20  # introductions a request, the limit of the extension that makes them
ROUNDS = 10_000  # continuations of one request
WAVE = 12  # batches of revisions for which one process keeps others from asking for the same
_BASE: Params = {
    "action": "query",
    "format": "json",
    "formatversion": 2,
    "errorformat": "plaintext",
}


class WikiApi(Closing):
    """Asks one wiki; every answer comes from or goes into the store.

    Up to `limits.in_flight` requests run side by side. Titles may be written in any way: answers
    are filed under the titles as they were asked. Raises ToolkitError for what the wiki refuses.
    """

    def __init__(
        self,
        site: Site,
        store: ResponseStore,
        *,
        limiter: Limiter | None = None,
        inner: httpx.BaseTransport | None = None,
        since: str = "",
    ) -> None:
        """Use answers that the store got at or after `since` (ISO 8601), else ask the wiki."""
        self.site = site
        self.store = store
        self.since = since
        self.transport = PoliteTransport(
            site, limiter or Limiter(site.pool, site.limits), store=store, inner=inner, since=since
        )
        self._client = httpx.Client(transport=self.transport, timeout=site.limits.timeout)

    def close(self) -> None:
        """Close the connections; the store stays open."""
        self._client.close()

    def look_up(self, titles: Iterable[str], progress: Progress | None = None) -> dict[str, Fate]:
        """Return what the wiki says about titles: spelling, redirects, and what stands there."""
        host, asked = self.site.host, whole(titles)
        known = {title: self.store.fate(host, title, self.since) for title in asked}
        todo = sorted(title for title, fate in known.items() if fate is None)
        watcher = progress or Silent()
        watcher.begin("titles", len(asked), len(asked) - len(todo))
        try:
            for found in side_by_side(self._look_up_batch, batches(todo, BATCH), self.transport):
                known.update(found)
                watcher.advance(len(found))
        finally:
            watcher.end()
        return {title: fate for title, fate in known.items() if fate is not None}

    def _look_up_batch(self, titles: Sequence[str]) -> dict[str, Fate]:
        sent = {title: spelled(title) for title in titles}
        names = joined(sent.values())
        reply = self._merged({**fates.params(self.site), "titles": names}) if names else {}
        with self._understood():
            found = {title: fates.fate(reply, title, name) for title, name in sent.items()}
            if names and all(one.outcome == "not answered" for one in found.values()):
                raise ValueError("no title is answered")
        self.store.keep_fates(self.site.host, found.values())
        return found

    def fetch(self, revision_ids: Iterable[int], progress: Progress | None = None) -> None:
        """Bring revisions, or the reasons why there is no text, into the store.

        What the store has is not asked for again, by this process or another one.
        """
        ids = sorted(set(revision_ids))
        missing = [number for number in ids if not self.store.has(self.site.host, number)]
        watcher = progress or Silent()
        watcher.begin("revisions", len(ids), len(ids) - len(missing))
        try:
            for at in range(0, len(missing), BATCH * WAVE):
                self._fetch_wave(missing[at : at + BATCH * WAVE], watcher)
        finally:
            watcher.end()

    def _fetch_wave(self, ids: Sequence[int], watcher: Progress) -> None:
        with self.store.only_fetcher():
            left = [number for number in ids if not self.store.has(self.site.host, number)]
            watcher.advance(len(ids) - len(left))  # another process fetched them meanwhile
            parts = [left[at : at + BATCH] for at in range(0, len(left), BATCH)]
            for count in side_by_side(self._fetch_batch, parts, self.transport):
                watcher.advance(count)
            for number in left:
                if not self.store.has(self.site.host, number):
                    self.store.add([fetch_exact(self, number)])

    def _fetch_batch(self, ids: Sequence[int]) -> int:
        params: Params = {
            **REVISION,
            "revids": "|".join(map(str, ids)),
        }
        for _ in self.query(params):  # the store takes the texts out of each answer
            pass
        return len(ids)

    def raw_text(self, revision_id: int) -> bytes:
        """Return a revision's wikitext, byte for byte, by the page that gives it to browsers."""
        address = self.site.api.removesuffix("api.php") + "index.php"
        return self._answer(address, {"action": "raw", "oldid": revision_id}).content

    def revisions(self, revision_ids: Iterable[int]) -> Iterator[Revision]:
        """Fetch revisions and yield them in the order asked; `problem` says why one has no text."""
        ids = [*revision_ids]
        self.fetch(ids)
        for number in ids:
            yield self.store.revision(self.site.host, number)

    def search(self, text: str, n: int = 10) -> tuple[str, ...]:
        """Return up to `n` titles (at most 50) of articles in whose text the wiki finds words."""
        (words,) = whole([text])
        wanted = max(1, min(n, BATCH))
        params: Params = {
            "list": "search",
            "srsearch": words,
            "srwhat": "text",  # a wiki without CirrusSearch looks at titles alone when not told
            "srlimit": wanted,
            "srnamespace": 0,
            "srinfo": "",
            "srprop": "",
        }
        reply = self._get({**_BASE, **params})
        with self._understood():
            hits = reply.get("query", {}).get("search", [])
            return tuple(str(hit["title"]) for hit in hits)[:wanted]

    def links(self, title: str) -> tuple[str, ...]:
        """Return the articles that a page links to, by title; of a redirect, its target's."""
        params: Params = {"prop": "links", "pllimit": "max", "plnamespace": 0}
        page = self.pages([title], params).get(title, {})
        with self._understood():
            return tuple(str(link["title"]) for link in page.get("links", []))

    def categories(self, titles: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return the categories of pages, without those hidden from readers and the prefix."""
        params: Params = {"prop": "categories", "cllimit": "max", "clshow": "!hidden"}
        found = self.pages(titles, params)
        with self._understood():
            return {
                title: tuple(str(c["title"]).partition(":")[2] for c in page.get("categories", []))
                for title, page in found.items()
            }

    def leads(self, titles: Iterable[str]) -> dict[str, str]:
        """Return the introductions of articles as plain text, empty where there is none."""
        params: Params = {"prop": "extracts", "exintro": 1, "explaintext": 1, "exlimit": LEADS}
        found = self.pages(titles, params, batch=LEADS)
        return {title: str(page.get("extract", "")).strip() for title, page in found.items()}

    def last_events(
        self, titles: Iterable[str], progress: Progress | None = None
    ) -> dict[str, str]:
        """Say what the wiki's log last tells about titles: deleted or moved, when; "" if nothing.

        A page moved away without a redirect and a deleted page both look like one never written.
        The log takes one title a request.
        """
        asked = whole(titles)
        watcher = progress or Silent()
        watcher.begin("missing", len(asked), 0)
        found: dict[str, str] = {}
        try:
            for title, event in side_by_side(self._last_event, asked, self.transport):
                found[title] = event
                watcher.advance(1)
        finally:
            watcher.end()
        return found

    def _last_event(self, title: str) -> tuple[str, str]:
        params: Params = {
            "list": "logevents",
            "letitle": spelled(title),
            "lelimit": 50,
            "leprop": "type|timestamp|details",
        }
        reply = self._get({**_BASE, **params})
        with self._understood():
            return title, fates.last_event(reply)

    def pages(self, titles: Iterable[str], params: Params, batch: int = BATCH) -> dict[str, Json]:
        """Ask for properties of pages; return each page by the title asked, redirects followed.

        Lists that the wiki sends in parts are joined. Titles without a page are left out.
        """
        asked = sorted(whole(titles))
        found: dict[str, Json] = {}

        def ask(part: Sequence[str]) -> dict[str, Json]:
            sent = {title: spelled(title) for title in part}
            names = joined(sent.values())
            query = self._merged({**params, "titles": names, "redirects": 1}) if names else {}
            with self._understood():
                return {t: p for t, name in sent.items() if (p := fates.page_of(query, name))}

        for answer in side_by_side(ask, batches(asked, batch), self.transport):
            found.update(answer)
        return found

    def query(self, params: Params) -> Iterator[Json]:
        """Yield the `query` part of each reply, continuing until the wiki has said all."""
        more: dict[str, str] = {}
        seen: set[str] = set()
        for _ in range(ROUNDS):
            reply = self._get({**_BASE, **params, **more})
            query = reply.get("query")
            yield query if isinstance(query, dict) else {}
            again = reply.get("continue")
            if not isinstance(again, dict) or not again:
                return
            more = {str(key): str(value) for key, value in again.items()}
            token = repr(sorted(more.items()))
            if token in seen:
                break
            seen.add(token)
        raise ToolkitError(
            f"{self.site.host} never ends an answer (it continues at {str(more)[:100]} again):"
            " report it to the wiki, and leave the titles out meanwhile"
        )

    def _merged(self, params: Params) -> Json:
        merged: Json = {}
        for query in self.query(params):
            with self._understood():
                fates.merge(merged, query)
        return merged

    def _get(self, params: Params) -> Json:
        reply = replies.parse(self._answer(self.site.api, params).content) or {}
        for error in replies.errors(reply):
            raise ToolkitError(
                f"{self.site.host} refuses the request with the error {error.code}"
                f" ({error.text[:200]}): check the titles, or report it with this sentence"
            )
        for warning in replies.warnings(reply):
            self._heed(warning)
        return reply

    @contextlib.contextmanager
    def _understood(self) -> Iterator[None]:
        """Turn a reply that no MediaWiki would write into one sentence."""
        try:
            yield
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ToolkitError(
                f"{self.site.host} answers in a form that no MediaWiki writes"
                f" ({type(error).__name__}): check the address of its API, {self.site.api}"
            ) from error

    def _answer(self, address: str, params: Params) -> httpx.Response:
        response = self._client.get(address, params={k: str(v) for k, v in params.items()})
        if response.status_code != 200:
            raise ToolkitError(
                f"{self.site.host} answers with status {response.status_code}: check the address"
                f" of its API, {self.site.api}"
            )
        return response

    def _heed(self, warning: replies.Remark) -> None:
        """Stop at a warning that something was not done; note the others."""
        words = warning.text.lower()
        if "unrecognized value" in words and "extracts" in words:
            raise ToolkitError(
                f"{self.site.host} has no TextExtracts, so it gives no plain introductions: read"
                " the wikitext instead"
            )
        if warning.code == "toomanyvalues" or "too many values" in words:
            raise ToolkitError(
                f"{self.site.host} passes over a part of the request ({warning.text[:200]}): ask"
                f" for fewer than {BATCH} titles at a time"
            )
        LOG.debug("%s warns: %s: %s", self.site.host, warning.code, warning.text[:200])


def open_api(site: Site, store: Path, *, limits: Path | None = None, since: str = "") -> WikiApi:
    """Open a client with its store at a path; `limits` is the folder of shared allowances."""
    limiter = Limiter(site.pool, site.limits, limits)
    return WikiApi(site, open_store(store), limiter=limiter, since=since)


def open_store(path: Path) -> ResponseStore:
    """Open a store that takes the revisions out of the answers it is given."""
    return ResponseStore(path, replies.revisions)
