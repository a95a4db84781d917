"""The scraper and a real MediaWiki: every situation of a title, and texts byte for byte."""

import unicodedata
from pathlib import Path

import pytest

from imagewikiqa.builders.raw import RawPage
from imagewikiqa.builders.wiki.api import WikiApi, open_api
from imagewikiqa.builders.wiki.extracts import extracts
from imagewikiqa.builders.wiki.languages import titles_in
from imagewikiqa.builders.wiki.records import Extract
from imagewikiqa.builders.wiki.scrape import Scraped, into_sections, read_pins
from imagewikiqa.builders.wiki.source import WikiFiles, scrape
from imagewikiqa.core.records import Reject

from .mediawiki import MediaWiki
from .scraping import files_in, site_at

PER_SECOND = 500.0  # the wiki is ours and on this machine


def take(wiki: MediaWiki, folder: Path, *titles: str) -> Scraped:
    return scrape(titles, site_at(wiki.api, per_second=PER_SECOND), files_in(folder))


def client_of(wiki: MediaWiki, folder: Path) -> WikiApi:
    site = site_at(wiki.api, per_second=PER_SECOND)
    return open_api(site, folder / "store.sqlite", limits=folder / "limits")


def page_of(scraped: Scraped) -> RawPage:
    (page,) = (one for one in scraped if isinstance(one, RawPage) and one.redirect is None)
    return page


def test_a_page_has_the_text_number_and_time_of_the_wikis_database(
    mediawiki: MediaWiki, tmp_path: Path
) -> None:
    titles = ["Red panda", "Crane (bird)", 'Ökonomie & Söhne\'s "café"']
    found = [page for page in take(mediawiki, tmp_path, *titles) if isinstance(page, RawPage)]
    assert sorted(page.title for page in found) == sorted(titles)
    for page in found:
        stored = mediawiki.stored(page.title)
        assert (page.page_id, page.revision_id) == (stored.page_id, stored.revision_id)
        assert page.wikitext == mediawiki.stored_text(stored.revision_id)
        digits = "".join(mark for mark in page.timestamp or "" if mark.isdigit())
        assert digits == stored.timestamp
        assert page.url.endswith(f"&oldid={stored.revision_id}")


def test_a_page_of_decomposed_letters_arrives_as_it_is_stored(
    mediawiki: MediaWiki, tmp_path: Path
) -> None:
    page = page_of(take(mediawiki, tmp_path, "Decomposed letters"))
    assert page.wikitext == mediawiki.stored_text(page.revision_id or 0)
    assert not unicodedata.is_normalized("NFC", page.wikitext)  # the API's own reply is composed


def test_a_title_is_normalised(mediawiki: MediaWiki, tmp_path: Path) -> None:
    for number, asked in enumerate(("red_panda", "  Red   panda ", "red panda#Diet")):
        folder = tmp_path / str(number)
        scraped = take(mediawiki, folder, asked)
        assert page_of(scraped).title == "Red panda"
        assert scraped.pins[0].id == asked and scraped.pins[0].redirects == ()


def test_redirects_are_followed_and_told(mediawiki: MediaWiki, tmp_path: Path) -> None:
    scraped = take(mediawiki, tmp_path, "shining cat")
    assert page_of(scraped).title == "Red panda"
    assert scraped.pins[0].redirects == ("Shining cat", "Lesser panda")
    (stub,) = (one for one in scraped if isinstance(one, RawPage) and one.redirect)
    assert (stub.title, stub.redirect) == ("Shining cat", "Red panda")


def test_a_redirect_to_a_section_keeps_the_page_and_says_so(
    mediawiki: MediaWiki, tmp_path: Path
) -> None:
    scraped = take(mediawiki, tmp_path, "Firefox (animal)")
    assert page_of(scraped).title == "Red panda"
    assert [pin.fragment for pin in into_sections(scraped.pins)] == ["Names"]


@pytest.mark.parametrize(
    ("title", "reason"),
    [
        ("Crane", "disambiguation page"),
        ("A page nobody wrote", "missing page"),
        ("Road to nowhere", "missing page"),
        ("Loop one", "redirect loop"),
        ("Talk:Red panda", "not an article"),
        ("Category:Birds", "not an article"),
        ("Bad [title]", "invalid title"),
        ("de:Roter Panda", "on another wiki"),
    ],
)
def test_a_title_without_a_page_says_why(
    mediawiki: MediaWiki, tmp_path: Path, title: str, reason: str
) -> None:
    scraped = take(mediawiki, tmp_path, title)
    (found,) = scraped
    assert isinstance(found, Reject) and found.reason == reason
    assert scraped.counts == {reason: 1, "redirect to a section": 0}


def test_a_moved_page_is_found_under_both_names(mediawiki: MediaWiki, tmp_path: Path) -> None:
    before = take(mediawiki, tmp_path / "before", "Tea kettle")
    mediawiki.move("Tea kettle", "Kettle")
    scraped = take(mediawiki, tmp_path / "after", "Tea kettle")
    page = page_of(scraped)
    assert page.title == "Kettle" and scraped.pins[0].redirects == ("Tea kettle",)
    assert page.page_id == page_of(before).page_id and page.wikitext == page_of(before).wikitext
    assert page.revision_id != page_of(before).revision_id
    # Somebody else who has the old pin gets the old revision, from the wiki.
    pins = files_in(tmp_path / "before").pins
    site = site_at(mediawiki.api, per_second=PER_SECOND)
    files = WikiFiles(
        store=tmp_path / "other.sqlite", pins=tmp_path / "other.jsonl", given=pins,
        limits=tmp_path / "limits",
    )  # fmt: skip
    assert [*scrape(["Tea kettle"], site, files)] == [*before]
    assert read_pins(files.pins) == read_pins(pins)


def test_a_page_moved_without_a_redirect_says_where_it_went(
    mediawiki: MediaWiki, tmp_path: Path
) -> None:
    mediawiki.edit("Pot with a spout", "A pot.")
    mediawiki.move("Pot with a spout", "Spouted pot", leave_redirect=False)
    (found,) = take(mediawiki, tmp_path, "Pot with a spout")
    assert isinstance(found, Reject) and found.reason == "missing page"
    assert found.detail.startswith("moved to Spouted pot on 20")


def test_a_deleted_page_keeps_its_pin_and_its_stored_text(
    mediawiki: MediaWiki, tmp_path: Path
) -> None:
    title = "Three-wheeled unicycle"
    before = take(mediawiki, tmp_path, title)
    text = page_of(before).wikitext
    mediawiki.delete(title)
    assert page_of(take(mediawiki, tmp_path, title)).wikitext == text  # the store has it
    site = site_at(mediawiki.api, per_second=PER_SECOND)
    files = WikiFiles(
        store=tmp_path / "other.sqlite", pins=tmp_path / "other.jsonl",
        given=files_in(tmp_path).pins, limits=tmp_path / "limits",
    )  # fmt: skip
    (gone,) = scrape([title], site, files)
    assert isinstance(gone, Reject) and gone.reason == "deleted revision"
    (unknown,) = take(mediawiki, tmp_path / "new", title)
    assert isinstance(unknown, Reject) and unknown.reason == "missing page"
    assert unknown.detail.startswith("deleted on 20")


def test_an_edited_page_stays_at_its_pin(mediawiki: MediaWiki, tmp_path: Path) -> None:
    mediawiki.edit("Edited page", "First text.")
    before = take(mediawiki, tmp_path, "Edited page")
    mediawiki.edit("Edited page", "Second text.")
    assert page_of(take(mediawiki, tmp_path, "Edited page")) == page_of(before)
    assert page_of(take(mediawiki, tmp_path / "new", "Edited page")).wikitext == "Second text."


def test_a_batch_that_the_wiki_cuts_arrives_whole(mediawiki: MediaWiki, tmp_path: Path) -> None:
    texts = {f"Heavy page {n}": f"{n} " + f"wörd{n} " * 18_000 for n in range(7)}
    for title, text in texts.items():
        mediawiki.edit(title, text)
    with client_of(mediawiki, tmp_path) as api:
        ids = [mediawiki.stored(title).revision_id for title in texts]
        found = [*api.revisions(ids)]
    assert [one.wikitext for one in found] == [text.rstrip() for text in texts.values()]


def test_the_client_reads_what_the_wiki_says_about_pages(
    mediawiki: MediaWiki, tmp_path: Path
) -> None:
    with client_of(mediawiki, tmp_path) as api:
        assert api.links("crane") == ("Crane (bird)", "Crane (machine)")
        assert api.categories(["Lesser panda"]) == {
            "Lesser panda": ("Carnivorans", "Mammals of Asia")
        }
        leads = api.leads(["Red panda", "Crane (bird)", "Nothing here"])
        assert leads["Crane (bird)"].startswith("Cranes are large birds with long legs")
        assert leads.keys() == {"Red panda", "Crane (bird)"}
        assert api.search("panda", 5)


def test_search_finds_words_of_the_text_and_of_the_title(
    mediawiki: MediaWiki, tmp_path: Path
) -> None:
    with client_of(mediawiki, tmp_path) as api:
        assert "Crane (bird)" in api.search("large birds with long legs")  # in no title
        assert "Red panda" in api.search("red panda")


def test_extracts_and_language_links_come_by_wikipedia_api(
    mediawiki: MediaWiki, tmp_path: Path
) -> None:
    with client_of(mediawiki, tmp_path) as api:
        red, missing, crane = extracts(["Lesser panda", "Nothing here", "Crane (bird)"], api)
    assert isinstance(red, Extract) and isinstance(crane, Extract)
    assert (red.id, red.title) == ("Lesser panda", "Red panda")
    assert red.revision_id == mediawiki.stored("Red panda").revision_id
    assert red.summary.startswith("The red panda (Ailurus fulgens), also called the lesser panda")
    assert "Habitat" in red.text and "[[" not in red.text and "<ref" not in red.text
    assert red.langlinks == {"de": "Roter Panda", "fr": "Panda roux"} and crane.langlinks == {}
    assert isinstance(missing, Reject) and missing.reason == "missing page"


def test_titles_of_another_language_are_found(mediawiki: MediaWiki, tmp_path: Path) -> None:
    with client_of(mediawiki, tmp_path) as api:
        assert titles_in("de", ["Lesser panda", "Crane"], api) == {"Lesser panda": "Roter Panda"}


def test_nothing_in_the_files_says_who_asked(mediawiki: MediaWiki, tmp_path: Path) -> None:
    take(mediawiki, tmp_path, "Red panda", "Crane", "Nothing here")
    for file in sorted(tmp_path.rglob("*")):
        if file.is_file():
            assert b"operator" not in file.read_bytes(), file.name


def test_all_real_pages_equal_the_wikis_database(real_mediawiki: MediaWiki, tmp_path: Path) -> None:
    titles = real_mediawiki.titles()
    scraped = take(real_mediawiki, tmp_path, *titles)
    pages = [page for page in scraped if isinstance(page, RawPage) and page.redirect is None]
    wrong = [
        page.title for page in pages
        if page.wikitext != real_mediawiki.stored_text(page.revision_id or 0)
    ]  # fmt: skip
    assert wrong == [] and len(pages) > 60 and len(titles) > 110
    assert sum(isinstance(one, Reject) for one in scraped) == len(titles) - len(
        [pin for pin in scraped.pins if pin.outcome == "page"]
    )
