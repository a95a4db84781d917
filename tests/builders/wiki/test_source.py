"""A wiki is a source of pages that can be read many times, and repeated from its pins."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest

from imagewikiqa.builders.pages import match
from imagewikiqa.builders.wiki.settings import Site
from imagewikiqa.builders.wiki.source import WikiFiles, scrape, wikipedia_source
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry
from tests.builders.wiki.fake_wiki import CONTACT, FAST, FakeWiki


@contextmanager
def served(wiki: FakeWiki) -> Iterator[str]:
    """Serve a wiki of memory on a loopback port; yield the address of its API."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = wiki(httpx.Request("GET", f"http://wiki.test{self.path}"))
            self.send_response(answer.status_code)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/w/api.php"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def wiki() -> FakeWiki:
    return FakeWiki(
        texts={"Tiger": "A cat.\n", "Shield": "Armour.\n", "Buckler": "Small.\n"},
        redirects={"Panthera tigris": "Tiger"},
    )


CLASSES = (
    ClassEntry(id="n1", name="tiger", title="Panthera tigris"),
    ClassEntry(id="n2", name="shield", title="Shield | Buckler"),
    ClassEntry(id="n3", name="unicorn"),
)


def files(folder: Path, given: Path | None = None) -> WikiFiles:
    return WikiFiles(
        store=folder / "store.sqlite",
        pins=folder / "pins.jsonl",
        given=given,
        limits=folder / "limits",
    )


def test_classes_get_their_pages_and_the_source_reads_twice(wiki: FakeWiki, tmp_path: Path) -> None:
    with served(wiki) as api:
        site = Site(api=api, contact=CONTACT, limits=FAST)
        source = wikipedia_source(CLASSES, site, files(tmp_path))
    assert [*source] == [*source]
    titles = {m.raw.title: m.class_ids for m in match(source, CLASSES).pages}
    assert titles["Tiger"] == ("n1",)
    assert "missing page" in {r.reason for r in match(source, CLASSES).rejects}


def test_the_same_command_later_takes_the_same_revisions(wiki: FakeWiki, tmp_path: Path) -> None:
    with served(wiki) as api:
        site = Site(api=api, contact=CONTACT, limits=FAST)
        first = scrape(["Tiger"], site, files(tmp_path))
        pins = (tmp_path / "pins.jsonl").read_bytes()
        wiki.texts = {"Other": "x", **wiki.texts}  # every page has another revision now
        (tmp_path / "store.sqlite").unlink()
        wiki.served.clear()
        with pytest.raises(ToolkitError, match="is not the text that was pinned"):
            scrape(["Tiger"], site, files(tmp_path))
        wiki.texts.pop("Other")
        (tmp_path / "store.sqlite").unlink()
        second = scrape(["Tiger", "Buckler"], site, files(tmp_path))
    assert [*first][0] in [*second]
    assert pins in (tmp_path / "pins.jsonl").read_bytes()


def test_somebody_elses_pins_give_the_same_pages_and_nothing_more(
    wiki: FakeWiki, tmp_path: Path
) -> None:
    with served(wiki) as api:
        site = Site(api=api, contact=CONTACT, limits=FAST)
        first = scrape(["Panthera tigris", "Unicorn"], site, files(tmp_path / "mine"))
        theirs = files(tmp_path / "theirs", given=tmp_path / "mine" / "pins.jsonl")
        second = scrape(["Panthera tigris", "Unicorn", "Shield"], site, theirs)
    assert [row for row in second if getattr(row, "reason", "") != "not pinned"] == [*first]
    assert second.counts["not pinned"] == 1


def test_without_the_network_a_finished_scrape_still_reads(wiki: FakeWiki, tmp_path: Path) -> None:
    with served(wiki) as api:
        site = Site(api=api, contact=CONTACT, limits=FAST)
        first = wikipedia_source(CLASSES, site, files(tmp_path))
    nobody = Site(api=api, limits=FAST)
    assert [*wikipedia_source(CLASSES, nobody, files(tmp_path))] == [*first]


def test_the_first_request_needs_a_contact(wiki: FakeWiki, tmp_path: Path) -> None:
    with served(wiki) as api, pytest.raises(ToolkitError, match="without a contact"):
        wikipedia_source(CLASSES, Site(api=api, limits=FAST), files(tmp_path))
    assert wiki.requests == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ('{"id":"Tiger"}', "line 1 is not a Pin"),
        ('{"id":"Tiger","host":"h","language":"en","outcome":"page","title":"T"}', "without a rev"),
    ],
)
def test_wrong_pins_are_refused(line: str, why: str, tmp_path: Path) -> None:
    (tmp_path / "pins.jsonl").write_text(f"{line}\n")
    with pytest.raises(ToolkitError, match=why):
        scrape(["Tiger"], Site(contact=CONTACT), files(tmp_path))
