"""The sha256 of a shard and of each of its samples, read back from the file while it grows.

What is hashed is what stands in the file, not what was meant to. Two threads beside the writer
share the work: hashlib and the reads leave the interpreter.
"""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

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
    """Hashes a file behind its writer, who tells what stands there.

    No thread ever waits for the writer, so that none outlives one that is interrupted anywhere.
    """

    def __init__(self, path: Path, name: str, flush: Callable[[], None]) -> None:
        """Begin with the file at `path`, onto which `flush` brings what is told of.

        `name` is the shard that errors name.
        """
        self._path, self._name, self._flush = path, name, flush
        self._threads = ThreadPoolExecutor(2, "hash")
        self._digest = hashlib.sha256()
        self._place = 0
        self._whole: Future[None] | None = None
        self._samples: list[Placed] = []
        self._each: list[Future[list[SampleReceipt]]] = []

    def add(self, placed: Placed) -> None:
        """Take note of a sample that was written."""
        self._samples.append(placed)
        if placed.offset + placed.size - self._place >= _TOGETHER:
            self._hand_on(placed.offset + placed.size)

    def finish(self, size: int) -> tuple[str, tuple[SampleReceipt, ...]]:
        """Return the sha256 of the file of `size` bytes, and the receipts of its samples.

        Raises ToolkitError when a first file is not the one that was planned.
        """
        whole = self._hand_on(size)
        receipts = tuple(receipt for each in self._each for receipt in each.result())
        whole.result()
        return self._digest.hexdigest(), receipts

    def _hand_on(self, place: int) -> Future[None]:
        """Have what stands before a place hashed, for the whole file and for its samples."""
        self._flush()
        self._whole = self._threads.submit(
            _go_on, self._path, self._digest, self._place, place, self._whole
        )
        self._each.append(self._threads.submit(_each, self._path, self._name, self._samples))
        self._place, self._samples = place, []
        return self._whole

    def close(self) -> None:
        """Let the threads end."""
        self._threads.shutdown(cancel_futures=True)


def _go_on(
    path: Path, digest: "hashlib._Hash", begin: int, end: int, before: Future[None] | None
) -> None:
    """Add a stretch to the hash of a whole file when the stretch before it is in."""
    if before is not None:
        before.result()  # tasks begin in turn, so this one runs or has ended
    with Reading(path) as file:
        _must_be_there(file.feed(digest, begin, end - begin), path)


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
