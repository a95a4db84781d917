"""Finds images of the same bytes in an index, exactly, in about 120 bytes of memory an image."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from imagewikiqa.builders.imagesets.dispositions import USABLE

ALONE, REPEATED, CONFLICTING = 0, 1, 2
WORDS = ("", "repeated", "conflicting")  # in the column `duplicate`, by the numbers above
Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Twins:
    """For each row of an index: how it shares its bytes, and the first row that has them."""

    kind: npt.NDArray[np.int8]
    same_as: Rows  # -1 for the first row itself and for bytes that stand once


def find_twins(tables: Iterable[pa.Table]) -> Twins:
    """Return which usable images share their bytes; tables hold sha256, class_id, disposition.

    Unusable images are never twins: a lost image is not the same picture as another lost one.
    """
    hashes, classes, usable = _columns(tables)
    kind = np.zeros(len(usable), dtype=np.int8)
    same_as = np.full(len(usable), -1, dtype=np.int64)
    rows = np.flatnonzero(usable)
    if len(rows) > 1:
        order = rows[np.lexsort(hashes[rows].T)]  # stable: equal digests stay in row order
        ordered = hashes[order]
        fresh = np.concatenate([[True], (ordered[1:] != ordered[:-1]).any(axis=1)])
        del ordered
        starts = np.flatnonzero(fresh)
        first = order[starts][np.cumsum(fresh) - 1]  # the first row of each row's group
        foreign = classes[order] != classes[first]
        mixed = np.logical_or.reduceat(foreign, starts)[np.cumsum(fresh) - 1]
        later = order != first
        same_as[order[later]] = first[later]
        kind[order[later]] = REPEATED
        kind[order[mixed]] = CONFLICTING
    return Twins(kind=kind, same_as=same_as)


def _columns(
    tables: Iterable[pa.Table],
) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
    """Return digests as four numbers, classes as numbers, and whether an image is usable."""
    hashes: list[npt.NDArray[np.uint64]] = [np.zeros((0, 4), dtype=np.uint64)]
    classes: list[npt.NDArray[np.int32]] = [np.zeros(0, dtype=np.int32)]
    usable: list[npt.NDArray[np.bool_]] = [np.zeros(0, dtype=np.bool_)]
    numbers: dict[str, int] = {}
    for table in tables:
        digests = b"".join(table.column("sha256").to_pylist())
        hashes.append(np.frombuffer(digests, dtype=np.uint64).reshape(-1, 4))
        ids = table.column("class_id").to_pylist()
        classes.append(np.array([numbers.setdefault(one, len(numbers)) for one in ids], np.int32))
        words = table.column("disposition").to_pylist()
        usable.append(np.array([word in USABLE for word in words], np.bool_))
    return np.concatenate(hashes), np.concatenate(classes), np.concatenate(usable)
