"""Makes one table over all images of a set: what each is, its digest, its twins; resumable."""

import functools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imagewikiqa.builders.imagesets.dispositions import is_usable, reason_of
from imagewikiqa.builders.imagesets.inspect import inspect
from imagewikiqa.builders.imagesets.merge import merge
from imagewikiqa.builders.imagesets.parts import DICTIONARIES, UNIT_COLUMNS, tables_of
from imagewikiqa.builders.imagesets.protocol import ImageSample, ImageSet, Unit
from imagewikiqa.builders.imagesets.records import IndexReport, UnitDone
from imagewikiqa.core.digests import digest, file_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish, publish_text
from imagewikiqa.core.parquet import parquet_bytes
from imagewikiqa.core.progress import Progress
from imagewikiqa.core.records import Reject
from imagewikiqa.core.stages import FAILURES_IN_A_ROW, Outcome, Stage, run_stage

STAGE = "index"
VERSION = 1  # of what is said about an image; another one has every image looked at again


def build_index(
    image_set: ImageSet, out: Path, *, workers: int = 1, progress: Progress | None = None
) -> IndexReport:
    """Look at every image of a set and write images.parquet, rejects.jsonl and index.json to `out`.

    Units finished before a kill are not read again. The files are the same for any number of
    workers. Raises ToolkitError when `out` holds the index of another set, when a unit cannot be
    read, or when no image of 20 large units in a row is usable.
    """
    classes = [entry.id for entry in image_set.classes]
    identity = digest({"set": image_set.name, "classes": classes, "version": VERSION})
    work = out / "work"
    _claim(work / "index.set", image_set.name, identity)
    parts = work / "parts"
    stage = Stage(
        name=STAGE,
        version=VERSION,
        settings=identity,
        step=functools.partial(_index_unit, parts=parts),
        row=UnitDone,
        input_digest=_unit_digest,
        processes=True,
        spread_above=1,  # a unit is hundreds of images
    )
    table = work / "units.jsonl"
    units = image_set.units()
    run_stage(stage, units, work=work, table=table, workers=workers, progress=progress)
    return merge(image_set.name, classes, table, parts, work / f"{STAGE}.rejects.jsonl", out)


def _claim(mark: Path, name: str, identity: str) -> None:
    """Bind a folder to a set, so that parts of two sets never meet."""
    claim = f"{identity} {name}\n"
    if mark.is_file() and (held := mark.read_bytes()) != claim.encode():
        owner = held.decode("utf-8", "replace").partition(" ")[2].strip()
        raise ToolkitError(
            f"{mark.parent.parent} holds an index of {owner!r}, made from"
            f" another set, class list or version than {name!r} now: choose another --out"
        )
    publish_text(mark, claim)


def _unit_digest(unit: Unit) -> str:
    """Return what a unit is known by: its id, and its `stamp` where its reader gives one.

    A stamp digests names, sizes and times of what a unit reads, without reading it: with one, a
    changed unit is read again; without, a set is taken to stay as it was.
    """
    return digest([unit.id, str(getattr(unit, "stamp", ""))])


@dataclass(slots=True)
class _Tally:
    """What a unit gave, counted while its rows stream to disk."""

    unit: str
    images: int = 0
    usable: int = 0
    dispositions: Counter[str] = field(default_factory=Counter)
    not_images: Counter[str] = field(default_factory=Counter)
    rejects: list[Reject] = field(default_factory=list)


async def _index_unit(unit: Unit, *, parts: Path) -> Outcome[UnitDone]:
    """Write the rows of one unit to its part, and return its counts and rejects."""
    tally = _Tally(unit.id)
    part = parts / f"{_unit_digest(unit)[:32]}.parquet"
    rows = tables_of(_rows(unit, tally), UNIT_COLUMNS)
    publish(part, parquet_bytes(rows, UNIT_COLUMNS, DICTIONARIES))
    done = UnitDone(
        id=unit.id,
        part=part.name,
        sha256=file_digest(part),
        images=tally.images,
        dispositions=dict(sorted(tally.dispositions.items())),
        not_images=dict(sorted(tally.not_images.items())),
    )
    hopeless = tally.images >= FAILURES_IN_A_ROW and not tally.usable
    return Outcome(rows=(done,), rejects=tuple(tally.rejects), failed=hopeless)


def _rows(unit: Unit, tally: _Tally) -> Iterator[dict[str, Any]]:
    for found in _read(unit):
        if isinstance(found, Reject):
            tally.not_images[found.reason] += 1
            tally.rejects.append(found)
        else:
            yield _row(found, tally)


def _read(unit: Unit) -> Iterator[ImageSample | Reject]:
    """Read a unit; what the system refuses is said of the unit, not of the part being written."""
    try:
        yield from unit.read()
    except OSError as error:
        raise ToolkitError(
            f"{unit.id} of the image set cannot be read ({error.strerror or error}): repair or"
            " remove it and run the same command again"
        ) from error


def _row(sample: ImageSample, tally: _Tally) -> dict[str, Any]:
    found = inspect(sample.data, sample.source_id)
    tally.images += 1
    tally.dispositions[found.disposition] += 1
    if is_usable(found.disposition):
        tally.usable += 1
    else:
        tally.rejects.append(_reject(sample.source_id, found.disposition, found.detail))
    return {
        "source_id": sample.source_id,
        "class_id": sample.class_id,
        "split": sample.split,
        "sha256": bytes.fromhex(sample.sha256),
        "bytes": len(sample.data),
        "width": found.width,
        "height": found.height,
        "format": found.format,
        "mode": found.mode,
        "disposition": found.disposition,
        "also": " ".join(found.also),
        "orientation": found.exif_orientation,
    }


def _reject(source_id: str, disposition: str, detail: str) -> Reject:
    return Reject(
        id=f"images:{source_id}",
        stage="images",
        input=source_id,
        reason=reason_of(disposition),
        detail=detail,
    )
