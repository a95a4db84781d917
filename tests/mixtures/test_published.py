"""The schemas of this room's files are its records, closed."""

import json

import pytest
from jsonschema import Draft202012Validator
from pydantic import BaseModel

from imagewikiqa.core.schemas import schema_name, schema_text
from imagewikiqa.mixtures.published import FOLDER, PUBLISHED
from imagewikiqa.mixtures.records import Manifest, Receipt, SampleReceipt

ZERO = "0" * 64
ROWS: tuple[BaseModel, ...] = (
    Manifest(plan=ZERO, shards={"a-000000.tar": ZERO}, samples=1, bytes=10_240),
    Receipt(
        shard="a-000000.tar", count=1, bytes=10_240, sha256=ZERO, plan=ZERO,
        samples=(SampleReceipt(key="k", offset=0, size=1_024, sha256=ZERO),),
    ),
)  # fmt: skip


@pytest.mark.parametrize("model", PUBLISHED, ids=lambda model: model.__name__)
def test_the_committed_schema_is_the_record(model: type[BaseModel]) -> None:
    text = (FOLDER / schema_name(model)).read_text(encoding="utf-8")
    assert text == schema_text(model), "run make schemas and raise VERSION if old files break"


def test_no_schema_is_left_over() -> None:
    assert {p.name for p in FOLDER.iterdir()} == {schema_name(m) for m in PUBLISHED}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: type(row).__name__)
def test_a_written_file_satisfies_its_schema_and_a_stranger_does_not(row: BaseModel) -> None:
    schema = json.loads((FOLDER / schema_name(type(row))).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    written = row.model_dump(mode="json")
    assert list(validator.iter_errors(written)) == []
    assert not validator.is_valid({**written, "stranger": 1})
