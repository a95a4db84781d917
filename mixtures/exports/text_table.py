"""The samples of a mixture without their pixels: a parquet file for each shard."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from imagewikiqa.core.files import publish
from imagewikiqa.core.parquet import parquet_bytes
from imagewikiqa.mixtures.exports.shards import ShardPlace, samples_of
from imagewikiqa.mixtures.interchange import FACTS
from imagewikiqa.mixtures.reader.sample import Sample

DATA = "data"
_TURN = pa.struct([("from", pa.string()), ("value", pa.string())])
COLUMNS = pa.schema(
    [
        ("key", pa.string()),
        *((name, pa.string()) for name in FACTS),
        ("image_sha256", pa.string()),
        ("conversations", pa.list_(_TURN)),
    ]
)
_AT_ONCE = 1024  # rows of a group: small enough for the viewer of a hub, which reads whole ones


@dataclass(frozen=True, slots=True)
class TextTable:
    """Writes OUT/data/SHARD.parquet for any shard; it travels to worker processes."""

    mixture: Path
    out: Path

    def __call__(self, shard: ShardPlace) -> int:
        """Write the table of a shard; return its rows."""
        publish(
            self.out / DATA / f"{shard.name}.parquet", parquet_bytes(self._groups(shard), COLUMNS)
        )
        return shard.count

    def _groups(self, shard: ShardPlace) -> Iterator[pa.Table]:
        rows = map(_row, samples_of(self.mixture, shard))
        while group := list(islice(rows, _AT_ONCE)):
            yield pa.Table.from_pylist(group, schema=COLUMNS)


def _row(sample: Sample) -> dict[str, Any]:
    images = list(sample.files.values())
    return {
        "key": sample.key,
        **{name: sample.record.get(name) for name in FACTS},
        "image_sha256": hashlib.sha256(images[0]).hexdigest() if images else None,
        "conversations": sample.record.get("conversations"),
    }
