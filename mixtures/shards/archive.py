"""One shard being written: samples go in, where they stand comes out."""

import contextlib
import errno
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from imagewikiqa.core.closing import Closing
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained
from imagewikiqa.mixtures.records import ShardSample, Span
from imagewikiqa.mixtures.shards.copying import Sources
from imagewikiqa.mixtures.shards.tar import BLOCK, END, header, padded, padding


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a sample of a shard stands, and each content in it: (offset, length) in the shard."""

    key: str
    offset: int
    size: int  # headers and padding included
    contents: tuple[tuple[int, int], ...]
    image_sha256: str | None = None


class Archive(Closing):
    """A tar that grows by samples at the end of an open file; `path` is what errors name."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self.place = 0
        self._stream = stream
        self._path = path
        self._sources = Sources()
        self._keys: set[str] = set()

    def add(self, sample: ShardSample) -> Placed:
        """Append a sample, all of it on the file when this returns; tell where.

        Raises ToolkitError for a key or file that is there already, a span that is cut or missing,
        and what the disk refuses.
        """
        names = [f"{sample.key}.{file.extension}" for file in sample.files]
        if sample.key in self._keys or len(set(names)) < len(names):
            raise ToolkitError(
                f"the key {sample.key} comes twice in the shard {self._path.name}, and a reader"
                " would make one sample of both: give each sample its own key"
            )
        self._keys.add(sample.key)
        begin, contents = self.place, []
        with self._explained(sum(_length(file.content) for file in sample.files)):
            for name, file in zip(names, sample.files, strict=True):
                contents.append((self.place + BLOCK, _length(file.content)))
                self._append(name, file.content)
            self._stream.flush()
        return Placed(sample.key, begin, self.place - begin, tuple(contents), sample.image_sha256)

    def end(self) -> int:
        """Append the end mark; return the bytes of the whole archive."""
        with self._explained(0):
            self._stream.write(END)
            self._stream.flush()
        self.place += len(END)
        return self.place

    def _append(self, name: str, content: bytes | Span) -> None:
        size = _length(content)
        self._stream.write(header(name, size))
        if isinstance(content, Span):
            self._stream.flush()  # the kernel writes behind what is on the file
            self._sources.append(content, self._stream.fileno())
        else:
            self._stream.write(content)
        self._stream.write(padding(size))
        self.place += BLOCK + padded(size)

    @contextlib.contextmanager
    def _explained(self, coming: int) -> Iterator[None]:
        """Turn what the disk refuses into one sentence; of a full one, say how much is wanted."""
        wanted = self.place + coming + len(END)
        try:
            with explained(self._path, "write"):
                yield
        except ToolkitError as error:
            cause = error.__cause__
            if isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT):
                raise ToolkitError(
                    f"{error}; this shard takes at least {wanted:,} bytes"
                ) from cause
            raise

    def close(self) -> None:
        """Close the sources; the file belongs to whoever opened it."""
        self._sources.close()


def _length(content: bytes | Span) -> int:
    return content.length if isinstance(content, Span) else len(content)
