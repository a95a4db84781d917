"""The scraper keeps every rule while things go wrong, and takes every text exactly."""

import threading
from collections.abc import Iterable
from pathlib import Path

import pytest

from imagewikiqa.builders.dump import read_dump
from imagewikiqa.builders.raw import RawPage
from imagewikiqa.builders.wiki.api import WikiApi, open_api
from imagewikiqa.builders.wiki.scrape import Scraped, read_pins
from imagewikiqa.builders.wiki.source import scrape
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import Reject

from .action_api import Site as Served
from .referee import Rules
from .scraping import files_in, site_at
from .site_pages import SitePage, from_export, made_up
from .strict_server import KINDS, Fault, StrictServer, keyed_faults

FAST = Rules(minute=3.0)  # twenty times: what takes a minute takes three seconds
PER_SECOND = 3.0 * 60 / FAST.minute


def asked_of(pages: Iterable[SitePage]) -> list[str]:
    """Return titles as people write them, and two without a page for every ten with one."""
    titles: list[str] = []
    for number, page in enumerate(pages):
        spelled = page.title.replace(" ", "_")
        titles.append(spelled[:1].lower() + spelled[1:] if number % 3 == 0 else page.title)
        if number % 10 == 0:
            titles += [f"Nothing {number}", f"Nothing [{number}]"]
    return titles


def check_texts(scraped: Scraped, served: Served, titles: list[str]) -> int:
    """Compare what was taken with what is served, by rules of this test; return pages seen."""
    taken = [*scraped]
    pages = {page.title: page for page in taken if isinstance(page, RawPage)}
    rejects = {one.input.partition(":127.0.0.1:")[2].partition(":")[2]: one.reason for one in taken
               if isinstance(one, Reject)}  # fmt: skip
    seen = 0
    for asked in titles:
        name = asked.replace("_", " ")
        page = served.titles.get(name[:1].upper() + name[1:])
        while page is not None and page.redirect:
            page = served.titles.get(page.redirect[0])
        if page is None:
            assert rejects[asked] == ("invalid title" if "[" in asked else "missing page")
        elif page.disambiguation:
            assert rejects[asked] == "disambiguation page"
        else:
            found = pages[page.title]
            assert found.wikitext == page.wikitext
            assert (found.page_id, found.revision_id) == (page.page_id, page.revision_id)
            assert found.timestamp == page.timestamp
            seen += 1
    return seen


@pytest.mark.parametrize("seed", [1, 2])
def test_no_rule_is_broken_while_everything_goes_wrong(tmp_path: Path, seed: int) -> None:
    served = Served(made_up(120, seed=seed), result_limit=60_000)
    titles = asked_of(served.titles.values())
    faults = keyed_faults(*KINDS, every=6, seed=seed)
    with StrictServer(served, FAST, faults=faults, delay=0.02) as server:
        site = site_at(server.api, per_second=PER_SECOND)
        scraped = scrape(titles, site, files_in(tmp_path))
    assert server.record.violations == []
    assert check_texts(scraped, served, titles) > 100
    assert set(server.record.texts.values()) == {1}
    assert server.record.unfinished == {} and len(server.record.faults) > 2


def test_texts_that_the_api_composes_are_taken_as_they_are_stored(tmp_path: Path) -> None:
    decomposed = [
        SitePage(page_id=n, title=f"Cafe {n}", revision_id=50 + n, wikitext=f"cafe\u0301 {n}")
        for n in range(1, 4)
    ]
    served = Served([*made_up(20), *decomposed])
    with StrictServer(served, FAST) as server:
        site = site_at(server.api, per_second=PER_SECOND)
        scraped = scrape([*served.titles], site, files_in(tmp_path))
        assert check_texts(scraped, served, [*served.titles])
    assert server.record.raw_texts == {51: 1, 52: 1, 53: 1} and server.record.violations == []


def test_three_requests_run_at_once(tmp_path: Path) -> None:
    served = Served(made_up(300))
    with StrictServer(served, FAST, delay=0.3) as server:
        scrape([*served.titles], site_at(server.api, per_second=PER_SECOND), files_in(tmp_path))
    assert server.record.violations == [] and server.record.most_in_flight == 3


def test_a_second_run_asks_nothing_and_new_titles_only_for_themselves(tmp_path: Path) -> None:
    served = Served(made_up(60))
    titles = [*served.titles]
    with StrictServer(served, FAST) as server:
        site = site_at(server.api, per_second=PER_SECOND)
        scrape(titles[:50], site, files_in(tmp_path))
        asked = len(server.record.seen)
        server.record.stored |= set(server.record.texts)
        again = scrape(titles[:50], site, files_in(tmp_path, "again"))
        assert len(server.record.seen) == asked
        more = scrape(titles, site, files_in(tmp_path, "again"))
    assert server.record.violations == []
    assert check_texts(again, served, titles[:50]) and check_texts(more, served, titles)


def test_everybody_waits_as_long_as_one_was_told(tmp_path: Path) -> None:
    served = Served(made_up(300))

    def fault(number: int) -> Fault | None:
        return Fault(kind="429", retry_after=3, as_date=number == 9) if number in (2, 9) else None

    rules = Rules(minute=3.0, retry_grace=1.0)  # two clients ask the same
    with StrictServer(served, rules, faults=fault, delay=0.05) as server:
        site = site_at(server.api, per_second=PER_SECOND)
        folders = [files_in(tmp_path, name) for name in ("one", "two")]
        threads = [
            threading.Thread(target=scrape, args=([*served.titles], site, files))
            for files in folders
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert server.record.faults == {"429": 2} and server.record.violations == []
    one, two = (read_pins(files.pins) for files in folders)
    assert one == two and len(one) == 300


def test_a_wait_is_never_cut_short(tmp_path: Path) -> None:
    first = Fault(kind="maxlag", retry_after=3)
    with StrictServer(
        Served(made_up(3)), Rules(), faults=lambda number: None if number else first
    ) as server:
        scrape(["Subject 0001"], site_at(server.api, per_second=60.0), files_in(tmp_path))
    assert server.record.violations == [] and server.record.faults == {"maxlag": 1}


def test_a_wiki_that_never_answers_ends_in_one_sentence_and_keeps_what_came(
    tmp_path: Path,
) -> None:
    served = Served(made_up(120))

    def fault(number: int) -> Fault | None:
        return Fault(kind="reset") if number > 3 else None

    with StrictServer(served, FAST, faults=fault) as server:
        site = site_at(server.api, per_second=PER_SECOND, tries=3)
        with pytest.raises(ToolkitError, match="gave no answer in 3 tries"):
            scrape([*served.titles], site, files_in(tmp_path))
        kept = set(server.record.texts)
        server.record.stored |= kept
        server.faults = lambda number: None
        scraped = scrape([*served.titles], site, files_in(tmp_path))
    assert kept and server.record.violations == []
    assert check_texts(scraped, served, [*served.titles]) > 100


def test_a_title_with_half_a_character_is_refused_before_anything_is_asked(tmp_path: Path) -> None:
    with StrictServer(Served(made_up(3)), FAST) as server:
        with pytest.raises(ToolkitError, match=r"the title 'a.ud800' holds half a character"):
            scrape(["Subject 0001", "a\ud800"], site_at(server.api), files_in(tmp_path))
        assert server.record.seen == []


def test_a_deleted_revision_and_a_moved_page_keep_their_pins(tmp_path: Path) -> None:
    served = Served(made_up(20))
    with StrictServer(served, FAST) as server:
        site = site_at(server.api, per_second=PER_SECOND)
        titles = ["Subject 0001", "Subject 0002"]
        first = scrape(titles, site, files_in(tmp_path))
        served.move("Subject 0001", "Subject moved", revision_id=7, page_id=8)
        served.delete("Subject 0002")
        again = scrape(titles, site, files_in(tmp_path))
        assert [*again] == [*first]
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "pins.jsonl").write_bytes((tmp_path / "pins.jsonl").read_bytes())
        moved, deleted = scrape(titles, site, files_in(elsewhere))
    assert isinstance(moved, RawPage) and moved.title == "Subject 0001"
    assert moved.wikitext == served.titles["Subject moved"].wikitext
    assert isinstance(deleted, Reject) and deleted.reason == "deleted revision"
    assert server.record.violations == []


def client_of(server: StrictServer, folder: Path) -> WikiApi:
    site = site_at(server.api, per_second=PER_SECOND)
    return open_api(site, folder / "store.sqlite", limits=folder / "limits")


def test_what_the_client_offers_besides_keeps_the_rules(tmp_path: Path) -> None:
    served = Served(made_up(120))
    articles = [p for p in served.titles.values() if not p.redirect]
    with StrictServer(served, FAST, etags=True) as server, client_of(server, tmp_path) as api:
        leads = api.leads(page.title for page in articles)
        assert leads["Subject 0001"] == "Subject 0001 is a thing." and len(leads) == len(articles)
        found = api.categories(served.titles)
        assert found["Subject 0007"] == ("Things 3",)
        assert api.links("Subject 0005") == ("Subject 0006",)
        assert api.search("Subject 0042 thing", 5) == ("Subject 0042",)
        assert api.last_events(["Subject 0001"]) == {"Subject 0001": ""}
    assert server.record.violations == [] and server.record.unfinished == {}


def test_old_answers_are_asked_for_again_by_their_tag(tmp_path: Path) -> None:
    served = Served(made_up(10))
    with StrictServer(served, FAST, etags=True) as server:
        with client_of(server, tmp_path) as api:
            old = api.categories(["Subject 0001"])
        site = site_at(server.api, per_second=PER_SECOND)
        with open_api(
            site, tmp_path / "store.sqlite", limits=tmp_path / "limits", since="2999-01-01"
        ) as api:
            assert api.categories(["Subject 0001"]) == old
    assert server.record.unchanged == 1 and len(server.record.seen) == 2


def test_real_pages_arrive_byte_for_byte(shared_data: Path, tmp_path: Path) -> None:
    exports = sorted((shared_data / "wiki_xml").glob("*.xml.bz2"))
    pages = from_export(page for export in exports for page in read_dump(export))
    served = Served(pages, result_limit=200_000)
    titles = sorted({page.title for page in pages if page.namespace == 0})
    faults = keyed_faults(*KINDS, every=15, seed=5)
    with StrictServer(served, FAST, faults=faults) as server:
        scraped = scrape(titles, site_at(server.api, per_second=PER_SECOND), files_in(tmp_path))
    texts = {page.title: page.wikitext for page in scraped if isinstance(page, RawPage)}
    articles = [page for page in served.titles.values() if page.namespace == 0]
    whole = [page for page in articles if page.title in texts and not page.redirect]
    assert len(whole) > 50 and len(titles) > 100
    assert [page.title for page in whole if texts[page.title] != page.wikitext] == []
    assert server.record.violations == [] and set(server.record.texts.values()) == {1}
