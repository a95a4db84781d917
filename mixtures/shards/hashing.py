"""The sha256 of a shard and of each of its samples, read back from the file while it grows.

What is hashed is what stands in the file, not what was meant to. Two threads beside the writer
share the work, one of them the whole file first: hashlib and the reads leave the interpreter.
"""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from imagewikiqa.core.closing import Closing
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures.records import SampleReceipt
from imagewikiqa.mixtures.shards.archive import Placed

PIECE = 1 << 18  # bytes read at a time: they stay in the processor's cache until they are hashed
_TOGETHER = 1 << 22  # bytes of samples that a thread is given at a time


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
        self._path, self._name = path, name
        self._marks: SimpleQueue[int | None] = SimpleQueue()
        self._threads = ThreadPoolExecutor(2, "hash")
        self._whole = self._threads.submit(_whole, path, self._marks)
        self._samples: list[Placed] = []
        self._each: list[Future[list[SampleReceipt]]] = []

    def add(self, placed: Placed) -> None:
        """Take note of a sample that is on the file."""
        self._samples.append(placed)
        if placed.offset + placed.size - self._samples[0].offset >= _TOGETHER:
            self._hand_on(placed.offset + placed.size)

    def finish(self, size: int) -> tuple[str, tuple[SampleReceipt, ...]]:
        """Return the sha256 of the file of `size` bytes, and the receipts of its samples.

        Raises ToolkitError when a first file is not the one that was planned.
        """
        self._hand_on(size)
        self._marks.put(None)
        receipts = tuple(receipt for each in self._each for receipt in each.result())
        return self._whole.result(), receipts

    def _hand_on(self, place: int) -> None:
        """Have everything before a place hashed: some samples at a time, as threads take turns."""
        self._marks.put(place)
        self._each.append(self._threads.submit(_each, self._path, self._name, self._samples))
        self._samples = []

    def close(self) -> None:
        """Let the threads end."""
        self._marks.put(None)
        self._threads.shutdown(cancel_futures=True)


def _whole(path: Path, marks: "SimpleQueue[int | None]") -> str:
    digest, place = hashlib.sha256(), 0
    with Reading(path) as file:
        while (mark := marks.get()) is not None:
            _must_be_there(file.feed(digest, place, mark - place), path)
            place = mark
    return digest.hexdigest()


def _each(path: Path, name: str, samples: Sequence[Placed]) -> list[SampleReceipt]:
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
    return found


def _must_be_there(lacking: int, path: Path) -> None:
    if lacking:
        raise OSError(f"{path} lost {lacking} bytes that were written to it")
