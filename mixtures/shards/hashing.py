"""The sha256 of a shard and of each of its samples, of the bytes that were written to its file.

Two threads beside the writer share the work: hashlib leaves the interpreter. A third has the disk
write what is there, so that the last sync is short.
"""

import hashlib
import os
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Literal, NamedTuple

from imagewikiqa.core.closing import Closing
from imagewikiqa.core.errors import ToolkitError

_ON_DISK = 1 << 24  # bytes after which the disk is asked to begin
Found = dict[str, str | int]  # the fields of a SampleReceipt


class Placed(NamedTuple):
    """A sample that stands in a shard, headers and padding included."""

    key: str
    offset: int
    size: int
    image_sha256: str | None = None  # of its first file, as it was planned
    where: str = ""  # as in " in FILE", where that one was read, for errors


class Piece(NamedTuple):
    """Bytes of a buffer that are content of a sample, all or a part of a file."""

    start: int
    stop: int


Mark = Piece | Literal["file ends"] | Placed  # a sample's last mark is where it stands


class Hashed(NamedTuple):
    """The two hashes of a buffer on their way."""

    whole: Future[None]
    samples: Future[None]

    def wait(self) -> None:
        """Return when the buffer may be used again; raise what a hash has found."""
        self.whole.result()
        self.samples.result()


class Follower(Closing):
    """Hashes what is written to a file, and has the disk write it.

    No thread ever waits for the writer, so that none outlives one that is interrupted anywhere.
    """

    def __init__(self, descriptor: int, name: str) -> None:
        """Begin with an empty file that is open for writing; `name` is the shard in errors."""
        self._descriptor, self._name = descriptor, name
        self._digest, self._samples = hashlib.sha256(), _SampleHashes(name)
        self._threads = [ThreadPoolExecutor(1, thread) for thread in ("whole", "samples", "disk")]
        self._synced: Future[None] | None = None
        self._hashed: Hashed | None = None
        self._unsynced = 0

    def take(self, written: memoryview, marks: Sequence[Mark]) -> Hashed:
        """Have bytes hashed that were written; they must stay as they are until that is done."""
        whole, samples, disk = self._threads
        self._unsynced += len(written)
        if self._unsynced >= _ON_DISK and (self._synced is None or self._synced.done()):
            self._sync()
            self._unsynced = 0
            self._synced = disk.submit(os.fdatasync, self._descriptor)
        self._hashed = Hashed(
            whole.submit(self._digest.update, written),
            samples.submit(self._samples.take, written, marks),
        )
        return self._hashed

    def finish(self) -> tuple[str, list[Found]]:
        """Return the sha256 of all that was written, and the receipts of its samples.

        Raises ToolkitError when a first file is not the one that was planned, and OSError for what
        the disk refused.
        """
        self._sync()
        if self._hashed is not None:
            self._hashed.wait()  # the last: each thread does its tasks in turn
        return self._digest.hexdigest(), self._samples.found

    def _sync(self) -> None:
        if self._synced is not None:
            self._synced.result()

    def close(self) -> None:
        """Let the threads end."""
        for threads in self._threads:
            threads.shutdown(cancel_futures=True)


class _SampleHashes:
    """The receipts of samples, whose contents come in pieces."""

    def __init__(self, name: str) -> None:
        self.found: list[Found] = []
        self._name = name
        self._digest, self._first = hashlib.sha256(), ""

    def take(self, content: memoryview, marks: Sequence[Mark]) -> None:
        for mark in marks:
            if isinstance(mark, Piece):
                self._digest.update(content[mark.start : mark.stop])
            elif isinstance(mark, Placed):
                self._end(mark)
            else:
                self._first = self._first or self._digest.hexdigest()

    def _end(self, sample: Placed) -> None:
        if sample.image_sha256 not in (None, self._first):
            raise ToolkitError(
                f"the image of {sample.key}{sample.where}, for the shard {self._name}, is not"
                " the one that was planned: restore it, or make its index again and build to"
                " another --out"
            )
        self.found.append({
            "key": sample.key, "offset": sample.offset, "size": sample.size,
            "sha256": self._digest.hexdigest(),
        })  # fmt: skip
        self._digest, self._first = hashlib.sha256(), ""
