"""What a real MediaWiki said about titles in every situation, recorded, and what is made of it."""

from pathlib import Path

import pytest

from imagewikiqa.builders.dump import read_dump
from imagewikiqa.builders.raw import RawPage
from imagewikiqa.builders.wiki.extracts import extracts
from imagewikiqa.builders.wiki.records import Extract, Pin
from imagewikiqa.builders.wiki.scrape import fetch_pages
from imagewikiqa.core.records import Reject

from .mediawiki import PAGES
from .record import ABSENT, GONE, RECORDED, TITLES, client_of
from .recordings import Replay, read_recordings

TEXTS = {page.title: page.wikitext for page in read_dump(PAGES)}


def taken(situation: str, folder: Path) -> tuple[Pin, RawPage | None, Reject | None]:
    """Scrape the title of a situation from the recording: its pin, its page or its reject."""
    replay = Replay(read_recordings(RECORDED))
    with client_of(replay, folder) as api:
        scraped = fetch_pages([TITLES[situation]], api)
        found = [*scraped]
    assert replay.asked
    pages = [one for one in found if isinstance(one, RawPage) and one.redirect is None]
    rejects = [one for one in found if isinstance(one, Reject)]
    assert len(pages) + len(rejects) == 1
    return scraped.pins[0], next(iter(pages), None), next(iter(rejects), None)


@pytest.mark.parametrize(
    ("situation", "title", "redirects", "fragment", "text"),
    [
        ("a page", "Red panda", (), "", "Red panda"),
        ("normalised", "Red panda", (), "", "Red panda"),
        ("redirect", "Red panda", ("Lesser panda",), "", "Red panda"),
        ("redirect to a redirect", "Red panda", ("Shining cat", "Lesser panda"), "", "Red panda"),
        ("redirect to a section", "Red panda", ("Firefox (animal)",), "Names", "Red panda"),
        ("moved", "Kettle", ("Tea kettle",), "", "Tea kettle"),
        ("decomposed letters", "Decomposed letters", (), "", "Decomposed letters"),
    ],
)
def test_a_title_leads_to_its_page(
    tmp_path: Path,
    situation: str,
    title: str,
    redirects: tuple[str, ...],
    fragment: str,
    text: str,
) -> None:
    pin, page, _ = taken(situation, tmp_path)
    assert page is not None and page.title == title and page.wikitext == TEXTS[text]
    assert (pin.outcome, pin.redirects, pin.fragment) == ("page", redirects, fragment)
    assert (pin.revision_id, pin.timestamp) == (page.revision_id, page.timestamp)


@pytest.mark.parametrize(
    ("situation", "reason", "detail"),
    [
        ("redirect to nothing", "missing page", "Road to nowhere → A page nobody wrote"),
        ("redirect loop", "redirect loop", ""),
        ("disambiguation", "disambiguation page", ""),
        ("missing", "missing page", ""),
        ("moved without a redirect", "missing page", "moved to Kettle that whistles on 20"),
        ("deleted", "missing page", "deleted on 20"),
        ("not an article", "not an article", ""),
    ],
)
def test_a_title_without_a_page_says_why(
    tmp_path: Path, situation: str, reason: str, detail: str
) -> None:
    pin, _, reject = taken(situation, tmp_path)
    assert reject is not None and reject.reason == reason and pin.outcome == reason
    assert reject.detail.startswith(detail)


def test_revisions_that_are_gone_are_told_from_those_that_are_there(tmp_path: Path) -> None:
    with client_of(Replay(read_recordings(RECORDED)), tmp_path) as api:
        gone, absent = api.revisions([GONE, ABSENT])
    assert (gone.problem, absent.problem) == ("deleted revision", "deleted revision")
    assert gone.wikitext == ""


def test_an_extract_comes_with_its_language_links(tmp_path: Path) -> None:
    with client_of(Replay(read_recordings(RECORDED)), tmp_path) as api:
        (found,) = extracts([TITLES["redirect"]], api)
    assert isinstance(found, Extract) and found.title == "Red panda"
    assert found.langlinks == {"de": "Roter Panda", "fr": "Panda roux"}
    assert found.text.startswith("The red panda (Ailurus fulgens)") and "Habitat" in found.text


def test_the_recording_says_what_answered_and_nothing_of_the_machine() -> None:
    text = RECORDED.read_text(encoding="utf-8")
    assert all('"source": "MediaWiki 1.' in line for line in text.splitlines())
    assert "127.0.0.1" not in text and "operator" not in text and "/tmp" not in text
