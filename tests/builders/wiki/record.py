"""Records tests/data/wiki_api/recorded.jsonl anew: python -m tests.builders.wiki.record.

Needed when the client asks for other things than it did; a real MediaWiki answers.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import httpx

from imagewikiqa.builders.wiki.api import WikiApi, open_store
from imagewikiqa.builders.wiki.extracts import extracts
from imagewikiqa.builders.wiki.limiter import Limiter
from imagewikiqa.builders.wiki.scrape import fetch_pages
from imagewikiqa.builders.wiki.settings import Limits, Site

from .mediawiki import PAGES, MediaWiki, build, serve

RECORDED = PAGES.with_name("recorded.jsonl")
SITE = Site(
    api="http://wiki.test/w/api.php",
    contact="operator@lab.test",
    limits=Limits(per_second=1000.0, backoff=0.001, longest_backoff=0.01),
)
TITLES = {
    "a page": "Red panda",
    "normalised": "red_panda",
    "redirect": "Lesser panda",
    "redirect to a redirect": "Shining cat",
    "redirect to a section": "Firefox (animal)",
    "redirect to nothing": "Road to nowhere",
    "redirect loop": "Loop one",
    "disambiguation": "Crane",
    "missing": "A page nobody wrote",
    "moved": "Tea kettle",
    "moved without a redirect": "Whistling kettle",
    "deleted": "Three-wheeled unicycle",
    "not an article": "Talk:Red panda",
    "decomposed letters": "Decomposed letters",
}
GONE = 15  # the revision of the page that is deleted
ABSENT = 999_999  # a revision that never was


class Recorder(httpx.BaseTransport):
    """Passes requests on to a real wiki and keeps what went over the wire."""

    def __init__(self, wiki: MediaWiki) -> None:
        self._inner, self._port = httpx.HTTPTransport(), wiki.port
        self.source = ""
        self.exchanges: list[dict[str, Any]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Ask the real wiki, under the name that recordings have for it."""
        url = str(request.url)
        request.url = request.url.copy_with(host="127.0.0.1", port=self._port)
        reply = self._inner.handle_request(request)
        reply.read()
        body = reply.content.decode().replace(f"127.0.0.1:{self._port}", "wiki.test")
        headers = {"content-type": reply.headers["content-type"]}
        self.exchanges.append(
            {"source": self.source, "method": "GET", "url": url, "status": reply.status_code,
             "headers": headers, "body": body}
        )  # fmt: skip
        return httpx.Response(reply.status_code, headers=headers, content=body.encode())


def client_of(inner: httpx.BaseTransport, folder: Path) -> WikiApi:
    """Return a client of wiki.test with a store of its own."""
    limiter = Limiter(SITE.pool, SITE.limits, folder / "limits")
    return WikiApi(SITE, open_store(folder / "store.sqlite"), limiter=limiter, inner=inner)


def main() -> None:
    """Build a wiki, change it, ask about every situation, and write what was said."""
    folder = Path(tempfile.mkdtemp(prefix="recording-"))
    wiki = build(folder / "wiki")
    wiki.move("Tea kettle", "Kettle")
    wiki.move("Whistling kettle", "Kettle that whistles", leave_redirect=False)
    wiki.delete(TITLES["deleted"])
    with serve(wiki):
        recorder = Recorder(wiki)
        general = {"action": "query", "meta": "siteinfo", "format": "json"}
        version = httpx.get(wiki.api, params=general).json()["query"]["general"]["generator"]
        for name, title in TITLES.items():
            recorder.source = f"{version}: {name}"
            with client_of(recorder, folder / name) as api:
                fetch_pages([title], api)
        recorder.source = f"{version}: deleted revision"
        with client_of(recorder, folder / "gone") as api:
            api.fetch([GONE, ABSENT])
        recorder.source = f"{version}: extract"
        with client_of(recorder, folder / "extract") as api:
            list(extracts([TITLES["redirect"]], api))
    lines = {one["url"]: json.dumps(one, ensure_ascii=False) for one in recorder.exchanges}
    RECORDED.write_text("\n".join(lines.values()) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
