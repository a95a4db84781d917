"""The full tables of an inspection beside its page: CSV for people, parquet for what is long."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from imagewikiqa.core.files import publish, publish_text
from imagewikiqa.core.parquet import parquet_bytes
from imagewikiqa.core.runs import pretty
from imagewikiqa.core.sheets import inert
from imagewikiqa.mixtures.inspect.duplicates import COLUMNS
from imagewikiqa.mixtures.inspect.figures import class_rows, summary
from imagewikiqa.mixtures.inspect.inspection import SAMPLES, Inspection
from imagewikiqa.mixtures.inspect.names import RULES

PART_COUNTS = ("samples", "text only", "turns", "human turns", "human words", "gpt turns",
               "gpt words", "characters")  # fmt: skip
FILES = {
    SAMPLES: "one row a sample: shard, source, class, words, size of the image, faults",
    "sources.csv": "counts by source and template",
    "classes.csv": "how often each class is seen, and named",
    "measures.csv": "every length and size with how often it occurs",
    "repeats.parquet": "every image and conversation that stands more than once",
    "shards.csv": "samples and bytes of each shard",
    "inspection.json": "the figures of this page",
}


def write_tables(found: Inspection, out: Path) -> list[Path]:
    """Write what FILES names below `out`, but for the samples; return all of them."""
    publish_text(out / "inspection.json", pretty(summary(found)))
    parts = sorted(found.tally.parts.items())
    _csv(out / "sources.csv", ("source", "template", *PART_COUNTS),
         ((*part, *(counts[one] for one in PART_COUNTS)) for part, counts in parts))  # fmt: skip
    rules = RULES if found.classes else ()
    _csv(out / "classes.csv", ("class_id", "name", "samples", *rules),
         ((row.id, row.name, row.samples, *row.named) for row in class_rows(found)))  # fmt: skip
    _csv(out / "measures.csv", ("measure", "value", "times"),
         ((name, value, times) for name, values in sorted(found.tally.measures.items())
          for value, times in sorted(values.items())))  # fmt: skip
    _csv(out / "shards.csv", ("shard", "samples", "text_only", "bytes"),
         ((one.name, one.samples, one.text_only, one.bytes) for one in found.shards))  # fmt: skip
    groups = (table for one in found.repeats for table in one.tables())
    publish(out / "repeats.parquet", parquet_bytes(groups, COLUMNS, ("same",)))
    return [out / name for name in FILES]


def _csv(path: Path, heads: Sequence[str], rows: Iterable[Sequence[str | int]]) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(heads)
    for row in rows:
        writer.writerow([inert(cell) if isinstance(cell, str) else cell for cell in row])
    publish_text(path, stream.getvalue())
