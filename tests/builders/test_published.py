"""The schemas of this room's tables are its records, closed, and rows satisfy them."""

import json

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from imagewikiqa.builders.published import FOLDER, PUBLISHED
from imagewikiqa.builders.resolve.records import Candidate, Clue, Resolution
from imagewikiqa.builders.wiki.records import Extract, Pin
from imagewikiqa.core.schemas import schema_name, schema_text
from imagewikiqa.core.tables import line_of

CLUE = Clue(kind="title", weight=2.5, detail="the name")
CANDIDATE = Candidate(title="Tench", score=3.0, share=0.9, found_by=("title",), clues=(CLUE,))
ROWS: tuple[BaseModel, ...] = (
    Extract(
        id="tench", title="Tench", page_id=1, revision_id=2, summary="A fish.", text="A fish.",
        langlinks={"de": "Schleie"},
    ),
    Pin(id="tench", host="en.wikipedia.org", language="en", outcome="missing page", title="Tench"),
    Resolution(
        id="n1", class_name="tench", outcome="resolved", titles=("Tench",), confidence=0.9,
        candidates=(CANDIDATE,),
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
