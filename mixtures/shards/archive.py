"""One shard being written: samples go in, where they stand comes out."""

import errno
from pathlib import Path
from typing import BinaryIO, NamedTuple

from imagewikiqa.core.closing import Closing
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained
from imagewikiqa.mixtures.records import ShardSample, Span
from imagewikiqa.mixtures.shards.copying import Sources
from imagewikiqa.mixtures.shards.tar import BLOCK, END, header, padded, padding


class Placed(NamedTuple):
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
        """Append a sample and tell where it stands; `flush` brings it onto the file.

        Raises ToolkitError for a key or file that is there already, a span that is cut or missing,
        and what the disk refuses.
        """
        key, begin = sample.key, self.place
        extensions = {file.extension for file in sample.files}
        if key in self._keys or len(extensions) < len(sample.files):
            raise ToolkitError(
                f"the key {key} comes twice in the shard {self._path.name}, and a reader"
                " would make one sample of both: give each sample its own key"
            )
        self._keys.add(key)
        contents = []
        for file in sample.files:
            size = _length(file.content)
            contents.append((self.place + BLOCK, size))
            self._append(header(f"{key}.{file.extension}", size), file.content, size)
        return Placed(key, begin, self.place - begin, tuple(contents), sample.image_sha256)

    def flush(self) -> None:
        """Bring everything that was added onto the file."""
        try:
            self._stream.flush()
        except OSError as error:
            raise self._refused(error, 0) from error

    def end(self) -> int:
        """Append the end mark; return the bytes of the whole archive, all of it on the file."""
        try:
            self._stream.write(END)
        except OSError as error:
            raise self._refused(error, 0) from error
        self.flush()
        self.place += len(END)
        return self.place

    def _append(self, head: bytes, content: bytes | Span, size: int) -> None:
        try:
            self._stream.write(head)
            if isinstance(content, Span):
                self._stream.flush()  # the kernel writes behind what is on the file
                self._sources.append(content, self._stream.fileno())
            else:
                self._stream.write(content)
            if size % BLOCK:
                self._stream.write(padding(size))
        except OSError as error:
            raise self._refused(error, BLOCK + padded(size)) from error
        self.place += BLOCK + padded(size)

    def _refused(self, error: OSError, coming: int) -> Exception:
        """Return the one sentence for what the disk refuses; of a full one, with what it lacks."""
        try:
            with explained(self._path, "write"):
                raise error
        except ToolkitError as sentence:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                return sentence
            wanted = self.place + coming + len(END)
            return ToolkitError(f"{sentence}; this shard takes at least {wanted:,} bytes")
        except OSError as unknown:
            return unknown

    def close(self) -> None:
        """Close the sources; the file belongs to whoever opened it."""
        self._sources.close()


def _length(content: bytes | Span) -> int:
    return content.length if isinstance(content, Span) else len(content)
