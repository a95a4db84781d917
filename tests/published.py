"""What every room's published JSON Schemas have to satisfy."""

import json
from collections.abc import Sequence
from pathlib import Path

from jsonschema import Draft202012Validator
from pydantic import BaseModel

from imagewikiqa.core.schemas import schema_name, schema_text


def assert_committed(folder: Path, models: Sequence[type[BaseModel]]) -> None:
    """Compare a folder with the schemas of its records: all of them, and no other."""
    there = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    wanted = {schema_name(model): schema_text(model) for model in models}
    assert there == wanted, "run make schemas and raise VERSION if old rows break"


def assert_closed(folder: Path, row: BaseModel) -> None:
    """Check that a written row satisfies its schema, and that one with a stranger does not."""
    schema = json.loads((folder / schema_name(type(row))).read_text(encoding="utf-8"))
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    written = json.loads(row.model_dump_json())
    assert list(validator.iter_errors(written)) == []
    assert not validator.is_valid({**written, "stranger": 1})
