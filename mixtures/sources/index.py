"""The index of a source: columns over all its rows, read without opening an image."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

USABLE = -1  # in `reason_of`
_BLOCK = 512  # bytes of a tar
# What a sample shows, by the extension in its shard; "" for text alone. What is no JPEG, PNG or
# WebP becomes a JPEG.
KINDS = ("", "jpg", "png", "webp")
_NOT_JPEG = {"PNG": KINDS.index("png"), "WEBP": KINDS.index("webp")}
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceIndex:
    """Every row of a source: what it is called, whose class it is, whether it can be drawn."""

    ids: pa.Array  # of strings, each once
    class_ids: tuple[str, ...]  # of the classes that `class_of` counts
    class_of: npt.NDArray[np.int32]  # -1 for a row without a class
    sizes: Ints  # bytes in a shard, as an estimate that no shard is cut by wrongly twice
    kinds: npt.NDArray[np.int8]  # place in KINDS: what the bytes of its image are
    image_sha256: pa.Array  # binary(32); null for text only
    reasons: tuple[str, ...]
    reason_of: npt.NDArray[np.int8]  # USABLE, or why the row is left out
    by_choice: frozenset[str] = frozenset()  # of the reasons, those that the recipe asks for

    @property
    def rows(self) -> int:
        """Return how many rows there are, drawable or not."""
        return len(self.ids)

    @property
    def has_image(self) -> Bools:
        """Return which rows show an image."""
        return np.asarray(self.kinds > 0)

    @property
    def usable(self) -> Ints:
        """Return the rows that can be drawn, ascending."""
        return np.flatnonzero(self.reason_of == USABLE)

    def left_out(self) -> dict[str, int]:
        """Return how many rows are left out, by reason."""
        counts = np.bincount(self.reason_of[self.reason_of >= 0], minlength=len(self.reasons))
        pairs = zip(self.reasons, counts.tolist(), strict=True)
        return {reason: count for reason, count in sorted(pairs) if count}

    def rejected(self) -> Iterator[tuple[str, str]]:
        """Yield id and reason of each row that the recipe asks for and that cannot be used."""
        for row in np.flatnonzero(self.reason_of >= 0).tolist():
            reason = self.reasons[self.reason_of[row]]
            if reason not in self.by_choice:
                yield self.ids[row].as_py(), reason


@dataclass(slots=True)
class Reasons:
    """Why rows are left out: the first reason given to a row stays."""

    of: npt.NDArray[np.int8]
    names: list[str] = field(default_factory=list)
    by_choice: set[str] = field(default_factory=set)

    @classmethod
    def none(cls, rows: int) -> "Reasons":
        """Return rows that can all be drawn."""
        return cls(np.full(rows, USABLE, np.int8))

    def leave_out(self, rows: Bools, reason: str, *, by_choice: bool = False) -> None:
        """Leave out the rows of a mask that nothing else has left out; or that nobody asks for."""
        if by_choice:
            self.by_choice.add(reason)
        if reason not in self.names:
            self.names.append(reason)
        self.of[rows & (self.of == USABLE)] = self.names.index(reason)


def kinds_of(formats: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int8]:
    """Return the places in KINDS of images by their formats, as in PNG."""
    words, word_of = encoded(formats)
    kind_of = [_NOT_JPEG.get(word, KINDS.index("jpg")) for word in words]
    return np.array([*kind_of, KINDS.index("jpg")], np.int8)[word_of]


def packed_size(image_bytes: Ints, text_bytes: Ints) -> Ints:
    """Return the bytes that samples take in a tar; an image of 0 bytes is none."""
    images = np.where(image_bytes > 0, _BLOCK + _padded(image_bytes), 0)
    return np.asarray(images + _BLOCK + _padded(text_bytes), np.int64)


def _padded(sizes: Ints) -> Ints:
    return (sizes + _BLOCK - 1) // _BLOCK * _BLOCK


def encoded(values: pa.Array | pa.ChunkedArray) -> tuple[tuple[str, ...], npt.NDArray[np.int32]]:
    """Return the distinct strings of a column, sorted, and each row's place among them; -1: null.

    The column may be of strings, or of their dictionaries, which take a tenth of the memory.
    """
    column = values if isinstance(values, pa.ChunkedArray) else pa.chunked_array([values])
    if not len(column):
        return (), np.zeros(0, np.int32)
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    chunks = column.unify_dictionaries().chunks
    words = np.array(chunks[0].dictionary.to_pylist(), object)
    order = np.argsort(words)
    place = np.append(np.argsort(order), -1).astype(np.int32)  # null, as -1, takes the last
    codes = [np.asarray(pc.fill_null(chunk.indices, -1), np.int32) for chunk in chunks]
    return tuple(words[order].tolist()), place[np.concatenate(codes)]


def one_array(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column in one piece."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def code_of(words: Sequence[str], word: str) -> int:
    """Return the place of a word, or -2, which no row has."""
    return words.index(word) if word in words else -2
