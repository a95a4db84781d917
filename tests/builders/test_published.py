"""The schemas of this room's tables are its records, closed, and rows satisfy them."""

import pytest
from pydantic import BaseModel

from imagewikiqa.builders.published import FOLDER, PUBLISHED
from imagewikiqa.builders.resolve.records import Candidate, Clue, Resolution
from imagewikiqa.builders.wiki.records import Extract, Pin
from tests.published import assert_closed, assert_committed

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


def test_the_committed_schemas_are_the_records_and_no_other() -> None:
    assert_committed(FOLDER, PUBLISHED)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row).__name__)
def test_a_written_row_satisfies_its_schema_and_a_stranger_does_not(row: BaseModel) -> None:
    assert_closed(FOLDER, row)
