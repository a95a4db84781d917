"""Which copies of a shard on this machine were hashed whole and were right, in the user's cache."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imagewikiqa.core.digests import digest
from imagewikiqa.core.files import explained
from imagewikiqa.mixtures.reader.index import CACHE
from imagewikiqa.mixtures.reader.trusted import OpenFile

_PIECE = 1 << 20


def stamp(file: OpenFile) -> tuple[int, ...]:
    """Return what changes when a file is replaced or written to."""
    found = file.stat()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


class Copies:
    """The copies seen right, one line each in a file that many processes may add to."""

    def __init__(self, path: Path) -> None:
        """Read the lines there are; a line that was cut by a kill counts for nothing."""
        self._path, self._read = path, 0
        self._right = set[str]()
        if path.exists():
            with explained(path, "read", instead=CACHE):
                noted = OpenFile(path)
            self._learn(noted.descriptor)

    def is_right(self, file: OpenFile, sha256: str) -> bool:
        """Return whether a file has this sha256; it is read once for each copy and change of it.

        Of processes that ask at the same time, as ranks and workers do, one reads it.
        """
        before = stamp(file)
        name = digest([sha256, *before])
        if name in self._right:
            return True
        with self._turn(name) as descriptor:
            self._learn(descriptor)
            if name in self._right:
                return True
            if _sha256(file) != sha256 or stamp(file) != before:
                return False
            with explained(self._path, "write", instead=CACHE):
                # A new line first: what a kill has cut stays a line of its own.
                os.write(descriptor, f"\n{name}\n".encode())
        self._right.add(name)
        return True

    @contextmanager
    def _turn(self, name: str) -> Iterator[int]:
        """Open the file and hold a byte of it that stands for a copy; a kill lets go of it."""
        with explained(self._path, "write", instead=CACHE):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            descriptor = os.open(self._path, flags, 0o644)
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX, 1, int(name[:8], 16))
            yield descriptor
        finally:
            os.close(descriptor)

    def _learn(self, descriptor: int) -> None:
        """Read the lines that came since the last time."""
        while lines := os.pread(descriptor, _PIECE, self._read).rpartition(b"\n")[0]:
            self._right.update(lines.decode("ascii", errors="replace").split("\n"))
            self._read += len(lines) + 1


def _sha256(file: OpenFile) -> str:
    hashed, place, piece = hashlib.sha256(), 0, bytearray(_PIECE)
    while length := os.preadv(file.descriptor, [piece], place):
        hashed.update(memoryview(piece)[:length])
        place += length
    return hashed.hexdigest()
