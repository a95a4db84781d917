"""The shipped articles of the ImageNet classes are complete, true to the map and explained."""

from collections import defaultdict
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from benchmarks.resolution import read_given
from imagewikiqa.builders.raw import normal_title
from imagewikiqa.builders.resolve.articles import (
    COLUMNS,
    TABLE,
    ArticleRow,
    imagenet_articles,
    read_articles,
)
from imagewikiqa.builders.resolve.offline import Offline
from imagewikiqa.builders.resolve.resolve import resolve
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.errors import ToolkitError

ROWS = {row.class_id: row for row in imagenet_articles()}
SHARED = {
    "Belgian Shepherd": 2, "Bowl": 2, "Jug": 2, "Laptop": 2, "Piano": 2, "Poodle": 3,
    "Sunglasses": 2, "Tabby cat": 2,
}  # fmt: skip
GOOD = "n1,tench,Tench,auto,Tench,same,yes,,"


def users() -> dict[str, set[str]]:
    """Return the classes of every title."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in imagenet_articles():
        for title in row.titles:
            found[title].add(row.class_id)
    return found


def refusal(*lines: str, columns: str = ",".join(COLUMNS)) -> str:
    with pytest.raises(ToolkitError) as caught:
        read_articles("\n".join((columns, *lines, "")))
    sentence = str(caught.value)
    assert "\n" not in sentence and not sentence.endswith(".")
    return sentence


def test_every_class_has_its_row_in_label_order() -> None:
    classes = load_classes("imagenet")
    assert [row.class_id for row in imagenet_articles()] == [entry.id for entry in classes]
    assert [row.name for row in imagenet_articles()] == [entry.name for entry in classes]


def test_titles_are_those_of_the_class_list_the_main_one_first() -> None:
    for entry in load_classes("imagenet"):
        assert entry.title == " | ".join(ROWS[entry.id].titles), entry.id


def test_every_class_has_an_article_and_no_title_twice() -> None:
    for row in imagenet_articles():
        assert row.titles and len(set(row.titles)) == len(row.titles), row.class_id


def test_titles_are_normal_and_no_list_of_meanings() -> None:
    for row in imagenet_articles():
        for title in row.titles:
            assert normal_title(title) == title and not set(title) & set("#<>[]|{}_"), title
            assert not title.lower().endswith("(disambiguation)"), title
            assert not title.lower().startswith(("list of ", "index of ")), title


def test_every_difference_has_one_sentence_of_reason() -> None:
    for row in imagenet_articles():
        if row.difference != "same":
            assert row.reason.endswith("."), row.class_id
        assert row.reason.count(". ") <= row.reason.count("St. "), row.class_id


def test_shared_articles_are_flagged_on_both_sides_and_nowhere_else() -> None:
    found = users()
    for row in imagenet_articles():
        others = {other for title in row.titles for other in found[title]} - {row.class_id}
        assert row.shared_with == tuple(sorted(others)), row.class_id
        for other in row.shared_with:
            assert row.class_id in ROWS[other].shared_with


def test_only_articles_without_a_narrower_one_are_shared() -> None:
    assert {title: len(ids) for title, ids in users().items() if len(ids) > 1} == SHARED


def test_a_title_that_matching_alone_finds_is_never_several() -> None:
    assert all(len(row.titles) == 1 for row in imagenet_articles() if row.how == "auto")
    assert {row.how for row in imagenet_articles()} == {"auto", "hand"}


@pytest.mark.parametrize(
    ("class_id", "titles"),
    [
        ("n01847000", ("Duck",)),
        ("n02012849", ("Crane (bird)",)),
        ("n03126707", ("Crane (machine)",)),
        ("n03710637", ("Tights",)),
        ("n03710721", ("One-piece swimsuit",)),
        ("n03773504", ("Missile",)),
        ("n04008634", ("Projectile",)),
        ("n04355933", ("Sunglasses",)),
        ("n04356056", ("Sunglasses",)),
        ("n02963159", ("Cardigan (sweater)",)),
        ("n02113186", ("Cardigan Welsh Corgi",)),
        ("n12144580", ("Maize",)),
        ("n13133613", ("Ear (botany)",)),
        ("n02125311", ("Cougar",)),
        ("n02127052", ("Lynx",)),
        ("n02395406", ("Pig",)),
        ("n02396427", ("Wild boar",)),
        ("n03782006", ("Computer monitor",)),
        ("n04152593", ("Cathode-ray tube",)),
        ("n02123597", ("Siamese cat",)),
        ("n02965783", ("Wing mirror", "Rear-view mirror")),
    ],
)
def test_classes_of_like_names_have_articles_of_their_own(
    class_id: str, titles: tuple[str, ...]
) -> None:
    assert ROWS[class_id].titles == titles


def test_the_map_is_copied_as_it_is(shared_data: Path) -> None:
    table = shared_data / "imagenet_wiki_map" / "class_article_correspondences_trainval.csv"
    given_titles: dict[str, tuple[str, ...]] = {}
    for line in table.read_text(encoding="utf-8").splitlines():
        # Titles stand between "," and ", " alike, and "-" says that there is none.
        wnid, *cells = (cell.strip() for cell in line.split(","))
        given_titles[wnid] = tuple(cell for cell in cells if cell != "-")
    assert {row.class_id: row.map_titles for row in imagenet_articles()} == given_titles
    for row in imagenet_articles():
        same = set(row.titles) == set(given_titles[row.class_id])
        assert (row.difference == "same") == same, row.class_id


def test_auto_says_what_the_resolver_finds_by_itself(shared_data: Path) -> None:
    given_lists = read_given(shared_data)
    found = resolve(given_lists.classes, Offline(given_lists.listed, given_lists.pages))
    auto = {r.id for r in found if r.titles and set(r.titles) == set(ROWS[r.id].titles)}
    assert {row.class_id for row in imagenet_articles() if row.how == "auto"} == auto


def test_the_file_ends_each_line_alike_and_quotes_only_where_it_must() -> None:
    raw = resources.files("imagewikiqa.builders").joinpath("data", TABLE).read_bytes()
    assert raw.endswith(b"\n") and b"\r" not in raw and not raw.startswith(b"\xef\xbb\xbf")
    assert raw.decode().splitlines()[0] == ",".join(COLUMNS)
    assert len(raw.decode().splitlines()) == 1001


def test_a_row_is_read_as_it_is_written() -> None:
    line = 'n1,a,"A (b) | C",hand,C,split,no,"D, and e.",n2 n3'
    (row,) = read_articles("\n".join((",".join(COLUMNS), line)))
    assert row.titles == ("A (b)", "C") and row.map_titles == ("C",)
    assert not row.sure and row.shared_with == ("n2", "n3") and row.reason == "D, and e."


def test_a_dash_says_that_there_is_no_article() -> None:
    line = "n1,a,-,hand,C,removed,yes,Nothing is written of it.,"
    (row,) = read_articles("\n".join((",".join(COLUMNS), line)))
    assert row.titles == ()


MISTAKES = [
    ("n1,tench,Tench,auto,Tench,same,yes,", "line 3: it has 8 cells for 9 columns"),
    ("n1,tench,,auto,Tench,same,yes,,", "line 3: titles are missing; write -"),
    ("n1,tench,Tench,auto,,same,yes,,", "line 3: titles are missing; write -"),
    ("n1,tench,Tench,auto,Tench,same,maybe,,", "line 3: sure is 'maybe', not yes or no"),
    ("n1,tench,Tench,both,Tench,same,yes,,", "line 3: how: Input should be 'auto' or 'hand'"),
    ("n1,tench,Tench,auto,Tench,equal,yes,,", "line 3: difference: Input should be 'same'"),
    (",tench,Tench,auto,Tench,same,yes,,", "line 3: class_id: String should have at least 1"),
    ("n1,tench,Tench,auto,Carp,same,yes,,", "line 3: the titles do not differ as 'same' says"),
    ("n1,tench,Tench,auto,Tench,redirect,yes,r.,", "do not differ as 'redirect' says"),
    ("n1,tench,Tench,auto,-,other article,yes,r.,", "do not differ as 'other article' says"),
    ("n1,tench,Tench,auto,Carp,added,yes,r.,", "do not differ as 'added' says"),
    ("n1,tench,Tench,auto,Carp,removed,yes,r.,", "do not differ as 'removed' says"),
    ("n1,tench,Tench,auto,Carp,split,yes,r.,", "do not differ as 'split' says"),
    ("n1,tench,Tench,auto,Carp,other article,yes,,", "line 3: a difference has a reason"),
    ("n1,tench,tench,auto,tench,same,yes,,", "'tench' is not written as MediaWiki writes titles"),
    ('n1,tench,Tench,auto,Tench,same,yes,"', "line 3: unexpected end of data"),
]


@pytest.mark.parametrize(("line", "expected"), MISTAKES)
def test_a_mistake_is_one_sentence_with_the_line(line: str, expected: str) -> None:
    sentence = refusal(GOOD, line)
    assert sentence.startswith(TABLE) and expected in sentence


def test_other_columns_are_refused() -> None:
    assert "line 1: the columns are not class_id,name," in refusal(GOOD, columns="id,name")
    with pytest.raises(ToolkitError, match="line 1"):
        read_articles("")


def test_a_row_is_frozen_and_closed() -> None:
    row = imagenet_articles()[0]
    with pytest.raises(ValidationError):
        row.how = "hand"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        ArticleRow.model_validate({**row.model_dump(), "note": "x"})


@given(st.lists(st.lists(st.text(max_size=4), min_size=8, max_size=10), max_size=3))
def test_any_table_is_read_or_refused_in_one_sentence(cells: list[list[str]]) -> None:
    text = "\n".join((",".join(COLUMNS), *(",".join(row) for row in cells)))
    try:
        rows = read_articles(text)
    except ToolkitError as error:
        assert str(error).startswith(TABLE)
    else:
        assert all(row.class_id for row in rows)
