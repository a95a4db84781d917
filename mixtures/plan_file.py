"""Reads a plan, a shard at a time: its row groups are the shards."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from imagewikiqa.core.digests import digest, file_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures.plan_report import PlanReport
from imagewikiqa.mixtures.records import PlanRow
from imagewikiqa.mixtures.sources.protocol import SAMPLE_ID_BYTES

PLAN, REPORT, REJECTS = "plan.parquet", "plan.json", "rejects.jsonl"
COLUMNS = pa.schema(
    [
        pa.field("shard", pa.int32(), nullable=False),
        pa.field("slot", pa.int32(), nullable=False),
        pa.field("sample_id", pa.binary(SAMPLE_ID_BYTES), nullable=False),
        pa.field("repeat", pa.int32(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("row", pa.int32(), nullable=False),
        pa.field("template", pa.string(), nullable=False),
        pa.field("image_sha256", pa.binary(32)),  # null for text only
    ],
    metadata={"imagewikiqa.plan": "1"},
)
DICTIONARIES = ["shard", "repeat", "source", "template"]


def read_plan_report(folder: Path) -> PlanReport:
    """Return the counts of a plan; ToolkitError when there is none, or its table is another."""
    path = folder / REPORT
    if not path.is_file():
        raise ToolkitError(f"there is no plan in {folder}: make one with imagewikiqa mix plan")
    try:
        report = PlanReport.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ToolkitError(f"{path} is damaged: delete it and plan again") from error
    table = folder / PLAN
    if not table.is_file() or file_digest(table) != report.plan:
        raise ToolkitError(
            f"{table} is not the plan that {path} counts: delete both and plan again"
        )
    return report


def read_shard_plan(folder: Path, shard: int) -> tuple[PlanRow, ...]:
    """Return the rows of one shard, by slot; ToolkitError when the plan cannot be read."""
    path = folder / PLAN
    try:
        with pq.ParquetFile(path) as file:
            table = file.read_row_group(shard)
    except (OSError, IndexError, pa.ArrowException) as error:
        raise ToolkitError(
            f"{path} has no shard {shard} or is damaged: delete {folder / REPORT} and plan again"
        ) from error
    if not table.schema.equals(COLUMNS):
        raise ToolkitError(
            f"{path} has other columns than a plan: delete {folder / REPORT} and plan again"
        )
    return tuple(map(_row, table.to_pylist()))


def _row(fields: dict[str, object]) -> PlanRow:
    found = {name: one.hex() if isinstance(one, bytes) else one for name, one in fields.items()}
    return PlanRow.model_validate({**found, "key": key_of(found["sample_id"], found["repeat"])})


def key_of(sample_id: object, repeat: object) -> str:
    """Return the key of a sample in its shard: its id, and which time it is drawn after the first.

    Webdataset cuts a name at its first dot, so there is none.
    """
    return f"{sample_id}-{repeat}" if repeat else str(sample_id)


def shard_digest(rows: tuple[PlanRow, ...]) -> str:
    """Return the digest of the plan rows that a shard is made from."""
    return digest([row.model_dump(mode="json") for row in rows])
