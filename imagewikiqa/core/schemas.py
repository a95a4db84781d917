"""The JSON Schemas of records that touch disk; each room publishes those of its own tables."""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel

from imagewikiqa.core import records
from imagewikiqa.core.files import publish_text

PUBLISHED: tuple[type[BaseModel], ...] = (
    records.ClassEntry,
    records.Page,
    records.Draft,
    records.Judged,
    records.Opinion,
    records.Disputed,
    records.Repaired,
    records.Question,
    records.ImageRef,
    records.Item,
    records.Caption,
    records.Reject,
)
FOLDER = Path(__file__).parent / "schemas"


def schema_name(model: type[BaseModel]) -> str:
    """Return the file name of a record's schema, as in 'question.v1.schema.json'."""
    return f"{model.__name__.lower()}.v{model.VERSION}.schema.json"  # type: ignore[attr-defined]


def schema_text(model: type[BaseModel]) -> str:
    """Return a record's JSON Schema (draft 2020-12) as it is published."""
    schema = model.model_json_schema(mode="serialization")
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["$id"] = f"urn:imagewikiqa:{schema_name(model).removesuffix('.schema.json')}"
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def export_schemas(
    folder: Path = FOLDER, models: Sequence[type[BaseModel]] = PUBLISHED
) -> list[Path]:
    """Write the schema of every record into a folder; return the paths."""
    paths = []
    for model in models:
        path = folder / schema_name(model)
        publish_text(path, schema_text(model))
        paths.append(path)
    return paths
