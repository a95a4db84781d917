"""Parquet tables with the same bytes for the same rows, published whole."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from imagewikiqa.core.files import TEMPORARY, explained, sync_folder

if TYPE_CHECKING:
    import pyarrow

ROW_GROUP = 4096  # rows; small enough to hold a few in memory, long texts and all


def publish_parquet(path: Path, schema: "pyarrow.Schema", tables: Iterable["pyarrow.Table"]) -> int:
    """Write tables of one schema one after the other to `path`, as `core.files.publish` does.

    Each table becomes its own row group or groups, so memory stays bounded by the largest; return
    the rows. An exception never publishes. Raises ToolkitError when the disk refuses.
    """
    import pyarrow.parquet

    temporary = path.with_name(f"{TEMPORARY}{path.name}")
    rows = 0
    with explained(path, "write"):
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as stream:
            with pyarrow.parquet.ParquetWriter(stream, schema, compression="zstd") as writer:
                for table in tables:
                    rows += table.num_rows
                    writer.write_table(table, row_group_size=ROW_GROUP)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        sync_folder(path.parent)
    return rows
