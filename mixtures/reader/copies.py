"""Which copies of a shard on this machine were hashed whole and were right, in the user's cache."""

import hashlib
import os
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
        self._path = path
        self._right = set[str]()
        if path.exists():
            with explained(path, "read", instead=CACHE):
                self._right = set(path.read_text(encoding="ascii", errors="replace").split("\n"))

    def is_right(self, file: OpenFile, sha256: str) -> bool:
        """Return whether a file has this sha256; it is read once for each copy and change of it."""
        before = stamp(file)
        name = digest([sha256, *before])
        if name in self._right:
            return True
        if _sha256(file) != sha256 or stamp(file) != before:
            return False
        self._add(name)
        return True

    def _add(self, name: str) -> None:
        self._right.add(name)
        with explained(self._path, "write", instead=CACHE):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
            descriptor = os.open(self._path, flags, 0o644)
            try:
                # A new line first: what a kill has cut stays a line of its own.
                os.write(descriptor, f"\n{name}\n".encode())
            finally:
                os.close(descriptor)


def _sha256(file: OpenFile) -> str:
    hashed, place, piece = hashlib.sha256(), 0, bytearray(_PIECE)
    while length := os.preadv(file.descriptor, [piece], place):
        hashed.update(memoryview(piece)[:length])
        place += length
    return hashed.hexdigest()
