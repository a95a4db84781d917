"""Classes get their pages, and everything else gets one reject with a reason."""

import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest

from imagewikiqa.builders.pages import (
    LISTED,
    Matched,
    MatchedPage,
    is_disambiguation,
    make_page,
    match,
    open_source,
)
from imagewikiqa.builders.raw import RawPage, normal_title
from imagewikiqa.core.digests import text_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry, Page, Reject

MINI = Path(__file__).parent.parent / "data" / "wiki" / "mini.xml"


def entry(name: str, title: str | None = None) -> ClassEntry:
    return ClassEntry(id=f"id-{name}", name=name, title=title)


def raw(title: str, wikitext: str = "Text.", **changes: object) -> RawPage:
    fields: dict[str, object] = {
        "title": title, "page_id": None, "revision_id": None, "timestamp": None,
        "wikitext": wikitext, "redirect": None, "namespace": 0, "source": f"folder:{title}.txt",
        "url": f"folder:{title}.txt", "language": "en", "license": "unknown",
    }  # fmt: skip
    return RawPage(**{**fields, **changes})  # type: ignore[arg-type]


def mini(*entries: ClassEntry) -> Matched:
    return match(open_source(f"dump:{MINI}"), entries)


def test_a_class_gets_its_title_or_else_its_name() -> None:
    matched = mini(entry("red_wolf"), entry("bird", "crane (bird)"))
    assert {p.raw.title: p.class_ids for p in matched.pages} == {
        "Red wolf": ("id-red_wolf",),
        "Crane (bird)": ("id-bird",),
    }


def test_redirects_are_followed_through_chains_and_sections_to_the_target() -> None:
    matched = mini(entry("American red wolf"), entry("Canis rufus"), entry("Red wolf"))
    (page,) = matched.pages
    assert page.raw.title == "Red wolf"
    assert page.class_ids == ("id-American red wolf", "id-Canis rufus", "id-Red wolf")
    assert "no page" not in {r.reason for r in matched.rejects}


def test_a_cycle_of_redirects_is_a_class_without_a_page() -> None:
    matched = mini(entry("Loop A"))
    assert matched.pages == ()
    (missing,) = [r for r in matched.rejects if r.reason == "no page"]
    assert missing.input == "id-Loop A"


def test_every_page_and_every_class_ends_in_one_place() -> None:
    classes = (entry("Red wolf"), entry("Crane"), entry("Blank"), entry("Unicorn"), entry("Stub"))
    matched = mini(*classes)
    rejects = list(matched.rejects)
    assert list(matched.rejects) == rejects  # can be read again
    assert Counter(r.reason for r in rejects) == {
        "redirect": 4,
        "disambiguation page": 2,
        "not an article": 1,
        "empty page": 1,
        "no class asks for this page": 2,
        "no page": 3,
    }
    pages_rejected = [r for r in rejects if r.reason != "no page"]
    assert len(pages_rejected) + len(matched.pages) == 12
    assert len({r.id for r in rejects}) == len(rejects)
    placed = {i for page in matched.pages for i in page.class_ids}
    missing = {r.input for r in rejects if r.reason == "no page"}
    assert placed | missing == {c.id for c in classes} and not placed & missing
    why = {r.input: r.detail for r in rejects}
    assert "disambiguation page" in why["id-Crane"]
    assert "no such page" in why["id-Unicorn"]


def test_a_page_may_be_given_to_a_class_by_its_source() -> None:
    pages = [raw("Odd name", class_id="id-wolf"), raw("Wolf")]
    matched = match(pages, [entry("wolf")])
    assert [p.raw.title for p in matched.pages] == ["Odd name"]
    assert [r.reason for r in matched.rejects] == ["no class asks for this page"]


def test_a_hyphenated_file_name_serves_either_reading() -> None:
    pages = [raw("T shirt", alias="T-shirt"), raw("Red wolf", alias="Red-wolf")]
    matched = match(pages, [entry("T-shirt"), entry("red wolf")])
    assert [p.raw.title for p in matched.pages] == ["T-shirt", "Red wolf"]
    assert not list(matched.rejects)


def test_unused_pages_past_a_thousand_are_counted_and_not_listed() -> None:
    many = [raw(f"Filler {number}") for number in range(LISTED + 7)]
    aside = [raw(f"Aside {number}", redirect="Wolf") for number in range(LISTED)]
    matched = match([*many, raw("Wolf"), *aside], [entry("wolf"), entry("unicorn")])
    unused = "no class asks for this page"
    assert Counter(r.reason for r in matched.rejects) == {
        unused: LISTED,
        f"{unused}, and 7 more pages": 1,
        "redirect": LISTED,
        "no page": 1,
    }
    assert len({r.id for r in matched.rejects}) == 2 * LISTED + 2


def test_rejects_of_the_source_pass_through_and_duplicates_are_named() -> None:
    bad = Reject(id="pages:x", stage="pages", input="x", reason="not UTF-8")
    matched = match([bad, raw("Wolf"), raw("Wolf")], [entry("wolf")])
    assert [r.reason for r in matched.rejects] == ["not UTF-8", "duplicate page"]


def test_a_page_that_a_source_repeats_is_told_each_time_under_an_id_of_its_own() -> None:
    pages = [raw(title) for title in ("Wolf", "Ant", "Wolf", "Ant", "Wolf", "Ant")]
    rejects = list(match(pages, [entry("wolf")]).rejects)
    unused = "no class asks for this page"
    assert Counter(r.reason for r in rejects) == {"duplicate page": 2, unused: 3}
    assert len({r.id for r in rejects}) == 5


def test_pages_that_can_be_read_only_once_are_refused() -> None:
    with pytest.raises(TypeError, match="give a list or a Source"):
        match(iter([raw("Wolf")]), [entry("wolf")])


def test_a_page_is_made_whole_and_survives_the_trip_to_a_worker() -> None:
    (matched,) = mini(entry("Red wolf")).pages
    page = make_page(matched)
    assert isinstance(page, Page)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        assert pool.submit(make_page, matched).result() == page
    assert page.id == "en:1@100"
    assert page.class_ids == ("id-Red wolf",)
    assert page.sha256 == text_digest(matched.raw.wikitext)
    assert "An adult weighs 20 to 39 kg. The pups" in page.text
    assert page.facts == {"name": "Red wolf", "genus": "Canis"}
    assert [s.path for s in page.sections] == [(), ("Range",), ("Infobox",)]
    assert Page.model_validate_json(page.model_dump_json()) == page


def test_a_page_with_few_words_is_one_reject_that_names_its_classes() -> None:
    (matched,) = mini(entry("Stub")).pages
    short = make_page(matched)
    assert isinstance(short, Reject)
    assert short.reason == "too short"
    assert "id-Stub" in short.detail
    fact_only = MatchedPage(raw=raw("F", "{{Infobox x|a=" + "word " * 90 + "}}"), class_ids=("c",))
    assert isinstance(make_page(fact_only), Reject)


@pytest.mark.parametrize(
    ("title", "wikitext", "verdict"),
    [
        ("Crane", "Meanings:\n* [[a]]\n{{disambig}}", True),
        ("Crane", "x {{Human name disambiguation}}", True),
        ("Crane", "x {{hndis|Crane, A}}", True),
        ("Crane", "x {{Begriffsklärung}}", True),
        ("Crane (disambiguation)", "x", True),
        ("Crane", "'''Crane''' may refer to:\n* [[a]]\n* [[b]]", True),
        ("Crane", "The word may refer to a bird or a machine.\n* [[a]]", False),
        ("Crane", "{{about|the bird|others|Crane (disambiguation)}} Cranes are birds.", False),
        ("Crane", "Cranes{{disambiguation needed|date=May}} are birds.", False),
    ],
)
def test_disambiguation_pages_are_told_from_articles(
    title: str, wikitext: str, verdict: bool
) -> None:
    assert is_disambiguation(raw(title, wikitext)) is verdict


def test_titles_follow_the_rules_of_the_wiki() -> None:
    assert normal_title(" red__wolf#Range ") == "Red wolf"
    assert normal_title(":iPod") == "IPod"
    assert normal_title("éclair") == "Éclair"


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("samples", "dump:FILE, folder:DIR, sample"),
        ("dump:", "unknown source"),
        ("dump:none.xml", "no dump none.xml"),
        ("folder:none", "no folder none"),
        ("wiki:x", "unknown source"),
    ],
)
def test_a_wrong_source_is_an_error_that_lists_the_right_ones(spec: str, words: str) -> None:
    with pytest.raises(ToolkitError, match=words):
        open_source(spec)


def test_a_folder_is_a_source_that_can_be_read_twice(tmp_path: Path) -> None:
    (tmp_path / "red_wolf.txt").write_text("Wolves. " * 70)
    source = open_source(f"folder:{tmp_path}")
    assert len(list(source)) == len(list(source)) == 1
    (matched,) = match(source, [entry("red wolf")]).pages
    page = make_page(matched)
    assert isinstance(page, Page) and page.id == "folder:red_wolf"


def test_a_real_dump_is_shared_out_without_loss(shared_data: Path) -> None:
    source = open_source(f"dump:{shared_data / 'wiki_xml' / 'enwiki_2016_gensim.xml.bz2'}")
    matched = match(source, [entry("aardvark"), entry("abacus"), entry("tench")])
    rejects = list(matched.rejects)
    assert [p.raw.title for p in matched.pages] == ["Aardvark", "Abacus"]
    assert len(matched.pages) + sum(r.reason != "no page" for r in rejects) == 103
    assert [r.input for r in rejects if r.reason == "no page"] == ["id-tench"]
    assert all(isinstance(make_page(page), Page) for page in matched.pages)
