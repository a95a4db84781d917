"""The file of fixes comes back as it was written, changed where a person changed it."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import Question
from imagewikiqa.core.sheets import inert, plain
from imagewikiqa.qa.rounds.fixes import COLUMNS, fixed, read_fixes, write_fixes
from imagewikiqa.qa.rounds.records import Verdict
from tests.qa.rounds.made import HOSTILE, question


def verdict(consensus: int | None = 1, comment: str = "It eats fish.") -> Verdict:
    return Verdict.model_validate({
        "id": "n1:0", "verdict": "fix", "reason": "another option was chosen", "origin": "set",
        "key": 0, "votes": (0, 2, 0, 0), "raters": ("anna", "ben"), "consensus": consensus,
        "comments": (comment,), "rounds": ("one",),
    })  # fmt: skip


def filled(path: Path, asked: Question, **cells: str) -> Path:
    """Write the file of one fix and change cells of its row."""
    write_fixes(path, [(asked, verdict())])
    with path.open(newline="", encoding="utf-8") as stream:
        row = next(csv.DictReader(stream))
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerow(row | cells)
    return path


def test_an_untouched_row_takes_the_peoples_choice(tmp_path: Path) -> None:
    asked = question()
    write_fixes(tmp_path / "fixes.csv", [(asked, verdict())])
    fix = read_fixes(tmp_path / "fixes.csv", [asked.id])[asked.id]
    new = fixed(asked, fix)
    assert (new.answer, new.choices, new.question) == (1, asked.choices, asked.question)
    assert (new.evidence, new.author, new.judge, new.checks) == (
        asked.evidence, asked.author, None, {},
    )  # fmt: skip


def test_a_row_whose_texts_and_key_stay_changes_nothing(tmp_path: Path) -> None:
    asked = question().model_copy(update={"checks": {"leak": True}})
    file = filled(tmp_path / "fixes.csv", asked, answer="a")
    assert fixed(asked, read_fixes(file, [asked.id])[asked.id]) == asked


def test_a_new_option_has_no_page_of_its_own(tmp_path: Path) -> None:
    asked = question().model_copy(update={"choice_class_ids": ("n1", "n2", "n3", "n4")})
    file = filled(tmp_path / "fixes.csv", asked, C="boar")
    new = fixed(asked, read_fixes(file, [asked.id])[asked.id])
    assert new.choices == ("deer", "grass", "boar", "stones")
    assert new.choice_class_ids == ("n1", "n2", None, "n4")


@pytest.mark.parametrize("letter", ["", "-"])
def test_a_row_may_wait_or_leave_its_question_out(letter: str, tmp_path: Path) -> None:
    file = filled(tmp_path / "fixes.csv", question(), answer=letter)
    fixes = read_fixes(file, ["n1:0"])
    assert fixes == {} if not letter else fixes["n1:0"].answer is None


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_come_back_and_are_no_formula(text: str, tmp_path: Path) -> None:
    asked = question(asked=text, choices=(text, "b", "c", "d"))
    write_fixes(tmp_path / "fixes.csv", [(asked, verdict(0, text))])
    with (tmp_path / "fixes.csv").open(newline="", encoding="utf-8") as stream:
        assert not any(cell.startswith(("=", "+", "-", "@")) for row in csv.reader(stream)
                       for cell in row)  # fmt: skip
    assert fixed(asked, read_fixes(tmp_path / "fixes.csv", [asked.id])[asked.id]) == asked


@given(st.text())
def test_what_keeps_a_spreadsheet_from_computing_is_undone(text: str) -> None:
    assert plain(inert(text)) == text
    assert not inert(text).startswith(("=", "+", "-", "@", "\t", "\r"))


@pytest.mark.parametrize(
    ("cells", "says"),
    [
        ({"answer": "E"}, "line 2: the answer is A, B, C, D or -"),
        ({"id": "n9:9"}, "'n9:9' is no question to fix here"),
        ({"B": " "}, "a text of the question is empty"),
        ({"B": "Deer"}, "two options are the same"),
    ],
)
def test_a_mistake_is_named_with_its_line(cells: dict[str, str], says: str, tmp_path: Path) -> None:
    file = filled(tmp_path / "fixes.csv", question(), **cells)
    with pytest.raises(ToolkitError, match=says):
        read_fixes(file, ["n1:0"])


def test_what_is_no_file_of_fixes_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match="cannot be read"):
        read_fixes(tmp_path / "none.csv", [])
    (tmp_path / "other.csv").write_text("id;class\n", encoding="utf-8")
    with pytest.raises(ToolkitError, match="line 1: the columns are not"):
        read_fixes(tmp_path / "other.csv", [])
