"""The bytes of a shard on their way to its file: gathered in buffers, written, hashed meanwhile."""

import os
from collections import deque

from imagewikiqa.mixtures.shards.hashing import Follower, Hashed, Mark, Piece

_BYTES = 1 << 20  # of a buffer: it stays in the processor's cache from its source to its hashes
_BUFFERS = 4  # what may wait for its hashes


class Tape:
    """Appends to an open file, in pieces of a buffer; `place` counts all that was given."""

    def __init__(self, descriptor: int, follower: Follower | None) -> None:
        """Begin at the file's end; `follower` is shown every byte that was written."""
        self.place = 0
        self._descriptor, self._follower = descriptor, follower
        self._free = deque(memoryview(bytearray(_BYTES)) for _ in range(_BUFFERS))
        self._busy: deque[tuple[memoryview, Hashed]] = deque()
        self._buffer, self._filled = self._free.popleft(), 0
        self._marks: list[Mark] = []

    def room(self) -> memoryview:
        """Return where the next bytes go: at least one, at most what one buffer holds."""
        if self._filled == _BYTES:
            self.flush()
        return self._buffer[self._filled :]

    def fill(self, count: int, *, content: bool = False) -> None:
        """Take the first `count` bytes of the room as given; `content` is hashed for its sample."""
        if content and count:
            self._marks.append(Piece(self._filled, self._filled + count))
        self._filled += count
        self.place += count

    def write(self, given: bytes, *, content: bool = False) -> None:
        """Append bytes."""
        done = 0
        while done < len(given):
            room = self.room()
            count = min(len(room), len(given) - done)
            room[:count] = given[done : done + count]
            self.fill(count, content=content)
            done += count

    def mark(self, mark: Mark) -> None:
        """Tell the hashes of samples that a content or a sample ends here."""
        self._marks.append(mark)

    def flush(self) -> None:
        """Bring onto the file what was given so far. Raises OSError for what the disk refuses."""
        written = self._buffer[: self._filled]
        _write(self._descriptor, written)
        if self._follower is not None:
            self._busy.append((self._buffer, self._follower.take(written, self._marks)))
            if not self._free:
                buffer, hashed = self._busy.popleft()
                hashed.wait()
                self._free.append(buffer)
            self._buffer = self._free.popleft()
        self._filled, self._marks = 0, []


def _write(descriptor: int, content: memoryview) -> None:
    while len(content):
        content = content[os.write(descriptor, content) :]
