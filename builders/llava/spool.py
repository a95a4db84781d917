"""Clean rows spooled in parts: parsing cannot be split, and all that comes after it can."""

import itertools
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagewikiqa.builders.llava.defects import DefectError
from imagewikiqa.builders.llava.mix import MixPart
from imagewikiqa.builders.llava.records import schema
from imagewikiqa.builders.llava.row import LlavaRow
from imagewikiqa.builders.llava.rows import iterate_rows
from imagewikiqa.core.digests import digest, file_digest
from imagewikiqa.core.files import publish, publish_text
from imagewikiqa.core.parquet import parquet_bytes
from imagewikiqa.core.progress import Progress, Silent
from imagewikiqa.core.records import Reject
from imagewikiqa.core.tables import write_table

if TYPE_CHECKING:
    import pyarrow

REJECTS = "spool.rejects.jsonl"
PART_ROWS = 4096
PART_CHARACTERS = 1 << 26  # long before its rows are many: memory is bounded for any file


@dataclass(frozen=True, slots=True)
class SpoolPart:
    """A spooled part of the rows; its id is its place."""

    id: str
    path: Path
    sha256: str

    def digest(self) -> str:
        """Return the digest of what the part holds and where it stands."""
        return digest([self.id, self.sha256])


def spooled(
    parts: Sequence[MixPart],
    work: Path,
    *,
    key: str,
    seed: int = 0,
    limit: int | None = None,
    progress: Progress | None = None,
) -> list[SpoolPart]:
    """Return the first `limit` rows of a mix in parts, and their rejects in WORK/`REJECTS`.

    The files are not read when a whole spool of the same `key` is there.
    """
    receipt, key = work / "spool.json", digest([key, seed, limit])
    if (kept := _kept(receipt, key)) is not None:
        return kept
    receipt.unlink(missing_ok=True)
    watcher = progress or Silent()
    watcher.begin("read", sum(part.path.stat().st_size for part in parts), 0)
    made: list[SpoolPart] = []
    try:
        rows = itertools.islice(iterate_rows(parts, seed, watcher), limit)
        write_table(work / REJECTS, _written(rows, work / "spool", made))
    finally:
        watcher.end()
    said = {"key": key, "parts": [part.sha256 for part in made]}
    publish_text(receipt, json.dumps({**said, "rejects": file_digest(work / REJECTS)}))
    return made


def _kept(receipt: Path, key: str) -> list[SpoolPart] | None:
    """Return the parts of a finished spool; None if it has another key, or a file was changed."""
    try:
        said = json.loads(receipt.read_bytes())
        parts = [_part(receipt.parent / "spool", n, sha) for n, sha in enumerate(said["parts"])]
        whole = [(part.path, part.sha256) for part in parts]
        whole.append((receipt.with_name(REJECTS), said["rejects"]))
        if said["key"] != key or any(file_digest(file) != sha for file, sha in whole):
            return None
    except (FileNotFoundError, ValueError, KeyError, TypeError):  # damaged is as good as none
        return None
    return parts


def _part(folder: Path, number: int, sha256: str) -> SpoolPart:
    name = f"{number:05d}"
    return SpoolPart(name, folder / f"{name}.parquet", sha256)


def _written(
    rows: Iterable[tuple[str, str, LlavaRow | DefectError]], folder: Path, made: list[SpoolPart]
) -> Iterator[Reject]:
    """Write the clean rows in parts, add these to `made`, and yield a Reject for each other row."""
    kept: list[dict[str, Any]] = []
    characters = 0
    for identity, source, found in rows:
        if isinstance(found, DefectError):
            yield reject(identity, found)
            continue
        kept.append(_as_dict(identity, source, found))
        characters += sum(len(turn.value) for turn in found.turns)
        if len(kept) >= PART_ROWS or characters >= PART_CHARACTERS:
            made.append(_publish(kept, folder, len(made)))
            kept, characters = [], 0
    if kept:
        made.append(_publish(kept, folder, len(made)))


def _publish(rows: list[dict[str, Any]], folder: Path, number: int) -> SpoolPart:
    path = _part(folder, number, "").path
    publish(path, parquet_bytes([table_of(rows)], schema()))
    return _part(folder, number, file_digest(path))


def _as_dict(identity: str, source: str, row: LlavaRow) -> dict[str, Any]:
    return {
        "id": identity,
        "row_id": row.row_id,
        "source": source,
        "images": [{"name": name} for name in row.images],
        "conversations": [{"from": turn.speaker, "value": turn.value} for turn in row.turns],
        "repairs": list(row.repairs),
    }


def table_of(rows: list[dict[str, Any]]) -> "pyarrow.Table":
    """Return rows as a table with the columns of rows.parquet."""
    import pyarrow

    return pyarrow.Table.from_pylist(rows, schema=schema())


def reject(identity: str, defect: DefectError) -> Reject:
    """Return the reject row of a row of a file."""
    return Reject(
        id=f"llava:{identity}", stage="llava", input=identity, reason=defect.reason,
        detail=defect.detail[:300].encode("utf-8", "backslashreplace").decode(),
    )  # fmt: skip
