"""The set that people leave: votes on what stays, a reason for what leaves, nothing renumbered."""

from pathlib import Path

import pytest

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import LETTERS, Item, Question
from imagewikiqa.qa.rounds.apply import Applied, apply
from imagewikiqa.qa.rounds.fixes import COLUMNS, Fix, read_fixes, write_fixes
from imagewikiqa.qa.rounds.records import Verdict
from tests.qa.rounds.made import question


def verdict(name: str, said: str, **fields: object) -> Verdict:
    return Verdict.model_validate({
        "id": name, "verdict": said, "reason": "a reason", "origin": "set", "key": 0,
        "votes": (2, 0, 1, 0), "raters": ("a", "b", "c"), "consensus": 0, "rounds": ("r",),
        **fields,
    })  # fmt: skip


def item(one: Question, image: str | None = None, rank: int = 0) -> Item:
    return Item(
        item_id=f"{one.id}-{rank}", question_id=one.id, class_id=one.class_id, image=image,
        question=one.question, choices=one.choices, answer=one.answer, letter=LETTERS[one.answer],
    )  # fmt: skip


QUESTIONS = [question(at, asked="What does this object eat?") for at in range(4)]


def applied(
    found: list[Verdict], *, fixes: dict[str, Fix] | None = None, verified_only: bool = False
) -> Applied:
    return apply(
        QUESTIONS, [item(one) for one in QUESTIONS], {one.id: one for one in found}, fixes or {},
        {}, verified_only=verified_only,
    )  # fmt: skip


def test_kept_questions_carry_their_votes_and_do_not_change() -> None:
    made = applied([verdict("n1:0", "keep")])
    first = made.questions[0]
    assert first.human is not None and first.human.votes == (2, 0, 1, 0)
    assert first.model_copy(update={"human": None}) == QUESTIONS[0]
    assert [one.human for one in made.questions[1:]] == [None] * 3 and made.rejects == []


def test_dropped_and_unfixed_questions_leave_with_their_items_and_a_reason() -> None:
    made = applied([verdict("n1:1", "drop"), verdict("n1:2", "fix")])
    assert [one.id for one in made.questions] == ["n1:0", "n1:3"]
    assert {one.question_id for one in made.items} == {"n1:0", "n1:3"}
    assert [one.reason for one in made.rejects] == ["a reason", "to be fixed, and not in --fixes"]


def test_a_fixed_question_changes_with_its_items_and_its_name() -> None:
    fix = Fix(question="What does this object drink?", choices=("a", "b", "c", "d"), answer=2)
    made = applied([verdict("n1:1", "fix")], fixes={"n1:1": fix})
    one = made.questions[1]
    assert one.question_named == "What does the tiger drink?" and one.answer == 2
    assert one.human is not None and one.human.verdict == "fix"
    assert made.items[1].letter == "C" and made.items[1].choices == ("a", "b", "c", "d")


def test_open_and_unasked_questions_stay_unless_only_verified_ones_are_wanted() -> None:
    found = [verdict("n1:0", "keep"), verdict("n1:1", "open", reason="too few answers")]
    assert len(applied(found).questions) == 4
    strict = applied(found, verified_only=True)
    assert [one.id for one in strict.questions] == ["n1:0"]
    assert [one.reason for one in strict.rejects] == ["too few answers"] + [
        "no person was asked"
    ] * 2


def test_an_image_that_shows_another_thing_leaves_and_a_question_without_any_too() -> None:
    two = [item(QUESTIONS[0], "bad.jpg"), item(QUESTIONS[0], "good.jpg", 1)]
    one = [item(QUESTIONS[1], "bad.jpg")]
    found = {name: verdict(name, "keep", wrong_picture=True) for name in ("n1:0", "n1:1")}
    shown = {"n1:0": "bad.jpg", "n1:1": "bad.jpg"}
    made = apply(QUESTIONS[:2], [*two, *one], found, {}, shown)
    assert [kept.image for kept in made.items] == ["good.jpg"]
    assert [kept.reason for kept in made.rejects] == ["no image is left that shows the class"]


def test_a_sheet_given_back_as_it_is_takes_the_peoples_answer(tmp_path: Path) -> None:
    found = [verdict("n1:1", "fix", consensus=2, comments=("=1+1", "two\nlines"))]
    assert write_fixes(tmp_path / "f.csv", {"n1:1": QUESTIONS[1]}, found) == 1
    (fix,) = read_fixes(tmp_path / "f.csv", found).values()
    assert fix == Fix(question=QUESTIONS[1].question, choices=QUESTIONS[1].choices, answer=2)


def test_no_cell_of_the_sheet_is_a_formula(tmp_path: Path) -> None:
    one = question(1, asked="=What is this object?", choices=("=a", "+b", "-c", "@d"))
    found = [verdict(one.id, "fix")]
    write_fixes(tmp_path / "f.csv", {one.id: one}, found)
    text = (tmp_path / "f.csv").read_text(encoding="utf-8")
    assert ",'=a,'+b,'-c,'@d," in text
    assert read_fixes(tmp_path / "f.csv", found)[one.id].choices == ("=a", "+b", "-c", "@d")


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["n9", *[""] * 6, "a", "b", "c", "d", "A"], "no question to fix is called 'n9'"),
        (["n1:1", *[""] * 5, "Q of this object?", "a", "b", "c", "d", "E"], "letter from A to D"),
        (["n1:1", *[""] * 5, "Q of this object?", "a", "a", "c", "d", "A"], "four different"),
        (["n1:1", *[""] * 5, "What?", "a", "b", "c", "d", "A"], 'has to say "this object"'),
        (["n1:1"], "1 cells where 12"),
    ],
)
def test_a_mistake_in_the_sheet_is_named_by_its_line(
    cells: list[str], words: str, tmp_path: Path
) -> None:
    file = tmp_path / "f.csv"
    file.write_text(",".join(COLUMNS) + "\n" + ",".join(cells) + "\n", encoding="utf-8")
    with pytest.raises(ToolkitError, match=f"line 2: .*{words}"):
        read_fixes(file, [verdict("n1:1", "fix")])


def test_a_row_without_an_answer_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    row = ["n1:1", *[""] * 5, "Q", "a", "b", "c", "d", ""]
    file.write_text(",".join(COLUMNS) + "\n" + ",".join(row) + "\n", encoding="utf-8")
    assert read_fixes(file, [verdict("n1:1", "fix")]) == {}
