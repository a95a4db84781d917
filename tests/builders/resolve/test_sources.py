"""Dumps, folders and wikis answer what the resolver asks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from imagewikiqa.builders.dump import read_dump
from imagewikiqa.builders.multistream import Found as Hits
from imagewikiqa.builders.pages import Source
from imagewikiqa.builders.raw import RawPage, redirect_target
from imagewikiqa.builders.resolve.from_api import FromApi
from imagewikiqa.builders.resolve.from_pages import FromPages
from imagewikiqa.builders.resolve.resolve import resolve
from imagewikiqa.builders.wiki.api import WikiApi
from imagewikiqa.builders.wiki.records import Fate
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.progress import Progress
from imagewikiqa.core.records import ClassEntry, Reject
from tests.builders.resolve.worlds import CLASSES, WORLD, World

TENCH = """{{Short description|Species of fish}}
{{Taxobox|name=Tench|binomial=Tinca tinca}}
The '''tench''' (''Tinca tinca'') is a [[freshwater]] [[fish]] of the carp family.<ref>x</ref>

== Ecology ==
It is a bird.
[[Category:Freshwater fish]]
[[Category:Cyprinidae|Tench]]"""


def page(title: str, wikitext: str) -> RawPage:
    return RawPage(
        title=title,
        page_id=len(title),
        revision_id=1,
        timestamp=None,
        wikitext=wikitext,
        redirect=redirect_target(wikitext),
        namespace=0,
        source="folder:x",
        url="",
        language="en",
        license="",
    )


PAGES = [
    page("Doctor fish", "#REDIRECT [[Tinca tinca]]"),
    page("Tinca tinca", "#REDIRECT [[Tench#Names]]"),
    page("Tench", TENCH),
    page("Loop", "#REDIRECT [[Pool]]"),
    page("Pool", "#REDIRECT [[Loop]]"),
    page("Crane", "'''Crane''' may refer to:\n* [[Crane (bird)]], a bird\n* a [[Crane (machine)|"
         "machine]]\n* [[Category:X]]\n{{disambiguation}}"),
]  # fmt: skip


def test_pages_give_titles_redirects_and_sections() -> None:
    found = FromPages(PAGES).look_up(["doctor fish", "Tench", "Loop", "Nothing", "Crane"])
    assert set(found) == {"doctor fish", "Tench", "Crane"}
    assert found["doctor fish"].title == "Tench"
    assert found["doctor fish"].redirected_from == "Doctor fish"
    assert found["doctor fish"].fragment == "Names"
    assert found["Tench"].redirected_from is None
    assert found["Crane"].is_disambiguation


def test_pages_give_lead_categories_and_description_without_markup() -> None:
    told = FromPages(PAGES).describe(["Tench"])["Tench"]
    assert told.lead.strip() == "The tench (Tinca tinca) is a freshwater fish of the carp family."
    assert told.categories == ("Freshwater fish", "Cyprinidae")
    assert told.description == "Species of fish"


def test_a_list_page_gives_its_meanings() -> None:
    pages = FromPages(PAGES)
    pages.look_up(["Crane"])
    assert pages.links("Crane") == ["Crane (bird)", "Crane (machine)"]


def test_pages_are_read_again_only_for_titles_not_seen_yet() -> None:
    readings: list[int] = []

    def read() -> Iterator[RawPage | Reject]:
        readings.append(1)
        return iter(PAGES)

    source = Source(spec="test", read=read)
    pages = FromPages(source)
    pages.look_up(["Doctor fish"])
    assert len(readings) == 3  # itself, and a hop each to two titles
    pages.look_up(["Tench", "Doctor fish"])
    pages.describe(["Tench"])
    assert len(readings) == 3
    with pytest.raises(TypeError, match="more than once"):
        FromPages(iter(PAGES))


def test_a_source_with_an_index_is_asked_for_titles_and_never_read_whole() -> None:
    asked: list[list[str]] = []

    def find(
        titles: Iterable[str], *, besides: Iterable[str], listing: int, progress: Progress
    ) -> Hits:
        asked.append([*titles])
        pages = tuple(page for page in PAGES if page.title in asked[-1])
        return Hits(pages=pages, others=(), listed=len(PAGES), language="en")

    def read() -> Iterator[RawPage | Reject]:
        raise RuntimeError("it was read whole")

    pages = FromPages(Source(spec="test", read=read, find=find))
    assert pages.look_up(["Doctor fish"])["Doctor fish"].title == "Tench"
    assert asked == [["Doctor fish"], ["Tinca tinca"], ["Tench"]]


def test_a_class_is_resolved_from_pages_alone() -> None:
    (tench,) = [entry for entry in load_classes("imagenet") if entry.name == "tench"]
    (found,) = resolve([tench], FromPages(PAGES))
    assert found.titles == ("Tench",)
    assert found.confidence > 0.99


def test_real_dumps_give_their_classes(shared_data: Path) -> None:
    paths = sorted((shared_data / "wiki_xml").glob("*.xml.bz2"))
    pages = [page for path in paths for page in read_dump(path)]
    found = resolve(load_classes("imagenet"), FromPages(pages))
    assert {r.id for r in found if "Abacus" in r.titles} == {"n02666196"}
    assert [r.titles for r in found if r.titles] == [("Abacus",)]


class Api:
    """Answers as `WikiApi` does, from the same small encyclopedia."""

    def __init__(self) -> None:
        self.world = World()

    def look_up(self, titles: Sequence[str]) -> Mapping[str, Fate]:
        found = self.world.look_up(titles)
        fates = {t: Fate(asked=t, outcome="missing page", title=t, normalized=t) for t in titles}
        for title, known in found.items():
            fates[title] = Fate(
                asked=title,
                outcome="disambiguation page" if known.is_disambiguation else "page",
                title=known.title,
                normalized=title,
                redirects=(known.redirected_from,) if known.redirected_from else (),
                fragment=known.fragment or "",
                page_id=7,
                revision_id=8,
                description=WORLD["pages"][known.title].get("description", ""),
            )
        return fates

    def leads(self, titles: Sequence[str]) -> Mapping[str, str]:
        return {title: WORLD["pages"][title].get("lead", "") for title in titles}

    def categories(self, titles: Sequence[str]) -> Mapping[str, Sequence[str]]:
        return {title: WORLD["pages"][title].get("categories", ()) for title in titles}

    def search(self, text: str, n: int) -> Sequence[str]:
        return self.world.search(text)[:n]

    def links(self, title: str) -> Sequence[str]:
        return self.world.links(title)


def test_a_wiki_gives_the_same_decisions_with_page_ids() -> None:
    expected = resolve(CLASSES, World())
    found = resolve(CLASSES, FromApi(Api()))
    assert [(r.titles, r.confidence, r.note) for r in found] == [
        (r.titles, r.confidence, r.note) for r in expected
    ]
    assert {(c.page_id, c.revision_id) for r in found for c in r.candidates} == {(7, 8)}


def test_the_client_of_wikis_fits_the_resolver() -> None:
    def take(api: WikiApi) -> FromApi:  # read by mypy
        return FromApi(api)

    assert take.__annotations__["return"] is FromApi
    assert FromApi(Api()).describe([]) == {}


def test_titles_that_lead_nowhere_are_not_found() -> None:
    assert FromApi(Api()).look_up(["Nothing at all", "Tench|Pike"]) == {}
    entry = ClassEntry(id="x", name="nothing at all")
    assert resolve([entry], FromApi(Api()))[0].outcome == "missing"
