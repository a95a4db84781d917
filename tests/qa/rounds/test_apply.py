"""Verdicts decide what stays; nothing that stays moves, and nothing leaves in silence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import LETTERS, Item
from imagewikiqa.qa.rounds.apply import apply_verdicts, check_texts
from imagewikiqa.qa.rounds.fixes import Fix
from imagewikiqa.qa.rounds.records import Verdict
from imagewikiqa.qa.rounds.verdicts import RoundVotes
from tests.qa.rounds.made import question, subject

QUESTIONS = [question(at, answer=at % 4) for at in range(6)]
ITEMS = [
    Item(
        item_id=f"{one.id}-{rank}", question_id=one.id, class_id=one.class_id,
        image=f"{one.id}-{rank}.jpg", question=one.question, choices=one.choices,
        answer=one.answer, letter=LETTERS[one.answer],
    )
    for one in QUESTIONS
    for rank in range(2)
]  # fmt: skip


def decided(at: int, what: str, image: str | None = None) -> Verdict:
    return Verdict.model_validate({
        "id": f"n1:{at}", "verdict": what, "reason": "why", "origin": "set", "key": 0,
        "votes": (1, 2, 0, 0), "raters": ("anna", "ben", "cleo"), "consensus": 1,
        "rounds": ("one",), "bad_image": image,
    })  # fmt: skip


def by_id(*rows: Verdict) -> dict[str, Verdict]:
    return {one.id: one for one in rows}


@given(st.lists(st.sampled_from(["keep", "fix", "drop", "open", None]), min_size=6, max_size=6),
       st.booleans())  # fmt: skip
def test_every_question_stays_unmoved_or_leaves_with_a_reason(
    said: list[str | None], verified_only: bool
) -> None:
    rows = by_id(*(decided(at, what) for at, what in enumerate(said) if what))
    applied = apply_verdicts(QUESTIONS, ITEMS, rows, verified_only=verified_only)
    stay = {"keep"} if verified_only else {"keep", "open", None}
    wanted = [one for one, what in zip(QUESTIONS, said, strict=True) if what in stay]
    assert [one.model_copy(update={"human": None}) for one in applied.questions] == wanted
    assert {one.id for one in applied.questions} | {one.input for one in applied.dropped} == {
        one.id for one in QUESTIONS
    }
    left = {one.id for one in wanted}
    assert applied.items == [one for one in ITEMS if one.question_id in left]
    for one in applied.questions:
        assert (one.human is None) == (one.id not in rows)


def test_a_fix_changes_the_question_and_its_items() -> None:
    fix = Fix(question="Q?", question_named="QN?", choices=("w", "x", "y", "z"), answer=2)
    rows = by_id(decided(0, "fix"), decided(1, "fix"), decided(2, "fix"))
    gone = Fix(question="Q?", question_named="QN?", choices=("w", "x", "y", "z"), answer=None)
    applied = apply_verdicts(QUESTIONS, ITEMS, rows, fixes={"n1:0": fix, "n1:1": gone})
    first = applied.questions[0]
    assert (first.id, first.answer, first.choices) == ("n1:0", 2, ("w", "x", "y", "z"))
    assert first.human is not None
    assert (first.human.verdict, first.human.raters, first.human.votes[1]) == ("fix", 3, 2)
    assert {(one.question, one.letter) for one in applied.items[:2]} == {("Q?", "C")}
    assert {one.input: one.reason for one in applied.dropped} == {
        "n1:1": "left out by a person", "n1:2": "to fix: why",
    }  # fmt: skip


def test_an_image_that_shows_something_else_leaves_and_the_last_one_takes_its_question() -> None:
    rows = by_id(decided(0, "keep", "n1:0-0.jpg"), decided(1, "keep", "n1:1-0.jpg"))
    few = [one for one in ITEMS if one.item_id != "n1:1-1"]
    applied = apply_verdicts(QUESTIONS, few, rows)
    assert [one.item_id for one in applied.items][:2] == ["n1:0-1", "n1:2-0"]
    assert [(one.input, one.reason) for one in applied.dropped] == [
        ("n1:1", "no image left that shows the class")
    ]


def test_a_disputed_draft_that_people_keep_is_recovered_beside_the_set() -> None:
    extra = [question(7), question(8), question(9)]
    rows = by_id(decided(7, "keep"), decided(8, "drop"))
    applied = apply_verdicts(QUESTIONS, ITEMS, rows, disputed=extra)
    assert [one.id for one in applied.recovered] == ["n1:7"]
    assert applied.questions == QUESTIONS and not applied.dropped


def test_a_round_of_another_set_is_refused() -> None:
    asked = subject(0)
    votes = RoundVotes(round="one", kind="article", overlap=2, subjects=[asked], answers=[])
    check_texts([votes], {asked.id: asked.question})
    changed = asked.question.model_copy(update={"question": "Else?"})
    for known, says in (({}, "is not in the run"), ({asked.id: changed}, "other words")):
        with pytest.raises(ToolkitError, match=says):
            check_texts([votes], known)
