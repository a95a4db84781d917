"""A source is read as seldom as its redirects allow, and a class may have several articles."""

import bz2
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.builders.matching import LOOKS, Source, match, several, shared
from imagewikiqa.builders.pages import make_page, open_source
from imagewikiqa.builders.raw import RawPage
from imagewikiqa.builders.unused import LISTED
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry, Page, Reject
from tests.builders.dump_files import INDEX, NAME, Draft, write_multistream, write_plain


class Watcher:
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.stages: list[tuple[str, int, int]] = []
        self.open = False

    def begin(self, stage: str, total: int, done: int) -> None:
        """Remember a stage, its total, and nothing told yet."""
        assert not self.open and done == 0
        self.open = True
        self.stages.append((stage, total, 0))

    def spend(self, calls: int, usd: float, unknown: bool) -> None:
        raise AssertionError("nothing here asks a model")

    def advance(self, count: int) -> None:
        """Add to what was told."""
        assert self.open
        stage, total, told = self.stages[-1]
        self.stages[-1] = (stage, total, told + count)

    def end(self) -> None:
        """Close the stage."""
        self.open = False


def entry(name: str, title: str | None = None) -> ClassEntry:
    return ClassEntry(id=f"id-{name}", name=name, title=title)


def pages_of(drafts: Sequence[Draft]) -> list[RawPage]:
    with tempfile.TemporaryDirectory() as folder:
        path = write_plain(Path(folder) / "d.xml", drafts)
        return [page for page in open_source(f"dump:{path}") if isinstance(page, RawPage)]


def counted(drafts: Sequence[Draft]) -> tuple[Source, list[list[str]]]:
    """Return a source of pages and the titles it gave, a list for each reading."""
    pages = pages_of(drafts)
    readings: list[list[str]] = []

    def read() -> Iterator[RawPage | Reject]:
        readings.append([])
        for page in pages:
            readings[-1].append(page.title)
            yield page

    return Source(spec="sample", read=read), readings


def test_one_reading_is_enough_when_targets_stand_later() -> None:
    source, readings = counted(
        [Draft("Big cat", redirect="Cat"), Draft("Ant"), Draft("Cat", redirect="Tiger"),
         Draft("Tiger"), Draft("Lion")]
    )  # fmt: skip
    matched = match(source, [entry("big cat"), entry("lion"), entry("unicorn")])
    assert [page.title for page in matched.pages] == ["Tiger", "Lion"]
    assert len(readings) == 1


def test_a_target_that_stood_earlier_is_read_again_and_no_further() -> None:
    source, readings = counted(
        [Draft("Ant"), Draft("Tiger"), Draft("Lion"), Draft("Big cat", redirect="Tiger")]
    )
    matched = match(source, [entry("big cat"), entry("unicorn")])
    assert [page.title for page in matched.pages] == ["Tiger"]
    assert readings == [["Ant", "Tiger", "Lion", "Big cat"], ["Ant", "Tiger"]]
    assert Counter(one.reason for one in matched.rejects) == {
        "no class asks for this page": 2, "redirect": 1, "no page": 1
    }  # fmt: skip
    assert "Tiger" not in {one.detail for one in matched.rejects}


def test_redirects_are_followed_backwards_so_far_and_told_of() -> None:
    chain = [Draft("T0"), *(Draft(f"T{n}", redirect=f"T{n - 1}") for n in range(1, 20))]
    source, readings = counted(chain)
    (page,) = match(source, [entry(f"t{LOOKS - 1}")]).pages
    assert page.title == "T0" and len(readings) == LOOKS
    matched = match(source, [entry("t19")])
    assert matched.pages == ()
    (missing,) = [one for one in matched.rejects if one.reason == "no page"]
    assert f"no more than {LOOKS} redirects" in missing.detail


def test_a_class_gets_all_its_articles_and_an_article_all_its_classes() -> None:
    source, _ = counted(
        [Draft("Cardigan"), Draft("Corgi"), Draft("Welsh dog", redirect="Corgi"), Draft("Wales")]
    )
    classes = [
        entry("corgi", "Corgi | Wales"), entry("dog", "Welsh dog|Corgi"), entry("cardigan")
    ]  # fmt: skip
    matched = match(source, classes)
    assert [(page.title, page.class_ids) for page in matched.pages] == [
        ("Corgi", ("id-corgi", "id-dog")),
        ("Wales", ("id-corgi",)),
        ("Cardigan", ("id-cardigan",)),
    ]
    assert shared(matched.pages) == {"Corgi": ("id-corgi", "id-dog")}
    assert several(matched.pages) == {"id-corgi": ("Corgi", "Wales")}
    assert [one.reason for one in matched.rejects] == ["redirect"]


def test_one_missing_title_of_several_costs_a_row_and_not_the_class() -> None:
    source, _ = counted([Draft("Corgi"), Draft("Dog", "{{disambig}}")])
    classes = [entry("corgi", "Corgi | Wales | Dog"), entry("all gone", "X | Y")]
    matched = match(source, classes)
    assert [page.class_ids for page in matched.pages] == [("id-corgi",)]
    rows = [one for one in matched.rejects if one.reason.startswith("no page")]
    assert [(one.input, one.reason) for one in rows] == [
        ("id-corgi", "no page for one of its titles"),
        ("id-corgi", "no page for one of its titles"),
        ("id-all gone", "no page"),
    ]
    assert len({one.id for one in rows}) == 3
    assert all("corgi" in one.detail for one in rows[:2])
    assert "Wales" in rows[0].detail and "disambiguation page" in rows[1].detail
    assert "'X'" in rows[2].detail and "'Y'" in rows[2].detail


def test_what_serves_is_told_of_clean_pages_too() -> None:
    source, _ = counted([Draft("Corgi", "Words of a dog. " * 30)])
    (page,) = map(make_page, match(source, [entry("a", "Corgi"), entry("b", "Corgi")]).pages)
    assert isinstance(page, Page)
    assert shared([page]) == {"Corgi": ("id-a", "id-b")} and several([page]) == {}


def test_a_page_found_by_a_second_reading_frees_its_place_in_the_list() -> None:
    fillers = [Draft(f"Filler {number}") for number in range(LISTED + 3)]
    source, _ = counted([Draft("Tiger"), *fillers, Draft("Big cat", redirect="Tiger")])
    matched = match(source, [entry("big cat")])
    unused = [one for one in matched.rejects if one.reason == "no class asks for this page"]
    assert [one.detail for one in unused] == [draft.title for draft in fillers[:LISTED]]
    assert "no class asks for this page, and 3 more pages" in {o.reason for o in matched.rejects}


def test_copies_of_a_used_page_past_a_thousand_are_counted() -> None:
    source, _ = counted([Draft("Tiger"), Draft("Ant")])
    tiger, ant = source
    matched = match([tiger, *[tiger] * (LISTED + 2), ant], [entry("tiger")])
    assert Counter(one.reason for one in matched.rejects) == {
        "duplicate page": LISTED, "duplicate page, and 2 more pages": 1,
        "no class asks for this page": 1,
    }  # fmt: skip


NAMES = st.sampled_from([f"T{number}" for number in range(7)])
GRAPHS = st.lists(
    st.builds(Draft, NAMES, st.sampled_from(["", "Text.", "{{dab}}"]), st.none() | NAMES),
    max_size=9,
)
ASKED = st.lists(st.lists(NAMES, min_size=1, max_size=3), max_size=4)


@given(drafts=GRAPHS, asked=ASKED)
def test_every_page_is_used_or_rejected_once(drafts: list[Draft], asked: list[list[str]]) -> None:
    source, _ = counted(drafts)
    classes = [entry(f"c{number}", "|".join(titles)) for number, titles in enumerate(asked)]
    matched = match(source, classes)
    told = [one for one in matched.rejects if not one.reason.startswith("no page")]
    assert len(told) + len(matched.pages) == len(drafts)
    assert len({one.id for one in matched.rejects}) == len(matched.rejects)
    served = {one for page in matched.pages for one in page.class_ids}
    lost = {one.input for one in matched.rejects if one.reason == "no page"}
    assert served | lost == {one.id for one in classes} and not served & lost
    assert all(page.raw.redirect is None and page.raw.wikitext for page in matched.pages)


@given(
    drafts=GRAPHS.map(lambda drafts: list({d.title: d for d in drafts}.values())).filter(bool),
    asked=ASKED, per_stream=st.integers(1, 4),
)  # fmt: skip
def test_a_dump_searched_by_its_index_serves_classes_as_one_read_whole(
    drafts: list[Draft], asked: list[list[str]], per_stream: int
) -> None:
    classes = [entry(f"c{number}", "|".join(titles)) for number, titles in enumerate(asked)]
    with tempfile.TemporaryDirectory() as folder:
        written = write_multistream(Path(folder), drafts, per_stream)
        searched = match(open_source(f"dump:{written}"), classes)
        assert match(open_source(f"dump:{written.with_name(INDEX)}"), classes) == searched
        written.with_name(INDEX).unlink()
        whole = match(open_source(f"dump:{written}"), classes)
    assert searched.pages == whole.pages
    assert [o for o in searched.rejects if o.reason.startswith("no page")] == [
        o for o in whole.rejects if o.reason.startswith("no page")
    ]
    assert len(searched.rejects) == len(whole.rejects)


def test_pages_that_an_index_names_and_no_one_reads_are_accounted_for(tmp_path: Path) -> None:
    fillers = [Draft(f"Filler {number}") for number in range(LISTED + 5)]
    drafts = [*fillers, Draft("Big cat", redirect="Tiger"), Draft("Tiger"), Draft("Dab", "{{dab}}")]
    written = write_multistream(tmp_path, drafts, 100)
    matched = match(open_source(f"dump:{written}"), [entry("big cat"), entry("dab")])
    assert [page.title for page in matched.pages] == ["Tiger"]
    unused = "no class asks for this page"
    assert Counter(one.reason for one in matched.rejects) == {
        unused: LISTED, f"{unused}, and 5 more pages": 1, "redirect": 1,
        "disambiguation page": 1, "no page": 1,
    }  # fmt: skip
    first = next(one for one in matched.rejects if one.reason == unused)
    assert (first.input, first.detail) == ("en:1", "Filler 0")


def test_a_bar_can_be_drawn_of_what_is_read(tmp_path: Path) -> None:
    drafts = [Draft(f"Page {number}", "word " * 900) for number in range(300)]
    written = write_multistream(tmp_path, drafts, 10)
    size, index = written.stat().st_size, written.with_name(INDEX)
    watcher = Watcher()
    match(open_source(f"dump:{written}"), [entry("page 7"), entry("page 9")], watcher)
    assert watcher.stages == [
        ("dump index", index.stat().st_size, index.stat().st_size), ("dump streams", 1, 1)
    ]  # fmt: skip
    index.unlink()
    plain = write_plain(tmp_path / "d.xml", drafts)
    for workers, path in ((1, written), (2, written), (1, plain)):
        watcher = Watcher()
        match(open_source(f"dump:{path}", workers=workers), [entry("page 7")], watcher)
        assert watcher.stages == [("dump", path.stat().st_size, path.stat().st_size)]
        assert not watcher.open
    assert size > 0


def test_an_error_closes_the_bar(tmp_path: Path) -> None:
    cut = tmp_path / NAME
    cut.write_bytes(bz2.compress(b"<mediawiki><page>"))
    watcher = Watcher()
    with pytest.raises(ToolkitError, match="not well-formed"):
        match(open_source(f"dump:{cut}"), [entry("x")], watcher)
    assert not watcher.open and len(watcher.stages) == 1
