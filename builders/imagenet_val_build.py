"""Builds the packaged label table of the ImageNet validation images from its two public sources."""

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from imagewikiqa.core.errors import ToolkitError

IMAGES = 50_000
SCHEMA = pa.schema(
    [
        pa.field("image", pa.int32(), nullable=False),
        pa.field("candidates", pa.list_(pa.int16()), nullable=False),
        pa.field("real", pa.list_(pa.int16()), nullable=False),
    ]
)


def build_table(classname_json: Path, real_json: Path, names: Sequence[str]) -> pa.Table:
    """Return one row per validation image: number, candidate class indices, ReaL labels.

    `classname_json` maps "00000001.JPEG" to a class name (GPT4Vis, imagenet_gt.json), `real_json`
    is the list of ReaL labels (Beyer et al. 2020), `names` the class names in label order. A name
    that several classes bear gives several candidates. Raise ToolkitError on any other shape.
    """
    indices: dict[str, list[int]] = defaultdict(list)
    for index, name in enumerate(names):
        indices[name].append(index)
    named: dict[str, str] = json.loads(classname_json.read_text(encoding="utf-8"))
    real: list[list[int]] = json.loads(real_json.read_text(encoding="utf-8"))
    numbers = range(1, IMAGES + 1)
    _check(classname_json, set(named), {f"{number:08d}.JPEG" for number in numbers})
    _check(real_json, set(range(1, len(real) + 1)), set(numbers))
    _check(classname_json, set(named.values()), set(indices))
    columns = [
        [*numbers],
        [indices[named[f"{number:08d}.JPEG"]] for number in numbers],
        [sorted(labels) for labels in real],
    ]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=SCHEMA)


def write_table(table: pa.Table, path: Path) -> None:
    """Write the table as the small parquet file that the package holds."""
    pq.write_table(
        table,
        path,
        compression="zstd",
        compression_level=19,
        use_dictionary=["candidates.list.element", "real.list.element"],
        column_encoding={"image": "DELTA_BINARY_PACKED"},
        write_statistics=False,
        store_schema=False,
    )


def _check(path: Path, found: set[str] | set[int], expected: set[str] | set[int]) -> None:
    odd = sorted(map(str, found ^ expected))
    if odd:
        raise ToolkitError(
            f"{path}: {len(odd)} images or names are missing or unknown, {odd[0]!r} for one;"
            f" use the files of the {IMAGES:,} validation images as published"
        )
