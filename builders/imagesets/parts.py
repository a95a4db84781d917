"""The tables of an index: their columns, and their rows in groups."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from imagewikiqa.core.errors import ToolkitError

ROW_GROUP = 65_536  # rows; all that a writer or reader of an index holds at a time
UNIT_COLUMNS = pa.schema(
    [
        pa.field("source_id", pa.string(), nullable=False),
        pa.field("class_id", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("sha256", pa.binary(32), nullable=False),  # the digest itself, not its hex digits
        pa.field("bytes", pa.int64(), nullable=False),
        pa.field("width", pa.int64()),  # pixels as stored; a hostile header may claim 2**31
        pa.field("height", pa.int64()),
        pa.field("format", pa.string()),
        pa.field("mode", pa.string()),
        pa.field("disposition", pa.string(), nullable=False),
        pa.field("also", pa.string(), nullable=False),  # further dispositions, between spaces
        pa.field("orientation", pa.int8()),  # of EXIF, null where it states none
    ]
)
# "repeated": an earlier image of the class has the same bytes; "conflicting": so has one of another
# class; "" for every other. `same_as` is the row of the first image with these bytes, from 0.
COLUMNS = pa.schema(
    [
        *UNIT_COLUMNS,
        pa.field("duplicate", pa.string(), nullable=False),
        pa.field("same_as", pa.int64()),
    ]
)
DICTIONARIES = ["class_id", "split", "format", "mode", "disposition", "also", "duplicate"]


def tables_of(rows: Iterable[dict[str, Any]], schema: pa.Schema) -> Iterator[pa.Table]:
    """Yield rows as tables of at most ROW_GROUP rows; nothing where there is no row."""
    waiting: list[dict[str, Any]] = []
    for row in rows:
        waiting.append(row)
        if len(waiting) == ROW_GROUP:
            yield pa.Table.from_pylist(waiting, schema)
            waiting = []
    if waiting:
        yield pa.Table.from_pylist(waiting, schema)


def regrouped(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the rows of tables in groups of ROW_GROUP, whatever tables they came in."""
    waiting: list[pa.Table] = []
    count = 0
    for table in tables:
        waiting.append(table)
        count += table.num_rows
        while count >= ROW_GROUP:
            joined = pa.concat_tables(waiting)
            yield joined.slice(0, ROW_GROUP).combine_chunks()
            waiting = [joined.slice(ROW_GROUP).combine_chunks()]
            count -= ROW_GROUP
    if count:
        yield pa.concat_tables(waiting).combine_chunks()


def is_table(path: Path) -> bool:
    """Say whether a file is a parquet table with the columns of an index."""
    try:
        return bool(pq.read_schema(path).equals(COLUMNS))
    except (OSError, pa.ArrowException):
        return False


def read_groups(path: Path, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """Yield the row groups of an index or part; raise ToolkitError if it is not readable."""
    try:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group, columns=columns)
    except (OSError, pa.ArrowException) as error:
        raise ToolkitError(
            f"{path} is missing or damaged: make the index again in an empty folder"
        ) from error
