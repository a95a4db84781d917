"""Reads an index of an image set: its counts, and the images that may illustrate classes."""

from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import ValidationError

from imagewikiqa.builders.imagesets.dispositions import DISPOSITIONS, is_usable, reason_of
from imagewikiqa.builders.imagesets.merge import IMAGES, REPORT
from imagewikiqa.builders.imagesets.parts import is_table, read_groups
from imagewikiqa.builders.imagesets.records import IndexReport
from imagewikiqa.core.digests import file_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ImageRef, Reject

AGAIN, CLAIMED = "same picture again", "same picture in two classes"
_NEEDED = ["source_id", "class_id", "sha256", "disposition", "duplicate", "same_as"]


def read_report(folder: Path) -> IndexReport:
    """Return the counts of a finished index: images by disposition, class and split.

    Raises ToolkitError when there is none, or its table is not the one that was counted.
    """
    path = folder / REPORT
    if not path.is_file():
        raise ToolkitError(
            f"there is no finished index of images in {folder}: make it with imagewikiqa builders"
            f" images index SET:IMAGES --out {folder}"
        )
    try:
        report = IndexReport.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ToolkitError(f"{path} is damaged: make the index again") from error
    images = folder / IMAGES
    counted = images.is_file() and file_digest(images) == report.files.get(IMAGES)
    if not counted or not is_table(images):
        raise ToolkitError(f"{images} is not the table that {path} counts: make the index again")
    return report


def indexed_images(folder: Path, class_ids: Collection[str]) -> tuple[list[ImageRef], list[Reject]]:
    """Return the usable images of some classes and a reject for each other one, by address.

    Of images with the same bytes the first of the set is taken, and none where they lie in two
    classes of the set, asked for or not: so an image stays when classes are added. Classes that
    are not asked for are one reject each.
    """
    read_report(folder)
    refs: list[ImageRef] = []
    rows: list[dict[str, Any]] = []
    others: Counter[str] = Counter()
    for table in read_groups(folder / IMAGES, _NEEDED):
        _check(table, folder / IMAGES)
        asked = pc.is_in(table["class_id"], value_set=pa.array(sorted(class_ids), pa.string()))
        others.update(table.filter(pc.invert(asked))["class_id"].to_pylist())
        for row in table.filter(asked).to_pylist():
            if is_usable(row["disposition"]) and not row["duplicate"]:
                refs.append(_ref(row))
            else:
                rows.append(row)
    addresses = _addresses(folder, {row["same_as"] for row in rows} - {None})
    rejects = [_rejected(row, addresses) for row in rows]
    rejects += [_not_asked(one, count) for one, count in others.items()]
    return sorted(refs, key=_by_id), sorted(rejects, key=_by_id)


def _check(table: pa.Table, path: Path) -> None:
    """Refuse rows that no index has: they may come from elsewhere, as may the file's digest."""
    addresses = table["source_id"].to_pylist()
    out = [one for one in addresses if not one or one[0] == "/" or ".." in one.split("/")]
    words = {*table["disposition"].unique().to_pylist()} - DISPOSITIONS.keys()
    wrong = next(iter((*sorted(words), *out)), None)
    if wrong is not None:
        raise ToolkitError(f"{path} holds {wrong[:60]!r}, which no index does: make it again")


def _by_id(record: ImageRef | Reject) -> str:
    return record.id


def _ref(row: dict[str, Any]) -> ImageRef:
    return ImageRef(id=row["source_id"], class_id=row["class_id"], sha256=row["sha256"].hex())


def _addresses(folder: Path, rows: Collection[int]) -> dict[int, str]:
    """Return the addresses of some rows."""
    return {
        at: address
        for at, address in enumerate(_all_addresses(folder) if rows else ())
        if at in rows
    }


def _all_addresses(folder: Path) -> Iterator[str]:
    for table in read_groups(folder / IMAGES, ["source_id"]):
        yield from table["source_id"].to_pylist()


def _rejected(row: dict[str, Any], addresses: dict[int, str]) -> Reject:
    if not is_usable(row["disposition"]):
        return _reject(row["source_id"], reason_of(row["disposition"]))
    reason = AGAIN if row["duplicate"] == "repeated" else CLAIMED
    return _reject(row["source_id"], reason, addresses.get(row["same_as"], "the first of them"))


def _not_asked(class_id: str, count: int) -> Reject:
    return _reject(class_id, "class not asked for", f"{count:,} images")


def _reject(name: str, reason: str, detail: str = "") -> Reject:
    return Reject(id=f"images:{name}", stage="images", input=name, reason=reason, detail=detail)
