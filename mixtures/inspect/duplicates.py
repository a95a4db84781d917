"""What stands more than once: the same image, the same conversation, the same of both.

A mixture repeats itself on purpose, by epochs and by several templates for a row. So what is seen
again is told apart: by the same row of the same source, or by another one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

IMAGE, CONVERSATION, BOTH = "image", "conversation", "image and conversation"
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 over the golden ratio
_AT_ONCE = 65_536  # rows of a table
Marks = npt.NDArray[np.uint64]
Places = npt.NDArray[np.int64]
COLUMNS = pa.schema(
    [
        pa.field("same", pa.string(), nullable=False),
        pa.field("samples", pa.int32(), nullable=False),
        pa.field("rows", pa.int32(), nullable=False),
        pa.field("first", pa.int64(), nullable=False),
        pa.field("mark", pa.uint64(), nullable=False),
    ]
)


class Group(NamedTuple):
    """Samples that have something the same: how many, of how many rows, and the first of them."""

    samples: int
    rows: int
    first: int  # number in the mixture


@dataclass(frozen=True, slots=True)
class Repeats:
    """What stands more than once, in arrays with an element for each group; most rows first."""

    same: str
    samples: int  # that have such a thing at all
    distinct: int
    by_same_row: int  # samples that show again what their own row showed
    by_other_row: int  # rows that show what another row showed before
    counts: Places
    rows: Places
    firsts: Places
    marks: Marks

    @property
    def groups(self) -> int:
        """Return how many different things stand more than once."""
        return len(self.counts)

    def largest(self, count: int) -> list[Group]:
        """Return the first groups that are of several rows."""
        several = np.flatnonzero(self.rows > 1)[:count]
        return [
            Group(int(self.counts[one]), int(self.rows[one]), int(self.firsts[one]))
            for one in several
        ]

    def tables(self) -> Iterator[pa.Table]:
        """Yield all groups as tables."""
        for start in range(0, self.groups, _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            counts = self.counts[part]
            columns = {
                "same": pa.repeat(self.same, len(counts)),
                "samples": counts,
                "rows": self.rows[part],
                "first": self.firsts[part],
                "mark": self.marks[part],
            }
            yield pa.table({k: pa.array(v) for k, v in columns.items()}).cast(COLUMNS)


def repeats(same: str, marks: Marks, rows: Marks, numbers: Places) -> Repeats:
    """Return what stands more than once among samples: their marks, rows and numbers."""
    order = np.lexsort((numbers, rows, marks))
    marks, rows, numbers = marks[order], rows[order], numbers[order]
    new_mark = _changes(marks)
    new_row = new_mark | _changes(rows)
    starts = np.flatnonzero(new_mark)
    counts = np.diff(np.append(starts, len(marks)))
    rows_of = np.add.reduceat(new_row, starts, dtype=np.int64) if len(starts) else starts
    firsts = np.minimum.reduceat(numbers, starts) if len(starts) else starts
    several = np.flatnonzero(counts > 1)
    ranked = several[np.lexsort((firsts[several], -counts[several], -rows_of[several]))]
    pairs = int(new_row.sum())
    return Repeats(
        same=same, samples=len(marks), distinct=len(starts), by_same_row=len(marks) - pairs,
        by_other_row=pairs - len(starts), counts=counts[ranked], rows=rows_of[ranked],
        firsts=firsts[ranked], marks=marks[starts[ranked]],
    )  # fmt: skip


def all_repeats(
    images: Marks, has_image: npt.NDArray[np.bool_], conversations: Marks, rows: Marks
) -> list[Repeats]:
    """Return what stands more than once, by kind.

    Each array has an element for each sample; the mark of no image is 0.
    """
    every = np.arange(len(rows), dtype=np.int64)
    shown = np.flatnonzero(has_image)
    both = conversations + images * _ODD
    return [
        repeats(IMAGE, images[shown], rows[shown], shown),
        repeats(CONVERSATION, conversations, rows, every),
        repeats(BOTH, both, rows, every),
    ]


def _changes(values: Marks) -> npt.NDArray[np.bool_]:
    """Return where a value is another than the one before; the first is."""
    return np.append(np.ones(min(1, len(values)), bool), values[1:] != values[:-1])
