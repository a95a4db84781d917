"""The schemas of this room's tables are its records, closed, and rows satisfy them."""

import pytest
from pydantic import BaseModel

from imagewikiqa.qa.published import FOLDER, PUBLISHED
from imagewikiqa.qa.rounds.records import Answer, Assignment, Review, Task, Verdict
from tests.published import assert_closed, assert_committed
from tests.qa.rounds.made import subject

REVIEW = Review(answerable=True, right=(1,), wording="odd", picture="no")
ROWS: tuple[BaseModel, ...] = (
    subject(),
    Task(
        id="t", round="0123456789ab", rater="anna", kind="article", question="What?",
        options=("a", "b", "c", "d"), class_name="tiger", content="0" * 64,
    ),
    Assignment(id="t", rater="anna", question_id="n1:0", order=(3, 1, 0, 2), gold=False),
    Answer(
        id="t", rater="anna", question_id="n1:0", kind="review", gold=False, state="reviewed",
        review=REVIEW, by_hand=True,
    ),
    Verdict(
        id="n1:0", verdict="keep", reason="the key was chosen", origin="set", key=0,
        votes=(2, 0, 0, 1), raters=("anna", "ben", "cleo"), consensus=0, rounds=("0123456789ab",),
    ),
)  # fmt: skip


def test_the_committed_schemas_are_the_records_and_no_other() -> None:
    assert_committed(FOLDER, PUBLISHED)


def test_every_table_has_a_row_here() -> None:
    assert {type(row) for row in ROWS} == set(PUBLISHED)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row).__name__)
def test_a_written_row_satisfies_its_schema_and_a_stranger_does_not(row: BaseModel) -> None:
    assert_closed(FOLDER, row)
