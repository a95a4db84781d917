"""The sha256 of a shard and of each of its samples, read back from the file while it grows.

What is hashed is what stands in the file, not what was meant to. The two digests are made by two
threads beside the writer: hashlib and the reads leave the interpreter.
"""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import TypeVar

from imagewikiqa.core.closing import Closing
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures.records import SampleReceipt
from imagewikiqa.mixtures.shards.archive import Placed

PIECE = 1 << 18  # bytes read at a time: they stay in the processor's cache until they are hashed

T = TypeVar("T")


class Reading(Closing):
    """An open file whose stretches are hashed, through one buffer."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._buffer = memoryview(bytearray(PIECE))

    def feed(self, into: "hashlib._Hash", offset: int, length: int) -> int:
        """Add a stretch to a hash; return how many bytes of it the file lacks."""
        while length:
            got = os.preadv(self._descriptor, [self._buffer[: min(length, PIECE)]], offset)
            if not got:
                return length
            into.update(self._buffer[:got])
            offset += got
            length -= got
        return 0

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


class Follower(Closing):
    """Hashes a file behind its writer, who tells what stands there; close it in any case."""

    def __init__(self, path: Path, name: str) -> None:
        """Begin with the file at `path`; `name` is the shard that errors name."""
        self._marks: SimpleQueue[int | None] = SimpleQueue()
        self._placed: SimpleQueue[Placed | None] = SimpleQueue()
        self._threads = ThreadPoolExecutor(2, "hash")
        self._whole = self._threads.submit(_whole, path, _until_none(self._marks))
        self._each = self._threads.submit(_each, path, name, _until_none(self._placed))

    def add(self, placed: Placed) -> None:
        """Take note of a sample that is on the file."""
        self._placed.put(placed)
        self._marks.put(placed.offset + placed.size)

    def finish(self, size: int) -> tuple[str, tuple[SampleReceipt, ...]]:
        """Return the sha256 of the file of `size` bytes, and the receipts of its samples.

        Raises ToolkitError when a first file is not the one that was planned.
        """
        self._marks.put(size)
        self.close()
        return self._whole.result(), self._each.result()

    def close(self) -> None:
        """Wait for the threads; they end at what they were told of."""
        self._marks.put(None)
        self._placed.put(None)
        self._threads.shutdown()


def _until_none(queue: "SimpleQueue[T | None]") -> Iterator[T]:
    while (one := queue.get()) is not None:
        yield one


def _whole(path: Path, marks: Iterator[int]) -> str:
    digest, place = hashlib.sha256(), 0
    with Reading(path) as file:
        for mark in marks:
            _must_be_there(file.feed(digest, place, mark - place), path)
            place = mark
    return digest.hexdigest()


def _each(path: Path, name: str, samples: Iterator[Placed]) -> tuple[SampleReceipt, ...]:
    found = []
    with Reading(path) as file:
        for sample in samples:
            digest, first = hashlib.sha256(), ""
            for offset, length in sample.contents:
                _must_be_there(file.feed(digest, offset, length), path)
                first = first or digest.hexdigest()
            if sample.image_sha256 not in (None, first):
                raise ToolkitError(
                    f"the image of {sample.key}, for the shard {name}, is not the one that was"
                    " planned: restore its source, or plan the mixture again"
                )
            found.append(
                SampleReceipt(
                    key=sample.key, offset=sample.offset, size=sample.size,
                    sha256=digest.hexdigest(),
                )
            )  # fmt: skip
    return tuple(found)


def _must_be_there(lacking: int, path: Path) -> None:
    if lacking:
        raise OSError(f"{path} lost {lacking} bytes that were written to it")
