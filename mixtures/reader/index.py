"""Where every sample of a mixture stands, in a file of the user's cache that is read by place.

The index is a function of the manifest's sha256, which stands for every receipt. It is read with
`pread`, so that two million samples cost no memory, in this process or in any worker.
"""

import fcntl
import hashlib
import os
import struct
from bisect import bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from pydantic import Field, TypeAdapter

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained, publish
from imagewikiqa.core.records import Part, Sha256
from imagewikiqa.mixtures.reader.trusted import Opened, OpenFile, read_receipts

_MAGIC = b"mixindx1"
_FOOT = struct.Struct("<Q8s")  # bytes of the table of shards, and what kind of file this is
_KEPT = {"shard", "count", "bytes", "sha256"}  # of a receipt
_ROW = struct.Struct("<QI8s32s")
CACHE = "folder by the environment variable IMAGEWIKIQA_CACHE"


class ShardRow(Part):
    """What the index keeps of a receipt."""

    shard: str
    count: int = Field(ge=1)
    bytes: int = Field(ge=1)
    sha256: Sha256


class Row(NamedTuple):
    """Where a sample stands in its shard, and what it must be."""

    offset: int
    size: int
    key: bytes  # its digest
    sha256: bytes


_TABLE = TypeAdapter(tuple[ShardRow, ...])


def key_digest(key: str) -> bytes:
    """Return eight bytes that stand for a key."""
    return hashlib.blake2b(key.encode(), digest_size=8).digest()


@dataclass(frozen=True, slots=True)
class Index:
    """The shards of a mixture and its samples, numbered in the order of shards and places."""

    path: Path
    shards: tuple[ShardRow, ...]
    firsts: tuple[int, ...]  # number of each shard's first sample, and the count of all
    file: OpenFile

    def __len__(self) -> int:
        """Return the number of samples."""
        return self.firsts[-1]

    def shard_of(self, number: int) -> int:
        """Return which shard holds a sample."""
        return bisect_right(self.firsts, number) - 1

    def end_of(self, shard: int) -> int:
        """Return the byte of a shard where its last sample ends."""
        last = self.row(self.firsts[shard + 1] - 1)
        return last.offset + last.size

    def row(self, number: int) -> Row:
        """Return where a sample stands; ToolkitError where the index was cut meanwhile."""
        packed = os.pread(self.file.descriptor, _ROW.size, number * _ROW.size)
        if len(packed) != _ROW.size:
            raise _damaged(self.path)
        return Row(*_ROW.unpack(packed))


def open_index(folder: Path, opened: Opened, cache: Path) -> Index:
    """Return the index of a mixture, made from its receipts the first time.

    Raises ToolkitError where a receipt is not the manifest's or contradicts it, or where the cache
    cannot be written.
    """
    path = cache / f"{opened.sha256}.index"
    if not path.exists():
        with _alone(path):
            if not path.exists():
                publish(path, _packed(folder, opened))
    return _read(path)


def _packed(folder: Path, opened: Opened) -> Iterator[bytes]:
    """Yield the bytes of an index: the rows of all samples, the table of shards, its length."""
    table = []
    for receipt in read_receipts(folder, opened.manifest):
        yield b"".join(
            _ROW.pack(one.offset, one.size, key_digest(one.key), bytes.fromhex(one.sha256))
            for one in receipt.samples
        )
        table.append(ShardRow.model_validate(receipt.model_dump(include=_KEPT)))
    packed = _TABLE.dump_json(tuple(table))
    yield packed + _FOOT.pack(len(packed), _MAGIC)


def _read(path: Path) -> Index:
    with explained(path, "read", instead=CACHE):
        file = OpenFile(path)
    try:
        length, magic = _FOOT.unpack(os.pread(file.descriptor, _FOOT.size, file.size - _FOOT.size))
        rows = file.size - _FOOT.size - length
        if magic != _MAGIC or rows < 0:
            raise _damaged(path)
        shards = _TABLE.validate_json(os.pread(file.descriptor, length, rows))
    except (ValueError, OSError, struct.error) as error:
        raise _damaged(path) from error
    firsts = tuple(accumulate((one.count for one in shards), initial=0))
    if rows != firsts[-1] * _ROW.size or not shards:
        raise _damaged(path)
    return Index(path, shards, firsts, file)


def _damaged(path: Path) -> ToolkitError:
    return ToolkitError(f"the index {path} is damaged: delete it and run again")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Hold a lock beside a file, so that of many ranks and workers one makes it."""
    lock = path.with_suffix(".lock")
    with explained(lock, "write", instead=CACHE):
        lock.parent.mkdir(parents=True, exist_ok=True)
        held = lock.open("wb")
    with held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
