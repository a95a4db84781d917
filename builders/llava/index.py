"""One clean parquet of rows from any LLaVA-style file or mix: streamed, spread, resumable, counted.

The rows are first read in order and spooled in parts (parsing cannot be split), then the images of
each part are looked at side by side, and the parts are joined.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagewikiqa.builders.llava.images import ImageFolder
from imagewikiqa.builders.llava.mix import MixPart, read_part
from imagewikiqa.builders.llava.records import PartDone, schema
from imagewikiqa.builders.llava.row import DefectError, LlavaRow, clean_row
from imagewikiqa.core.digests import digest, file_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish, publish_text
from imagewikiqa.core.parquet import parquet_bytes
from imagewikiqa.core.progress import Progress, Silent
from imagewikiqa.core.records import Reject
from imagewikiqa.core.stages import Outcome, Stage, run_stage
from imagewikiqa.core.tables import read_table, write_table

if TYPE_CHECKING:
    import pyarrow

PART_ROWS = 4096


@dataclass(slots=True)
class LlavaReport:
    """What became of every row: kept + the sum of rejects = read."""

    read: int = 0
    kept: int = 0
    text_only: int = 0
    multi_image: int = 0
    repairs: Counter[str] = field(default_factory=Counter)
    rejects: Counter[str] = field(default_factory=Counter)
    dispositions: Counter[str] = field(default_factory=Counter)
    sources: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class _Part:
    """A spooled part of the rows; its id is its place, its digest what it holds."""

    id: str
    path: Path
    sha256: str

    def digest(self) -> str:
        """Return the digest of what the part holds and where it stands."""
        return digest([self.id, self.sha256])


def iterate_rows(
    parts: Sequence[MixPart], seed: int = 0, progress: Progress | None = None
) -> Iterator[tuple[str, str, LlavaRow | DefectError]]:
    """Yield id, source and the clean row or its defect for every row that the mix takes, in order.

    The second and later rows with the same images and conversation are defects; for that 16 bytes
    of each row are remembered, about 50 MB for 665,000 rows.
    """
    watcher = progress or Silent()
    seen: set[int] = set()
    for part in parts:
        for position, raw in read_part(part, seed, watcher.advance):
            found: LlavaRow | DefectError
            try:
                found = clean_row(raw)
                _refuse_repeated(found, seen)
            except DefectError as defect:
                found = defect
            yield f"{part.source}#{position:07d}", part.source, found


def _refuse_repeated(row: LlavaRow, seen: set[int]) -> None:
    content = json.dumps(
        [row.images, [(turn.speaker, turn.value) for turn in row.turns]], ensure_ascii=False
    )
    try:
        key = int.from_bytes(hashlib.blake2b(content.encode(), digest_size=16).digest())
    except UnicodeEncodeError as error:
        raise DefectError("broken character", f"at {error.start}") from error
    if key in seen:
        raise DefectError("duplicate row")
    seen.add(key)


def index_rows(
    parts: Sequence[MixPart],
    out: Path,
    *,
    images: Path | None = None,
    seed: int = 0,
    workers: int = 1,
    key: str = "",
    progress: Progress | None = None,
) -> LlavaReport:
    """Write OUT/rows.parquet and OUT/rejects.jsonl; return the counts.

    `images` is the folder below which rows name their images: each is found, decoded and hashed;
    without it rows keep the names alone. `key` must change with the files' bytes and our code; the
    same key goes on where a killed run stopped. Memory does not grow with the rows but for the
    digests of `iterate_rows`.
    """
    work = out / "work"
    spool_key = digest([key, seed, [(part.source, part.strategy) for part in parts]])
    spooled = _spool(parts, work, spool_key, seed, progress)
    stage = Stage(
        name="rows",
        version=1,
        settings=digest([key, images is not None]),
        step=partial(_look_at, folder=ImageFolder(images) if images else None, work=work),
        row=PartDone,
        input_digest=_Part.digest,
        processes=images is not None,
        spread_above=1,
    )
    table = work / "parts.jsonl"
    run_stage(stage, spooled, work=work, table=table, workers=workers, progress=progress)
    done = list(read_table(table, PartDone))
    whole = (_checked(work, part) for part in done)
    publish(out / "rows.parquet", parquet_bytes(whole, schema()))
    return _report(work, out, done)


def _spool(
    parts: Sequence[MixPart], work: Path, key: str, seed: int, progress: Progress | None
) -> list[_Part]:
    """Return the spooled parts, reading the files unless a finished spool has the same key."""
    marker = work / "spool.json"
    if marker.is_file():
        stored = json.loads(marker.read_text(encoding="utf-8"))
        if stored["key"] == key:
            return [_Part(n, work / "spool" / f"{n}.parquet", sha) for n, sha in stored["parts"]]
    watcher = progress or Silent()
    watcher.begin("read", sum(part.path.stat().st_size for part in parts), 0)
    names: list[tuple[str, str]] = []
    try:
        rejects = _spool_rows(iterate_rows(parts, seed, watcher), work / "spool", names)
        write_table(work / "spool.rejects.jsonl", rejects)
    finally:
        watcher.end()
    publish_text(marker, json.dumps({"key": key, "parts": names}))
    return [_Part(name, work / "spool" / f"{name}.parquet", sha) for name, sha in names]


def _spool_rows(
    rows: Iterable[tuple[str, str, LlavaRow | DefectError]],
    folder: Path,
    names: list[tuple[str, str]],
) -> Iterator[Reject]:
    """Write parts of `PART_ROWS` clean rows, adding their names; yield a Reject for each other."""
    kept: list[dict[str, Any]] = []

    def write() -> None:
        name = f"{len(names):05d}"
        path = folder / f"{name}.parquet"
        publish(path, parquet_bytes([_table(kept)], schema()))
        names.append((name, file_digest(path)))
        kept.clear()

    for identity, source, found in rows:
        if isinstance(found, DefectError):
            yield _reject(identity, found)
            continue
        kept.append(_as_dict(identity, source, found))
        if len(kept) >= PART_ROWS:
            write()
    if kept:
        write()


def _as_dict(identity: str, source: str, row: LlavaRow) -> dict[str, Any]:
    return {
        "id": identity,
        "row_id": row.row_id,
        "source": source,
        "images": [{"name": name} for name in row.images],
        "conversations": [{"from": turn.speaker, "value": turn.value} for turn in row.turns],
        "repairs": list(row.repairs),
    }


def _table(rows: list[dict[str, Any]]) -> "pyarrow.Table":
    import pyarrow

    return pyarrow.Table.from_pylist(rows, schema=schema())


def _reject(identity: str, defect: DefectError) -> Reject:
    return Reject(
        id=f"llava:{identity}", stage="llava", input=identity, reason=defect.reason,
        detail=defect.detail[:300].encode("utf-8", "backslashreplace").decode(),
    )  # fmt: skip


async def _look_at(part: _Part, *, folder: ImageFolder | None, work: Path) -> Outcome[PartDone]:
    """Look at the images of one part and write its rows, less those that have lost an image."""
    import pyarrow.parquet

    kept: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for row in pyarrow.parquet.read_table(part.path).to_pylist():
        try:
            kept.append(_with_images(row, folder) if folder and row["images"] else row)
        except DefectError as defect:
            rejects.append(_reject(row["id"], defect))
    path = work / "checked" / f"{part.id}.parquet"
    publish(path, parquet_bytes([_table(kept)], schema()))
    return Outcome(rows=(_done(part.id, path, kept),), rejects=tuple(rejects))


def _with_images(row: dict[str, Any], folder: ImageFolder) -> dict[str, Any]:
    names = [image["name"] for image in row["images"]]
    found = folder.find(names)
    images = [
        {"name": name, "path": one.path, "sha256": one.sha256, "disposition": one.disposition}
        for name, one in zip(names, found, strict=True)
    ]
    moved = ["other extension"] if any(one.renamed for one in found) else []
    return {**row, "images": images, "repairs": [*row["repairs"], *moved]}


def _done(name: str, path: Path, rows: list[dict[str, Any]]) -> PartDone:
    def counted(values: Iterable[str]) -> dict[str, int]:
        return dict(sorted(Counter(values).items()))

    return PartDone(
        id=name,
        rows=len(rows),
        text_only=sum(not row["images"] for row in rows),
        multi_image=sum(len(row["images"]) > 1 for row in rows),
        sha256=file_digest(path),
        repairs=counted(repair for row in rows for repair in row["repairs"]),
        dispositions=counted(
            image["disposition"] or "not looked at" for row in rows for image in row["images"]
        ),
        sources=counted(row["source"] for row in rows),
    )


def _checked(work: Path, part: PartDone) -> "pyarrow.Table":
    import pyarrow.parquet

    path = work / "checked" / f"{part.id}.parquet"
    if not path.is_file() or file_digest(path) != part.sha256:
        raise ToolkitError(
            f"{path} is missing or was changed: delete the folder {work} and run again"
        )
    return pyarrow.parquet.read_table(path, schema=schema())


def _report(work: Path, out: Path, done: Sequence[PartDone]) -> LlavaReport:
    report = LlavaReport()
    for part in done:
        report.kept += part.rows
        report.text_only += part.text_only
        report.multi_image += part.multi_image
        report.repairs.update(part.repairs)
        report.dispositions.update(part.dispositions)
        report.sources.update(part.sources)

    def rejects() -> Iterator[Reject]:
        for name in ("spool", "rows"):
            for one in read_table(work / f"{name}.rejects.jsonl", Reject):
                report.rejects[one.reason] += 1
                yield one

    write_table(out / "rejects.jsonl", rejects())
    report.read = report.kept + sum(report.rejects.values())
    return report
