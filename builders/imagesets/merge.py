"""Joins the parts of an index into one table, in the order of the set's units."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from imagewikiqa.builders.imagesets.dispositions import USABLE
from imagewikiqa.builders.imagesets.duplicates import (
    CONFLICTING,
    REPEATED,
    WORDS,
    Twins,
    find_twins,
)
from imagewikiqa.builders.imagesets.parts import (
    COLUMNS,
    DICTIONARIES,
    read_groups,
    regrouped,
)
from imagewikiqa.builders.imagesets.records import IndexReport, UnitDone
from imagewikiqa.core.digests import file_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish, publish_text
from imagewikiqa.core.parquet import parquet_bytes
from imagewikiqa.core.runs import pretty
from imagewikiqa.core.tables import read_table

IMAGES, REJECTS, REPORT = "images.parquet", "rejects.jsonl", "index.json"


def merge(
    name: str, classes: Sequence[str], units: Path, parts: Path, rejects: Path, out: Path
) -> IndexReport:
    """Write images.parquet and rejects.jsonl, then the report of both, last.

    Raises ToolkitError when a part is not what its unit wrote, or two images share an address.
    """
    (out / REPORT).unlink(missing_ok=True)  # until the end, no report is better than an old one
    done = list(read_table(units, UnitDone))
    _check_parts(done, parts)
    _check_addresses(_groups(done, parts, ["source_id"]))
    twins = find_twins(_groups(done, parts, ["sha256", "class_id", "disposition"]))
    shown = _Shown(classes)
    tables = regrouped(_completed(_groups(done, parts, None), twins, shown))
    publish(out / IMAGES, parquet_bytes(tables, COLUMNS, DICTIONARIES))
    publish(out / REJECTS, _lines(rejects))
    dispositions = _total(unit.dispositions for unit in done)
    report = IndexReport(
        set_name=name,
        units=len(done),
        images=sum(unit.images for unit in done),
        usable=sum(count for word, count in dispositions.items() if word in USABLE),
        dispositions=dispositions,
        splits=dict(sorted(shown.splits.items())),
        classes=dict(sorted(shown.classes.items())),
        repeated=int((twins.kind == REPEATED).sum()),
        conflicting=int((twins.kind == CONFLICTING).sum()),
        not_images=_total(unit.not_images for unit in done),
        files={file: file_digest(out / file) for file in (IMAGES, REJECTS)},
    )
    publish_text(out / REPORT, pretty(report.model_dump(mode="json")))
    return report


class _Shown:
    """Counts the usable images that pass by."""

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes: Counter[str] = Counter({one: 0 for one in classes})
        self.splits: Counter[str] = Counter()

    def see(self, table: pa.Table) -> None:
        usable = table.filter(pc.is_in(table["disposition"], value_set=pa.array(list(USABLE))))
        self.classes.update(usable["class_id"].to_pylist())
        self.splits.update(usable["split"].to_pylist())


def _groups(done: Sequence[UnitDone], parts: Path, columns: list[str] | None) -> Iterator[pa.Table]:
    for unit in done:
        yield from read_groups(parts / unit.part, columns)


def _check_parts(done: Sequence[UnitDone], parts: Path) -> None:
    for unit in done:
        part = parts / unit.part
        if not part.is_file() or file_digest(part) != unit.sha256:
            raise ToolkitError(
                f"{part}, the rows of {unit.id}, is missing or was changed: delete"
                f" {parts.parent} and run the same command again"
            )


def _check_addresses(tables: Iterator[pa.Table]) -> None:
    """Refuse an address that stands twice; 16 bytes of memory an image, by their digests."""
    found = bytearray()
    for table in tables:
        for address in table["source_id"].to_pylist():
            found += hashlib.blake2b(address.encode(), digest_size=16).digest()
    pairs = np.frombuffer(found, dtype=np.uint64).reshape(-1, 2)
    ordered = pairs[np.lexsort(pairs.T)]
    if (ordered[1:] == ordered[:-1]).all(axis=1).any():
        raise ToolkitError(
            "two images of the set have the same address, so nobody could tell them apart: the"
            " reader of this layout is wrong or the set holds a file twice; leave one out"
        )


def _completed(tables: Iterator[pa.Table], twins: Twins, shown: _Shown) -> Iterator[pa.Table]:
    """Yield tables with the columns on duplicates."""
    words = np.array(WORDS)
    at = 0
    for table in tables:
        here = slice(at, at + table.num_rows)
        same_as = twins.same_as[here]
        shown.see(table)
        yield table.append_column(
            COLUMNS.field("duplicate"), pa.array(words[twins.kind[here]], pa.string())
        ).append_column(COLUMNS.field("same_as"), pa.array(same_as, mask=same_as < 0))
        at = here.stop


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        yield from stream


def _total(counts: Iterator[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one in counts:
        total.update(one)
    return dict(sorted(total.items()))
