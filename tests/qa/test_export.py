"""The upstream layout and the attribution say exactly what was released, or refuse."""

import csv
import json
import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import Item, Page, Question
from imagewikiqa.core.tables import read_table
from imagewikiqa.qa.attribution import CHANGES, cited_pages, set_licence, write_attribution
from imagewikiqa.qa.audit import audit
from imagewikiqa.qa.export import lettered, upstream_rows, write_upstream

DATA = Path(__file__).parents[1] / "data" / "export"
QUESTIONS = tuple(read_table(DATA / "questions.jsonl", Question))
ITEMS = tuple(read_table(DATA / "items.jsonl", Item))
PAGES = tuple(read_table(DATA / "pages.jsonl", Page))


def licensed(*names: str) -> list[Page]:
    return [page.model_copy(update={"license": n}) for page, n in zip(PAGES, names, strict=False)]


def test_an_upstream_row_has_the_five_fields_of_the_released_file_in_their_order() -> None:
    first = next(upstream_rows(QUESTIONS, ITEMS))
    assert list(first.items()) == [
        ("image", "images/n02129604/origin.jpg"),
        (
            "text",
            "Where does this object come from?\nA. Asia\nB. Paraguay\nC. West Africa\nD. Hawaii\n"
            "Choose A, B, C, or D.",
        ),
        ("label", "A"),
        ("wiki", "The tiger comes from Asia."),
        ("classname", "tiger"),
    ]


def test_our_rows_have_the_shape_of_the_released_rows(shared_data: Path) -> None:
    parts = sorted((shared_data / "imagewikiqa_half").glob("*.jsonl"))
    released = [json.loads(line) for line in parts[0].read_text("utf-8").splitlines()]
    shape = re.compile(r"[^\n]+\nA\. .+\nB\. .+\nC\. .+\nD\. .+\nChoose A, B, C, or D\.")
    ours = list(upstream_rows(QUESTIONS, ITEMS))
    assert len(released) > 500
    for row in [*released, *ours]:
        assert list(row) == list(released[0])
        assert shape.fullmatch(row["text"])
    assert {row["image"].split("/")[0] for row in released} == {"images"}


def test_an_item_without_an_image_has_an_empty_image_field() -> None:
    bare = ITEMS[0].model_copy(update={"image": None})
    assert next(upstream_rows(QUESTIONS, [bare]))["image"] == ""


def test_the_folder_before_an_image_can_be_left_out() -> None:
    assert next(upstream_rows(QUESTIONS, ITEMS, ""))["image"] == "n02129604/origin.jpg"


def test_the_letter_in_the_text_stands_before_the_right_option_of_its_own_item() -> None:
    turned = [
        item.model_copy(
            update={
                "choices": item.choices[1:] + item.choices[:1],
                "answer": (item.answer - 1) % 4,
                "letter": "ABCD"[(item.answer - 1) % 4],
            }
        )
        for item in ITEMS
    ]
    right = {question.id: question.choices[question.answer] for question in QUESTIONS}
    rows = list(upstream_rows(QUESTIONS, turned))
    assert len(rows) == 12
    for row, item in zip(rows, turned, strict=True):
        assert f"\n{row['label']}. {right[item.question_id]}\n" in row["text"]


def test_a_line_break_in_an_option_cannot_make_a_fifth_line() -> None:
    text = lettered("Which\none?", ["a\nB. b", "c\u2028d", "e\r\nf", "g"])
    assert text.splitlines() == [
        "Which one?", "A. a B. b", "B. c d", "C. e f", "D. g", "Choose A, B, C, or D.",
    ]  # fmt: skip


def test_the_file_is_utf8_as_written_and_the_same_twice(tmp_path: Path) -> None:
    named = [question.model_copy(update={"class_name": "café"}) for question in QUESTIONS]
    assert write_upstream(tmp_path / "a.jsonl", named, ITEMS) == 12
    write_upstream(tmp_path / "b.jsonl", iter(named), iter(ITEMS))
    content = (tmp_path / "a.jsonl").read_bytes()
    assert "café".encode() in content
    assert content == (tmp_path / "b.jsonl").read_bytes()
    assert len(content.splitlines()) == 12


def test_the_auditor_reads_the_file_back_with_every_class_and_letter(tmp_path: Path) -> None:
    write_upstream(tmp_path / "imagewikiqa.jsonl", QUESTIONS, ITEMS)
    summary = audit(tmp_path / "imagewikiqa.jsonl").summary
    assert (summary.rows, summary.questions, summary.classes, summary.images) == (12, 12, 4, 12)
    assert summary.letters == {"A": 3, "B": 3, "C": 3, "D": 3}
    assert summary.unreadable_rows == 0


def test_an_item_of_no_question_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match="q-tiger-origin"):
        write_upstream(tmp_path / "a.jsonl", QUESTIONS[1:], ITEMS)
    assert list(tmp_path.iterdir()) == []


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))


def test_every_quoted_page_is_credited_once_with_its_permanent_link(tmp_path: Path) -> None:
    count = write_attribution(tmp_path / "ATTRIBUTION.tsv", QUESTIONS[:5], PAGES)
    rows = rows_of(tmp_path / "ATTRIBUTION.tsv")
    assert count == 2
    assert [row["title"] for row in rows] == ["Tiger", "Pineapple"]
    assert rows[0] == {
        "title": "Tiger",
        "page_id": "1",
        "revision_id": "101",
        "permanent_link": "https://en.wikipedia.org/w/index.php?title=Tiger&oldid=101",
        "licence": "CC-BY-4.0",
        "changes": CHANGES,
    }


def test_tabs_and_line_breaks_in_a_title_stay_in_their_cell(tmp_path: Path) -> None:
    odd = [PAGES[0].model_copy(update={"title": "A\tb\r\nc\u2028d", "page_id": None}), *PAGES[1:]]
    write_attribution(tmp_path / "a.tsv", QUESTIONS, odd)
    lines = (tmp_path / "a.tsv").read_text("utf-8").splitlines()
    assert len(lines) == 5
    assert {line.count("\t") for line in lines} == {5}
    assert lines[1].startswith("A b c d\t\t101\t")


@pytest.mark.parametrize(
    ("pages", "problem"),
    [
        (PAGES[1:], "not among the pages"),
        ([PAGES[0].model_copy(update={"revision_id": 7}), *PAGES[1:]], "revision 7, not 101"),
        ([PAGES[0].model_copy(update={"text": "other"}), *PAGES[1:]], "does not hold the quote"),
    ],
    ids=["missing", "another revision", "another text"],
)
def test_a_question_whose_page_cannot_be_credited_is_refused(
    pages: Sequence[Page], problem: str, tmp_path: Path
) -> None:
    with pytest.raises(ToolkitError, match=problem) as error:
        write_attribution(tmp_path / "a.tsv", QUESTIONS, pages)
    assert "q-tiger-origin" in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_cited_pages_come_in_the_order_of_the_pages() -> None:
    assert cited_pages(reversed(QUESTIONS), PAGES) == PAGES


@pytest.mark.parametrize(
    ("licences", "expected"),
    [
        (("CC-BY-4.0", "CC-BY-4.0"), "cc-by-4.0"),
        (("CC-BY-4.0", "CC-BY-SA-4.0"), "cc-by-sa-4.0"),
        (("CC BY-SA 3.0", "cc by 4.0"), "cc-by-sa-4.0"),
        (("CC-BY-SA-4.0", "unknown"), "other"),
        (("CC-BY-NC-4.0",), "other"),
        (("",), "other"),
    ],
)
def test_the_set_takes_the_strictest_licence_that_its_pages_ask_for(
    licences: tuple[str, ...], expected: str
) -> None:
    assert set_licence(licensed(*licences)) == expected
