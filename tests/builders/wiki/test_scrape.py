"""Titles become pinned pages; what has no page says why; nothing is fetched twice."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from imagewikiqa.builders.pages import match
from imagewikiqa.builders.raw import RawPage
from imagewikiqa.builders.wiki.scrape import fetch_pages, into_sections, read_pins, write_pins
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry, Reject
from tests.builders.wiki.fake_wiki import FakeWiki, fake_site

TIGER = "The '''tiger''' is a large cat – ''Panthera tigris''.\n\n== Stripes ==\nIt has them.\n"


@pytest.fixture
def wiki() -> FakeWiki:
    return FakeWiki(
        texts={"Tiger": TIGER, "Drake": "'''Drake''' may refer to:\n* one\n", "Abacus": "Beads.\n"},
        redirects={
            "Panthera tigris": "Tiger",
            "Tiger cat": "Panthera tigris",
            "Tiger stripes": "Tiger#Stripes",
            "A": "B",
            "B": "A",
        },
        properties={"Drake": {"disambiguation": ""}},
        log={"Gone": [{"type": "delete", "action": "delete", "timestamp": "2024-01-02T03:04:05Z"}]},
    )


def test_a_page_is_taken_with_its_revision_time_and_exact_text(
    wiki: FakeWiki, tmp_path: Path
) -> None:
    [page] = fetch_pages(["tiger"], wiki.api(tmp_path))
    assert isinstance(page, RawPage)
    assert (page.title, page.wikitext, page.revision_id) == ("Tiger", TIGER, 1000)
    assert page.timestamp == "2024-05-01T10:00:00Z"
    assert page.url == "http://wiki.test/w/index.php?title=Tiger&oldid=1000"


def test_every_title_without_a_page_says_why(wiki: FakeWiki, tmp_path: Path) -> None:
    asked = ["A", "Drake", "File:Tiger.jpg", "Gone", "Never", "Ti|ger"]
    rows = [*fetch_pages(asked, wiki.api(tmp_path))]
    reasons = {row.input.rpartition(":")[2]: row.reason for row in rows if isinstance(row, Reject)}
    assert reasons == {
        "A": "redirect loop",
        "Drake": "disambiguation page",
        "Tiger.jpg": "not an article",
        "Gone": "missing page",
        "Never": "missing page",
        "Ti|ger": "invalid title",
    }
    details = {row.detail for row in rows if isinstance(row, Reject)}
    assert "deleted on 2024-01-02" in details
    assert wiki.served == []


def test_redirects_lead_classes_to_the_page_and_sections_are_told(
    wiki: FakeWiki, tmp_path: Path
) -> None:
    scraped = fetch_pages(["Tiger cat", "Tiger stripes", "abacus"], wiki.api(tmp_path))
    classes = [
        ClassEntry(id="n1", name="tiger cat"),
        ClassEntry(id="n2", name="stripes", title="Tiger stripes"),
        ClassEntry(id="n3", name="abacus"),
    ]
    matched = match([*scraped], classes)
    assert [(m.raw.title, m.class_ids) for m in matched.pages] == [
        ("Tiger", ("n1", "n2")),
        ("Abacus", ("n3",)),
    ]
    assert [(pin.id, pin.fragment) for pin in into_sections(scraped.pins)] == [
        ("Tiger stripes", "Stripes")
    ]
    assert scraped.counts == {"page": 3, "redirect to a section": 1}


def test_a_second_scrape_asks_nothing(wiki: FakeWiki, tmp_path: Path) -> None:
    first = fetch_pages([*wiki.texts, "Tiger cat"], wiki.api(tmp_path))
    before = len(wiki.requests)
    nobody = fake_site(contact=None)  # nobody asks, so nobody needs a name
    second = fetch_pages([*wiki.texts, "Tiger cat"], wiki.api(tmp_path, nobody))
    assert len(wiki.requests) == before
    assert [*first] == [*second]


def test_pins_give_the_same_revision_after_the_page_changed(wiki: FakeWiki, tmp_path: Path) -> None:
    scraped = fetch_pages(["Tiger cat", "Never"], wiki.api(tmp_path / "one"))
    write_pins(tmp_path / "pins.jsonl", scraped)
    texts = {**wiki.texts, "Never": "Written at last.\n"}
    del wiki.redirects["Tiger cat"]
    wiki.texts = texts
    again = fetch_pages(
        ["Tiger cat", "Never"],
        wiki.api(tmp_path / "two"),
        read_pins(tmp_path / "pins.jsonl"),
    )
    assert [*again] == [*scraped]
    write_pins(tmp_path / "again.jsonl", again)
    assert (tmp_path / "again.jsonl").read_bytes() == (tmp_path / "pins.jsonl").read_bytes()


def test_a_pinned_revision_that_was_deleted_is_a_reject_that_keeps_its_pin(
    wiki: FakeWiki, tmp_path: Path
) -> None:
    scraped = fetch_pages(["Tiger"], wiki.api(tmp_path / "one"))
    wiki.deleted.add(1000)
    pins = {pin.id: pin for pin in scraped.pins}
    again = fetch_pages(["Tiger"], wiki.api(tmp_path / "two"), pins)
    [row] = again
    assert isinstance(row, Reject)
    assert (row.reason, row.detail) == ("deleted revision", "revision 1000")
    assert again.pins == scraped.pins


def test_with_foreign_pins_nothing_else_is_looked_up(wiki: FakeWiki, tmp_path: Path) -> None:
    rows = [*fetch_pages(["Tiger"], wiki.api(tmp_path), {}, only_pinned=True)]
    assert [row.reason for row in rows if isinstance(row, Reject)] == ["not pinned"]
    assert wiki.requests == []


def test_a_pin_of_another_wiki_or_another_text_is_refused(wiki: FakeWiki, tmp_path: Path) -> None:
    [pin] = fetch_pages(["Tiger"], wiki.api(tmp_path)).pins
    other = pin.model_copy(update={"host": "de.wikipedia.org"})
    with pytest.raises(ToolkitError, match=r"pinned to a revision of de\.wikipedia\.org"):
        fetch_pages(["Tiger"], wiki.api(tmp_path), {"Tiger": other})
    forged = pin.model_copy(update={"sha256": "0" * 64})
    with pytest.raises(ToolkitError, match="is not the text that was pinned"):
        fetch_pages(["Tiger"], wiki.api(tmp_path), {"Tiger": forged})


def test_an_empty_title_is_refused(wiki: FakeWiki, tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match="a title to fetch is empty"):
        fetch_pages(["Tiger", ""], wiki.api(tmp_path))


def test_two_scrapers_at_once_fetch_each_revision_once(wiki: FakeWiki, tmp_path: Path) -> None:
    ready = threading.Barrier(2)

    def slow(request: httpx.Request) -> None:
        if request.url.params.get("prop") == "revisions":
            time.sleep(0.2)  # long enough for the other one to ask as well

    wiki.faults = [slow] * 100

    def scrape() -> None:
        api = wiki.api(tmp_path)
        api.look_up(["Tiger", "Abacus"])
        ready.wait(60)
        fetch_pages(["Tiger", "Abacus"], api)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(scrape) for _ in range(2)]:
            done.result()
    assert sorted(wiki.served) == [1000, 1002]
