"""The schemas of this room's tables are its records, closed, and rows satisfy them."""

import json

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from imagewikiqa.core.schemas import schema_name, schema_text
from imagewikiqa.core.tables import line_of
from imagewikiqa.qa.published import FOLDER, PUBLISHED
from imagewikiqa.qa.rounds.records import Answer, Assignment, Review, Task, Verdict
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


@pytest.mark.parametrize("model", PUBLISHED, ids=lambda model: model.__name__)
def test_the_committed_schema_is_the_record(model: type[BaseModel]) -> None:
    text = (FOLDER / schema_name(model)).read_text(encoding="utf-8")
    assert text == schema_text(model), "run make schemas and raise VERSION if old rows break"


def test_no_schema_is_left_over() -> None:
    assert {p.name for p in FOLDER.iterdir()} == {schema_name(m) for m in PUBLISHED}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row).__name__)
def test_a_written_row_satisfies_its_schema_and_a_stranger_does_not(row: BaseModel) -> None:
    schema = json.loads((FOLDER / schema_name(type(row))).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    written = json.loads(line_of(row))
    assert list(validator.iter_errors(written)) == []
    assert not validator.is_valid({**written, "stranger": 1})
