"""An append-only journal of finished work: one line an input, torn tails repaired."""

import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from imagewikiqa.core.digests import canonical_json, text_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained


@dataclass(slots=True)
class Journal:
    """Finished inputs by key, in the order they finished; opened by `open_journal`.

    A commit is one write of one line, so a kill loses at most the line it cuts. It is not synced
    one by one: what a power loss takes is computed again, and what was paid for is in the ledger.
    """

    path: Path
    stream: BinaryIO
    spans: dict[str, tuple[int, int]] = field(default_factory=dict)
    end: int = 0

    def __contains__(self, key: str) -> bool:
        return key in self.spans

    def commit(self, key: str, value: dict[str, Any]) -> None:
        """Append one finished input; a second commit of a key is refused with ValueError."""
        if key in self.spans:
            raise ValueError(f"{self.path.name} already holds {key}")
        body = canonical_json({"key": key, "value": value})
        line = f"{text_digest(body)[:16]} {body}\n".encode()
        with explained(self.path, "write"):
            written = os.write(self.stream.fileno(), line)
            if written < len(line):
                os.ftruncate(self.stream.fileno(), self.end)
                raise OSError(28, "short write")
        self.spans[key] = (self.end, len(line))
        self.end += len(line)

    def read(self, key: str) -> Any:
        """Return what was committed under a key; KeyError if nothing was."""
        start, length = self.spans[key]
        return _parse(os.pread(self.stream.fileno(), length, start))["value"]

    def sync(self) -> None:
        """Put what was committed on the disk, for what cannot be found out again."""
        with explained(self.path, "write"):
            os.fsync(self.stream.fileno())

    def close(self) -> None:
        """Sync and close; closed it is even when the disk refuses the last bytes."""
        with self.stream, explained(self.path, "write"):
            os.fsync(self.stream.fileno())


def open_journal(path: Path) -> Journal:
    """Open or create a journal; cut a torn last line, refuse damage anywhere else."""
    with explained(path, "open"):
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = path.open("a+b", buffering=0)
    fcntl.flock(stream, fcntl.LOCK_EX)
    journal = Journal(path=path, stream=stream)
    size = path.stat().st_size
    for number, line in _lines(path):
        try:
            entry = _parse(line)
        except ValueError as error:
            if journal.end + len(line) < size:
                stream.close()
                raise ToolkitError(
                    f"{path} is damaged at line {number}: delete it to do that stage again"
                ) from error
            break
        journal.spans[entry["key"]] = (journal.end, len(line))
        journal.end += len(line)
    if journal.end < size:
        os.ftruncate(stream.fileno(), journal.end)
    return journal


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as reader:
        yield from enumerate(reader, start=1)


def _parse(line: bytes) -> Any:
    """Return the entry of a journal line; ValueError when a byte of it is not as written."""
    text = line.decode()  # UnicodeDecodeError is a ValueError
    check, _, body = text.partition(" ")
    if not body.endswith("\n") or text_digest(body[:-1])[:16] != check:
        raise ValueError("the line does not match its digest")
    return json.loads(body)
