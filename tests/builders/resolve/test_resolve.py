"""Classes find their articles in a small encyclopedia, and doubt is said, not hidden."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from imagewikiqa.builders.resolve.knowledge import Found
from imagewikiqa.builders.resolve.offline import Offline
from imagewikiqa.builders.resolve.records import Resolution
from imagewikiqa.builders.resolve.resolve import resolve
from imagewikiqa.core.digests import digest
from imagewikiqa.core.records import ClassEntry
from tests.builders.resolve.worlds import CLASSES, World

REPO = Path(__file__).parents[3]
FOUND = {r.id: r for r in resolve(CLASSES, World())}
PELICAN = ClassEntry(
    id="pelican",
    name="pelican",
    definition="large long-winged warm-water seabird having a large bill",
    hypernyms=("seabird", "aquatic bird", "bird", "animal"),
)
LISTED = {"pelican": ["Pelican", "Pelican (disambiguation)", "Pelican (bomb)", "FV Pelican"]}


@pytest.mark.parametrize(
    ("class_id", "titles"),
    [
        ("crane-bird", ("Crane (bird)",)),
        ("crane-machine", ("Crane (machine)",)),
        ("rooster", ("Rooster",)),
        ("cougar", ("Cougar",)),
        ("orange", ("Orange (fruit)",)),
        ("shield", ("Shield", "Buckler")),
        ("grey-whale", ("Gray whale",)),
        ("sunglasses", ("Sunglasses",)),
    ],
)
def test_a_class_gets_the_article_about_it(class_id: str, titles: tuple[str, ...]) -> None:
    assert FOUND[class_id].outcome == "resolved"
    assert FOUND[class_id].titles == titles
    assert FOUND[class_id].confidence >= 0.8
    assert FOUND[class_id].how == "auto"


def test_an_article_about_something_else_leaves_the_class_open() -> None:
    assert FOUND["sunglass"].outcome == "ambiguous"
    assert "class sunglasses" in FOUND["sunglass"].note
    assert FOUND["scraper"].outcome == "missing"
    assert FOUND["scraper"].titles == ()


def test_a_redirect_to_another_thing_does_not_win() -> None:
    other = next(c for c in FOUND["rooster"].candidates if c.title == "Penis")
    assert other.share < 0.01
    assert any("redirected from the synonym 'cock'" in clue.detail for clue in other.clues)


def test_an_article_that_covers_the_class_in_a_section_says_so() -> None:
    assert FOUND["grand"].titles == ("Piano",)
    assert FOUND["grand"].note == "the article covers it in the section 'Grand'"
    assert FOUND["grand"].candidates[0].fragment == "Grand"


def test_every_decision_keeps_its_evidence_and_how_it_was_found() -> None:
    best = FOUND["crane-bird"].candidates[0]
    kinds = {clue.kind for clue in best.clues}
    assert {"prior", "title", "qualifier", "lead", "definition", "description"} <= kinds
    assert best.score == pytest.approx(sum(clue.weight for clue in best.clues), abs=0.01)
    assert "listed at 'Crane'" in best.found_by


def test_one_article_of_two_classes_is_flagged_on_both() -> None:
    twins = [CLASSES[-1], CLASSES[-1].model_copy(update={"id": "upright", "name": "piano"})]
    found = {r.id: r for r in resolve(twins, World())}
    assert found["grand"].titles == found["upright"].titles == ("Piano",)
    assert found["grand"].shared_with == ("upright",)
    assert found["upright"].shared_with == ("grand",)


def test_two_classes_of_one_name_are_told_apart_by_what_they_are() -> None:
    cranes = [
        entry.model_copy(update={"name": "crane"}) for entry in CLASSES if "crane" in entry.id
    ]
    for classes in (cranes, cranes[::-1]):
        found = {r.id: r for r in resolve(classes, World())}
        assert found["crane-bird"].titles == ("Crane (bird)",)
        assert found["crane-machine"].titles == ("Crane (machine)",)


def test_a_name_of_two_classes_decides_nothing_alone_in_either_order() -> None:
    twins = [ClassEntry(id=one, name="pelican") for one in ("a", "b")]
    for classes in (twins, twins[::-1]):
        found = resolve(classes, Offline({"pelican": ["Pelican"]}))
        assert [r.outcome for r in found] == ["ambiguous", "ambiguous"]
        assert found[0].confidence == found[1].confidence
    (alone,) = resolve(twins[:1], Offline({"pelican": ["Pelican"]}))
    assert alone.titles == ("Pelican",)


ODD = [
    "x", "Ä", "北京烤鸭", "кошка", "قطة", "-", "(", "a (b", "()", "!!!", "🐈", "or", "a or b", "/",
    ", ,", "C++", "AC/DC", "the", "A_b", "e\u0301", "ß", "İstanbul", "=1+1", "crane", "Crane",
    "w " * 3000, "(" * 3000, "a" + " " * 3000 + "b", "crane (bird)" * 50,
]  # fmt: skip


def test_classes_with_odd_names_alone_and_together_have_decisions() -> None:
    classes = [ClassEntry(id=str(at), name=name) for at, name in enumerate(ODD)]
    listed = {name: [name, f"{name} (disambiguation)", f"{name}, Ohio"] for name in ODD}
    found = resolve(classes, Offline(listed, widen=True))
    assert [r.id for r in found] == [entry.id for entry in classes]
    taken = {r.class_name: r.titles for r in found}
    assert taken["北京烤鸭"] == ("北京烤鸭",) and taken["кошка"] == ("Кошка",)
    for entry in classes:
        (alone,) = resolve([entry], Offline(listed))
        assert alone.outcome in ("resolved", "ambiguous", "missing")


def test_hundreds_of_candidates_are_weighed_as_a_few_are() -> None:
    few = {"pelican": [*LISTED["pelican"], "Pelican bay"]}
    many = {"pelican": [*few["pelican"], *(f"Pelican {at} (ship)" for at in range(800))]}
    (expected,), (found,) = (resolve([PELICAN], Offline(listed)) for listed in (few, many))
    assert found.titles == expected.titles == ("Pelican",)
    assert found.candidates[0].clues == expected.candidates[0].clues


def test_titles_are_asked_for_together_and_lists_are_not_read_as_articles() -> None:
    world = World()
    resolve(CLASSES, world)
    assert world.calls["look_up"] == 3
    assert world.calls["describe"] == 2
    assert not {"Crane", "Orange"} & {*world.described}
    assert len({*world.described}) == len(world.described)


def test_the_same_words_in_another_order_are_searched_for_once() -> None:
    asked: list[str] = []

    class Listening(Offline):
        def search(self, text: str) -> list[str]:
            asked.append(text)
            return super().search(text)

    names = ("Audi A5 Coupe 2012", "Audi A5 Coupe", "Audi A5 coupé", "Audi A5", "A5")
    entry = ClassEntry(id="car-013", name="2012 Audi A5 Coupe", synonyms=names)
    resolve([entry], Listening({}))
    assert asked == ["2012 Audi A5 Coupe", "Audi A5 Coupe", "Audi A5"]


def test_a_class_that_its_own_article_settles_asks_for_nothing_more() -> None:
    world = World()
    resolve([entry for entry in CLASSES if entry.id == "grey-whale"], world)
    assert world.calls["search"] == 0
    assert world.calls["links"] == 0


@given(st.one_of(st.none(), st.text()))
def test_the_title_in_a_class_list_is_never_read(title: str | None) -> None:
    asked = [entry.model_copy(update={"title": title}) for entry in CLASSES]
    assert resolve(asked, World()) == list(FOUND.values())


@given(st.permutations(LISTED["pelican"]), st.permutations(CLASSES))
def test_the_order_of_what_is_found_decides_nothing(
    titles: list[str], classes: list[ClassEntry]
) -> None:
    assert resolve([PELICAN], Offline({"pelican": titles})) == resolve([PELICAN], Offline(LISTED))
    assert {r.id: r.titles for r in resolve(classes, World())} == {
        class_id: r.titles for class_id, r in FOUND.items()
    }


def test_another_process_writes_the_same_bytes() -> None:
    code = (
        "from tests.builders.resolve.worlds import CLASSES, World\n"
        "from imagewikiqa.builders.resolve.resolve import resolve\n"
        "from imagewikiqa.core.digests import digest\n"
        "print(digest([r.model_dump(mode='json') for r in resolve(CLASSES, World())]))"
    )
    here = digest([r.model_dump(mode="json") for r in FOUND.values()])
    for seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        there = subprocess.run(
            [sys.executable, "-c", code],
            cwd=REPO, env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert there.stdout.strip() == here


def test_a_list_beside_it_shows_that_a_plain_title_is_the_main_meaning() -> None:
    (alone,) = resolve([PELICAN], Offline(LISTED))
    assert alone.titles == ("Pelican",)
    without = {"pelican": ["Pelican", "Pelican (bomb)", "Pelican (dinghy)"]}
    (doubtful,) = resolve([PELICAN], Offline(without))
    assert doubtful.outcome == "ambiguous"
    assert "may be a list of meanings" in doubtful.note


def test_a_list_page_implies_the_page_beside_it() -> None:
    (found,) = resolve([PELICAN], Offline({"pelican": ["Pelican (disambiguation)"]}))
    assert found.titles == ("Pelican",)


def test_distractors_that_share_a_word_do_not_win() -> None:
    listed = {**LISTED, "pelican eel": ["Pelican eel"], "ship": ["Pelican (1793 ship)"]}
    (found,) = resolve([PELICAN], Offline(listed, widen=True))
    assert found.titles == ("Pelican",)
    assert {"Pelican eel", "Pelican (1793 ship)"} <= {c.title for c in found.candidates}


def test_a_lead_outweighs_a_title() -> None:
    song = Found(title="Pelican", lead="Pelican is a song by an English band.")
    (found,) = resolve([PELICAN], Offline(LISTED, {"Pelican": song}))
    assert found.outcome != "resolved"
    bird = Found(title="Pelican", lead="Pelicans are a genus of large water birds with a bill.")
    (found,) = resolve([PELICAN], Offline(LISTED, {"Pelican": bird}))
    assert found.confidence > 0.95


def test_nothing_found_is_missing_and_no_class_is_no_work() -> None:
    (found,) = resolve([PELICAN], Offline({}))
    assert (found.outcome, found.confidence, found.candidates) == ("missing", 0, ())
    assert resolve([], Offline({})) == []


def test_a_watcher_sees_every_class_done() -> None:
    seen: list[int] = []

    class Watcher:
        def begin(self, stage: str, total: int, done: int) -> None:
            seen.append(-total)

        def spend(self, calls: int, usd: float, unknown: bool) -> None:
            raise AssertionError("nothing here asks a model")

        def advance(self, count: int) -> None:
            seen.append(count)

        def end(self) -> None:
            seen.append(0)

    resolve(CLASSES, World(), Watcher())
    assert sum(seen) == 0
    assert seen[0] == -2 * len(CLASSES)


@given(
    st.dictionaries(st.text(min_size=1, max_size=12), st.lists(st.text(max_size=12), max_size=4)),
    st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=12),
)
def test_any_titles_give_a_decision_with_shares_below_one(
    listed: dict[str, Sequence[str]], name: str
) -> None:
    entry = ClassEntry(id="x", name=name, definition="a small bird")
    (found,) = resolve([entry], Offline({**listed, name: ["Bird", name]}, widen=True))
    assert sum(c.share for c in found.candidates) <= 1.001
    assert [c.score for c in found.candidates] == sorted(
        (c.score for c in found.candidates), reverse=True
    )


def test_a_resolution_has_titles_exactly_when_it_is_resolved() -> None:
    with pytest.raises(ValidationError, match="exactly when"):
        Resolution(id="x", class_name="x", outcome="missing", titles=("X",), confidence=0)
    with pytest.raises(ValidationError, match="exactly when"):
        Resolution(id="x", class_name="x", outcome="resolved", titles=(), confidence=1)
