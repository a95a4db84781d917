"""Conversations as a source: rows.parquet of `imagewikiqa builders llava`, passed on as written.

Rows are drawn in any order, and a parquet is read in groups only: it is unpacked once into an Arrow
file that is mapped into memory, so that a row costs its own bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from imagewikiqa.builders.llava.records import schema
from imagewikiqa.core.digests import file_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish
from imagewikiqa.core.parquet import arrow_bytes
from imagewikiqa.mixtures.recipe import SourceSettings, Where
from imagewikiqa.mixtures.records import Span
from imagewikiqa.mixtures.sources.index import (
    Ints,
    Reasons,
    SourceIndex,
    kinds_of,
    one_array,
    packed_size,
)
from imagewikiqa.mixtures.sources.once import made_once
from imagewikiqa.mixtures.sources.places import image_size, image_span
from imagewikiqa.mixtures.sources.protocol import sample_json
from imagewikiqa.prompts.conversation import load_conversation

_HEAD = 250  # bytes of the JSON around the turns
_TURN = 30  # bytes of the JSON around one turn
_MISSING = -1
_AT_ONCE = 65_536  # digests that are Python strings at a time


@dataclass(frozen=True, slots=True)
class LlavaSource:
    """The rows of a LLaVA mix; `work` is where the unpacked copy may lie."""

    settings: SourceSettings
    work: Path

    def digest(self) -> str:
        """Return the digest of rows.parquet."""
        return file_digest(_table(self.settings.name, self.settings.read))

    def index(self) -> SourceIndex:
        """Return the rows; those of several images, or of images not there, with their reason."""
        _rows.cache_clear()  # what a process read before may have been made again
        table = _rows(self.settings.name, self.settings.read, str(self.work))
        rows = table.num_rows
        counts = _lengths(table["images"])
        reasons = Reasons.none(rows)
        reasons.leave_out(counts > 1, "several images")
        self._ask(table, counts, reasons)
        first = _first_images(table)
        unseen = (counts == 1) & ~np.asarray(first["path"].is_valid())
        reasons.leave_out(unseen, "image not looked at")
        sizes = np.zeros(rows, np.int64)
        asked = np.flatnonzero((counts == 1) & (reasons.of < 0))
        sizes[asked] = self._sizes(first["path"], asked)
        reasons.leave_out(sizes == _MISSING, "image missing")
        ids = one_array(table["id"])
        return SourceIndex(
            ids=ids,
            class_ids=(),
            class_of=np.full(rows, -1, np.int32),
            sizes=packed_size(np.maximum(sizes, 0), _text_bytes(table)),
            kinds=np.where(counts == 1, kinds_of(first["format"]), 0).astype(np.int8),
            image_sha256=_digests(first["sha256"]),
            reasons=tuple(reasons.names),
            by_choice=frozenset(reasons.by_choice),
            reason_of=reasons.of,
        )

    def sample(
        self, row: int, template: str, seed: int, repeat: int = 0
    ) -> tuple[dict[str, Any], Span | None]:
        """Return a conversation as its source has it, and where its image lies if it has one."""
        table = _rows(self.settings.name, self.settings.read, str(self.work))
        row_id = table["id"][row].as_py()
        images = table["images"][row].as_py()
        said = [dict(turn) for turn in table["conversations"][row].as_py()]
        span = image_span(self.settings, images[0]["path"] or "") if images else None
        ref = load_conversation(template).ref
        return sample_json(self.settings.name, row_id, ref, said, {}), span

    def _ask(self, table: pa.Table, counts: Ints, reasons: Reasons) -> None:
        where: Where = self.settings.where
        if where.files:
            self._refuse_unknown(pc.unique(table["source"]).to_pylist())
            among = pc.is_in(table["source"], value_set=pa.array(where.files, pa.string()))
            reasons.leave_out(~np.asarray(among), "file not asked for", by_choice=True)
        if where.with_image is not None:
            other = (counts == 0) == where.with_image
            kind = "text only" if where.with_image else "has an image"
            reasons.leave_out(other, kind, by_choice=True)

    def _refuse_unknown(self, there: list[str]) -> None:
        if lost := sorted({*self.settings.where.files} - {*there}):
            raise ToolkitError(
                f"source {self.settings.name} has no file {lost[0]!r}, which its where asks for;"
                f" have: {', '.join(sorted(there))}"
            )

    def _sizes(self, paths: pa.Array, rows: Ints) -> Ints:
        """Return the bytes of the images of some rows; -1 for one that is not there."""
        found = np.full(len(rows), _MISSING, np.int64)
        for place, inside in enumerate(paths.take(pa.array(rows)).to_pylist()):
            found[place] = image_size(self.settings, inside)
        return found


@lru_cache(maxsize=8)
def _rows(name: str, read: str, work: str) -> pa.Table:
    """Return the rows that samples are made from; opened once a process."""
    return _mapped(_unpacked(name, _table(name, read), Path(work)))


def _unpacked(name: str, place: Path, work: Path) -> Path:
    """Return the Arrow file of the rows, made when it is not there for these rows."""
    seen = place.stat()
    path = work / f"{name}-{seen.st_size}-{seen.st_mtime_ns}.arrow"
    return made_once(path, lambda new: publish(new, _arrow(place)))


def _table(name: str, read: str) -> Path:
    """Return the table of llava:ROWS, or of the folder that holds it."""
    place = Path(read.partition(":")[2])
    if place.is_dir():
        place /= "rows.parquet"
    try:
        fits = pq.read_schema(place).equals(schema())
    except (OSError, pa.ArrowException):
        fits = False
    if not fits:
        raise ToolkitError(
            f"{place} of source {name} is no rows.parquet: make it with imagewikiqa builders llava"
        )
    return place


def _arrow(path: Path) -> Iterator[bytes]:
    """Yield the bytes of the Arrow file of a parquet, a group at a time."""
    with pq.ParquetFile(path) as file:
        yield from arrow_bytes(file.iter_batches(batch_size=4096), schema())


def _mapped(path: Path) -> pa.Table:
    """Return the rows of an Arrow file, mapped into memory."""
    return pa.ipc.open_stream(pa.memory_map(str(path))).read_all()


def _lengths(lists: pa.ChunkedArray) -> Ints:
    return np.asarray(pc.fill_null(pc.list_value_length(lists), 0), np.int64)


def _first_images(table: pa.Table) -> dict[str, pa.Array]:
    """Return path, digest and format of the first image of every row; null where there is none."""
    found: dict[str, list[pa.Array]] = {"path": [], "sha256": [], "format": []}
    for chunk in table["images"].chunks:
        has = np.asarray(pc.fill_null(pc.list_value_length(chunk), 0)) > 0
        place = np.asarray(chunk.offsets)[:-1].astype(np.int64)
        where = pa.array(place, mask=~has)
        for name, parts in found.items():
            parts.append(pc.struct_field(chunk.values, name).take(where))
    return {name: one_array(pa.chunked_array(parts, pa.string())) for name, parts in found.items()}


def _digests(hexadecimal: pa.Array) -> pa.Array:
    """Return a column of hex digits as bytes; null stays null."""
    parts = [pa.array([], pa.binary(32))]
    for start in range(0, len(hexadecimal), _AT_ONCE):
        part = hexadecimal.slice(start, _AT_ONCE)
        digits = "".join(pc.fill_null(part, "0" * 64).to_pylist())
        buffers = [None, pa.py_buffer(bytes.fromhex(digits))]
        whole = pa.Array.from_buffers(pa.binary(32), len(part), buffers)
        parts.append(pc.if_else(part.is_valid(), whole, pa.scalar(None, pa.binary(32))))
    return pa.concat_arrays(parts)


def _text_bytes(table: pa.Table) -> Ints:
    """Return about how many bytes the JSON of every row takes."""
    found: list[npt.NDArray[np.int64]] = []
    for chunk in table["conversations"].chunks:
        values = pc.struct_field(chunk.values, "value")
        lengths = np.asarray(pc.fill_null(pc.binary_length(values), 0), np.int64) + _TURN
        ends = np.concatenate([[0], np.cumsum(lengths)])
        offsets = np.asarray(chunk.offsets).astype(np.int64)
        found.append(ends[offsets[1:]] - ends[offsets[:-1]] + _HEAD)
    return np.concatenate(found) if found else np.zeros(0, np.int64)
