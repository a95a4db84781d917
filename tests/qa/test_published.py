"""The schemas of this room's tables are its records, closed, and rows satisfy them."""

import json

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from imagewikiqa.core.schemas import schema_name, schema_text
from imagewikiqa.core.tables import line_of
from imagewikiqa.qa.published import FOLDER, PUBLISHED
from imagewikiqa.qa.rounds.records import Answer, Review, Verdict
from imagewikiqa.qa.rounds.tasks import make_tasks
from tests.qa.rounds.made import page, plan, subject

MADE = make_tasks(plan(), "rater-0", [subject()], {"en:1@2": page()}, 10_000)[0]
ROWS: tuple[BaseModel, ...] = (
    subject(),
    MADE.task,
    MADE.assignment,
    Answer(
        id="x", rater="a", question_id="q", kind="review", gold=False, state="reviewed",
        review=Review(answerable=True, right=(0, 2), wording="odd", picture="unsure"),
        by_hand=True,
    ),
    Verdict(
        id="q", verdict="keep", reason="the key was chosen", origin="set", key=0,
        votes=(3, 0, 0, 0), raters=("a", "b", "c"), consensus=0, rounds=("r",),
    ),
)  # fmt: skip


@pytest.mark.parametrize("model", PUBLISHED, ids=lambda model: model.__name__)
def test_the_committed_schema_is_the_record(model: type[BaseModel]) -> None:
    text = (FOLDER / schema_name(model)).read_text(encoding="utf-8")
    assert text == schema_text(model), "run make schemas and raise VERSION if old rows break"


def test_no_schema_is_left_over_and_every_table_has_a_row_here() -> None:
    assert {p.name for p in FOLDER.iterdir()} == {schema_name(m) for m in PUBLISHED}
    assert {type(row) for row in ROWS} == set(PUBLISHED)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row).__name__)
def test_a_written_row_satisfies_its_schema_and_a_stranger_does_not(row: BaseModel) -> None:
    schema = json.loads((FOLDER / schema_name(type(row))).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    written = json.loads(line_of(row))
    assert list(validator.iter_errors(written)) == []
    assert not validator.is_valid({**written, "stranger": 1})
