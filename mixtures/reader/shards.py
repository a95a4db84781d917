"""Samples by number, out of shards whose receipt, size and, if asked, bytes are checked first."""

import hashlib
import os
import resource
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained
from imagewikiqa.mixtures.reader.copies import Copies, stamp
from imagewikiqa.mixtures.reader.index import ShardRow, key_digest, open_index
from imagewikiqa.mixtures.reader.sample import BadSampleError, Sample, read_sample
from imagewikiqa.mixtures.reader.trusted import (
    AGAIN,
    MAX_TAIL,
    MIXTURE,
    OpenFile,
    check_receipt,
    read_manifest,
)

Check = Literal["size", "shard", "sample"]
CHECKS: tuple[Check, ...] = ("size", "shard", "sample")
# Of the files that a process may have open, often 1,024, the rest is for others.
_OPEN_AT_ONCE = max(64, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 4)


class Shards:
    """A mixture's shards; a bad one raises ToolkitError before any sample of it is returned."""

    def __init__(self, folder: Path, check: Check, cache: Path) -> None:
        """Check that every shard of the manifest is there and has the size of its receipt."""
        opened = read_manifest(folder)
        self.sha256 = opened.sha256
        self._folder, self._check = folder, check
        self._receipts = opened.manifest.shards
        self._index = open_index(folder, opened, cache)
        self._copies = Copies(cache / f"{opened.sha256}.right")
        self._open = dict[int, OpenFile]()
        self._stamps = dict[int, tuple[int, ...]]()  # of the shards that were checked
        for row in self._index.shards:
            self._check_size(row)

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self._index)

    @property
    def rows(self) -> tuple[ShardRow, ...]:
        """Return what the receipts say of the shards, by name."""
        return self._index.shards

    def numbers(self, shard: int) -> range:
        """Return the numbers of the samples of a shard."""
        return range(*self._index.firsts[shard : shard + 2])

    def shard_of(self, number: int) -> tuple[str, int]:
        """Return the name of the shard that holds a sample, and its place there."""
        shard = self._index.shard_of(number)
        return self._index.shards[shard].shard, number - self._index.firsts[shard]

    def read(self, number: int) -> Sample:
        """Return a sample; ToolkitError where its shard, or the sample, is not its receipt's."""
        row = self._index.row(number)
        shard = self._index.shard_of(number)
        file = self._open.get(shard) or self._opened(shard)
        try:
            sample, contents = read_sample(file.descriptor, row.offset, row.size)
            if key_digest(sample.key) != row.key:
                raise BadSampleError(f"its key {sample.key!r} is not that of its receipt")
            if self._check == "sample" and _sha256(contents) != row.sha256:
                raise BadSampleError("its files are not those of its receipt")
        except BadSampleError as bad:
            place = number - self._index.firsts[shard]
            path = self._folder / self._index.shards[shard].shard
            raise ToolkitError(
                f"sample {place} of the shard {path} is bad, {bad}: {AGAIN}"
            ) from bad
        return sample

    def _opened(self, shard: int) -> OpenFile:
        """Open a shard, checked the first time, and close the one that was opened first of many.

        With more shards than may be open most are opened again and again: then only what the
        system says of the file is looked at.
        """
        row = self._index.shards[shard]
        path = self._folder / row.shard
        if first := shard not in self._stamps:
            check_receipt(self._folder, row.shard, self._receipts[row.shard])
            self._check_size(row)
        with explained(path, "read", instead=MIXTURE):
            file = OpenFile(path)
            if first:
                self._check_content(file, row, self._index.end_of(shard))
        if self._stamps.setdefault(shard, stamp(file)) != stamp(file):
            raise ToolkitError(f"the shard {path} has changed while it was read: {AGAIN}")
        if len(self._open) == _OPEN_AT_ONCE:
            del self._open[next(iter(self._open))]
        self._open[shard] = file
        return file

    def _check_size(self, row: ShardRow) -> None:
        path = f"{self._folder}/{row.shard}"  # of thousands: a Path each would take longer
        try:
            size = os.stat(path).st_size  # noqa: PTH116
        except FileNotFoundError as error:
            raise ToolkitError(f"the shard {path} is missing: {AGAIN}") from error
        if size != row.bytes:
            raise ToolkitError(
                f"the shard {path} has {size:,} bytes and its receipt says {row.bytes:,}: {AGAIN}"
            )

    def _check_content(self, file: OpenFile, row: ShardRow, end: int) -> None:
        """Refuse a shard with anything after its last sample and, when asked, with other bytes."""
        path = self._folder / row.shard
        if os.pread(file.descriptor, MAX_TAIL, end).strip(b"\x00"):
            raise ToolkitError(f"the shard {path} goes on after its last sample: {AGAIN}")
        if self._check == "shard" and not self._copies.is_right(file, row.sha256):
            raise ToolkitError(f"the shard {path} holds other bytes than its receipt says: {AGAIN}")


def _sha256(contents: Iterable[bytes]) -> bytes:
    hashed = hashlib.sha256()
    for content in contents:
        hashed.update(content)
    return hashed.digest()
