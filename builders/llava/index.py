"""One clean parquet of rows from any LLaVA-style file or mix: streamed, spread, resumable, counted.

The rows are first read in order and spooled in parts (parsing cannot be split), then the images of
each part are looked at side by side, and the parts are joined.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imagewikiqa.builders.llava.defects import DefectError
from imagewikiqa.builders.llava.images import ImageFolder
from imagewikiqa.builders.llava.mix import MixPart
from imagewikiqa.builders.llava.records import PartDone, schema
from imagewikiqa.builders.llava.spool import REJECTS, SpoolPart, reject, spooled, table_of
from imagewikiqa.core.digests import digest, file_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish
from imagewikiqa.core.parquet import parquet_bytes
from imagewikiqa.core.progress import Progress
from imagewikiqa.core.records import Reject
from imagewikiqa.core.stages import Outcome, Stage, run_stage
from imagewikiqa.core.tables import read_table, write_table

if TYPE_CHECKING:
    import pyarrow


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


def index_rows(
    parts: Sequence[MixPart],
    out: Path,
    *,
    images: Path | None = None,
    seed: int = 0,
    limit: int | None = None,
    workers: int = 1,
    key: str = "",
    progress: Progress | None = None,
) -> LlavaReport:
    """Write OUT/rows.parquet and OUT/rejects.jsonl of the first `limit` rows; return the counts.

    `images` is the folder below which rows name their images: each is found, decoded and hashed;
    without it rows keep the names alone. `key` must change with our code and with what the files
    and the folder hold; the same key goes on where a killed run stopped. Memory does not grow with
    the rows but for the digests of `iterate_rows`. Raises ToolkitError when no row can be used.
    """
    work = out / "work"
    files = digest([key, [(part.source, part.strategy) for part in parts]])
    rows = spooled(parts, work, key=files, seed=seed, limit=limit, progress=progress)
    if not rows:
        raise _nothing_kept(parts, work / REJECTS)
    stage = Stage(
        name="rows",
        version=1,
        settings=digest([key, images is not None]),
        step=partial(_look_at, folder=ImageFolder(images) if images else None, work=work),
        row=PartDone,
        input_digest=SpoolPart.digest,
        processes=images is not None,
        spread_above=1,
    )
    table = work / "parts.jsonl"
    run_stage(stage, rows, work=work, table=table, workers=workers, progress=progress)
    done = list(read_table(table, PartDone))
    whole = (_checked(work, part) for part in done)
    publish(out / "rows.parquet", parquet_bytes(whole, schema()))
    report = _report(work, out, done)
    if not report.kept:
        raise _nothing_kept(parts, out / "rejects.jsonl")
    return report


def _nothing_kept(parts: Sequence[MixPart], rejects: Path) -> ToolkitError:
    what = parts[0].path.name if len(parts) == 1 else f"the {len(parts)} files of the mix"
    reasons = Counter(one.reason for one in read_table(rejects, Reject))
    if not reasons:
        return ToolkitError(f"there is no row in {what}: compare its size with the published one")
    [(reason, count)] = reasons.most_common(1)
    return ToolkitError(
        f"no row of {what} can be used ({count:,} of {reasons.total():,}: {reason}): see {rejects}"
    )


async def _look_at(part: SpoolPart, *, folder: ImageFolder | None, work: Path) -> Outcome[PartDone]:
    """Look at the images of one part and write its rows, less those that have lost an image."""
    import pyarrow.parquet

    kept: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    for row in pyarrow.parquet.read_table(part.path).to_pylist():
        try:
            kept.append(_with_images(row, folder) if folder and row["images"] else row)
        except DefectError as defect:
            rejects.append(reject(row["id"], defect))
    path = work / "checked" / f"{part.id}.parquet"
    publish(path, parquet_bytes([table_of(kept)], schema()))
    return Outcome(rows=(_done(part.id, path, kept),), rejects=tuple(rejects))


def _with_images(row: dict[str, Any], folder: ImageFolder) -> dict[str, Any]:
    names = [image["name"] for image in row["images"]]
    found = folder.find(names)
    images = [
        {
            "name": name,
            "path": one.path,
            "sha256": one.sha256,
            "format": one.format,
            "disposition": one.disposition,
        }
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
            f"{path} is missing or was changed: delete {work / 'rows.journal'} and run again"
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
        for name in (REJECTS, "rows.rejects.jsonl"):
            for one in read_table(work / name, Reject):
                report.rejects[one.reason] += 1
                yield one

    write_table(out / "rejects.jsonl", rejects())
    report.read = report.kept + sum(report.rejects.values())
    return report
