"""Which class keeps a picture that several claim, and which of two like pictures stays.

Between classes a picture stays where it ranks best, if that is an article (its lead image before
any other image); it leaves every class when the best rank is shared, or is no more than a category.
Within a class the first by rank stays.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from imagewikiqa.builders.commons.candidates import Candidate
from imagewikiqa.builders.commons.records import WHYS
from imagewikiqa.builders.commons.refusal import RefusedError

# Bits of 64 that may differ; both hashes must agree. On made-up pictures this finds a copy that was
# scaled, softened, brightened, made grey or cut by 2 % at each side, and not one of a million pairs
# of different ones; a mirrored copy, or one cut by 8 %, is another picture.
PHASH_BITS = 12
DHASH_BITS = 10
_BLOCK = 512  # rows compared with all others at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Hashed:
    """A candidate with the hashes of its picture."""

    candidate: Candidate
    phash: str
    dhash: str


def contested(claims: Iterable[tuple[Candidate, Hashable]]) -> dict[Candidate, RefusedError]:
    """Return which claims to a file fail, given each with what tells a file from another."""
    by_file: dict[Hashable, list[Candidate]] = {}
    for candidate, file in claims:
        by_file.setdefault(file, []).append(candidate)
    lost: dict[Candidate, RefusedError] = {}
    for same in by_file.values():
        for one in same:
            strangers = [other for other in same if other.class_id != one.class_id]
            own = [other for other in same if other.class_id == one.class_id]
            first = min(own, key=lambda other: other.rank)
            if (winner := _beaten_by(one, strangers)) is not None:
                lost[one] = RefusedError("same file in another class", _named(winner))
            elif first != one:
                lost[one] = RefusedError("same file in this class", first.title)
    return lost


def alike(pictures: Sequence[Hashed]) -> dict[Candidate, RefusedError]:
    """Return which pictures leave because another one looks the same, in this or another class."""
    near = near_pairs([one.phash for one in pictures], [one.dhash for one in pictures])
    lost: dict[Candidate, RefusedError] = {}
    for at, others in near.items():
        own = pictures[at].candidate
        around = [pictures[other].candidate for other in others]
        strangers = [other for other in around if other.class_id != own.class_id]
        if (winner := _beaten_by(own, strangers)) is not None:
            lost[own] = RefusedError("same picture in another class", _named(winner))
    kept: set[int] = set()
    for at in sorted(range(len(pictures)), key=lambda at: pictures[at].candidate.rank):
        own = pictures[at].candidate
        if own in lost:
            continue
        firsts = [n for n in near.get(at, ()) if n in kept and _same_class(pictures, at, n)]
        if firsts:
            first = min((pictures[n].candidate for n in firsts), key=lambda one: one.rank)
            lost[own] = RefusedError("same picture in this class", first.title)
        else:
            kept.add(at)
    return lost


def near_pairs(phashes: Sequence[str], dhashes: Sequence[str]) -> Mapping[int, list[int]]:
    """Return for each picture the others whose hashes both differ in few bits."""
    first, second = _numbers(phashes), _numbers(dhashes)
    near: dict[int, list[int]] = {}
    for start in range(0, len(first), _BLOCK):
        block = first[start : start + _BLOCK]
        rows, columns = np.nonzero(np.bitwise_count(block[:, None] ^ first[None, :]) <= PHASH_BITS)
        rows = rows + start
        close = (rows != columns) & (np.bitwise_count(second[rows] ^ second[columns]) <= DHASH_BITS)
        for row, column in zip(rows[close].tolist(), columns[close].tolist(), strict=True):
            near.setdefault(row, []).append(column)
    return near


def _numbers(hashes: Sequence[str]) -> npt.NDArray[np.uint64]:
    return np.array([int(one, 16) for one in hashes], dtype=np.uint64)


def _same_class(pictures: Sequence[Hashed], one: int, other: int) -> bool:
    return pictures[one].candidate.class_id == pictures[other].candidate.class_id


def _beaten_by(own: Candidate, strangers: Iterable[Candidate]) -> Candidate | None:
    """Return the best of other classes' claims that takes a picture away, None if none does."""
    place = len(WHYS) if own.why == "category" else WHYS.index(own.why)
    takes = [other for other in strangers if WHYS.index(other.why) <= place]
    return min(takes, key=lambda one: (one.rank, one.class_id)) if takes else None


def _named(candidate: Candidate) -> str:
    return f"{candidate.class_id} ({candidate.why}): {candidate.title}"
