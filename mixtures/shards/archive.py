"""One shard being written: samples go in, where they stand comes out."""

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imagewikiqa.core.closing import Closing
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained
from imagewikiqa.mixtures.records import EXTENSIONS, KEY, MAX_SAMPLE, ShardSample, Span
from imagewikiqa.mixtures.shards.hashing import Follower, Placed
from imagewikiqa.mixtures.shards.sources import Sources
from imagewikiqa.mixtures.shards.tape import Tape
from imagewikiqa.mixtures.shards.tar import BLOCK, END, header, padded, padding

_KEY = re.compile(KEY).fullmatch
_EXTENSIONS = frozenset(EXTENSIONS)


class Archive(Closing):
    """A tar that grows by samples at the end of an open file; `path` is what errors name."""

    def __init__(self, descriptor: int, path: Path, follower: Follower | None = None) -> None:
        """Begin; `follower` hashes what is written, if there is one."""
        self._tape = Tape(descriptor, follower)
        self._path = path
        self._sources = Sources()
        self._keys: set[str] = set()

    @property
    def place(self) -> int:
        """Return the bytes of the archive so far."""
        return self._tape.place

    def add(self, sample: ShardSample) -> Placed:
        """Append a sample and tell where it stands.

        Raises ToolkitError for a key or file that is there already, a span that is cut or missing,
        a sample that no reader takes, and what the disk refuses.
        """
        self._refuse_odd(sample)
        begin = self.place
        sizes = [_length(file.content) for file in sample.files]
        whole = sum(BLOCK + padded(size) for size in sizes)
        if whole > MAX_SAMPLE:
            raise ToolkitError(
                f"the sample {sample.key}{_where(sample)} takes {whole:,} bytes, and readers take"
                f" {MAX_SAMPLE:,}: leave it out, or have the recipe make images smaller"
            )
        with self._explained(whole):
            for file, size in zip(sample.files, sizes, strict=True):
                self._append(header(f"{sample.key}.{file.extension}", size), file.content, size)
        placed = Placed(sample.key, begin, self.place - begin, sample.image_sha256, _where(sample))
        self._tape.mark(placed)
        return placed

    def end(self) -> int:
        """Append the end mark; return the bytes of the whole archive, all of it on the file."""
        with self._explained(0):
            self._tape.write(END)
            self._tape.flush()
        return self.place

    def _append(self, head: bytes, content: bytes | Span, size: int) -> None:
        tape = self._tape
        tape.write(head)
        if isinstance(content, bytes):
            tape.write(content, content=True)
        else:
            done = 0
            while done < size:
                got = self._sources.read(content, done, tape.room())
                tape.fill(got, content=True)
                done += got
        tape.mark("file ends")
        tape.write(padding(size))

    def _refuse_odd(self, sample: ShardSample) -> None:
        """Raise ToolkitError for names that a reader of shards would not take for this sample."""
        key, extensions = sample.key, {file.extension for file in sample.files}
        if not _KEY(key) or not extensions or not extensions <= _EXTENSIONS:
            raise ToolkitError(
                f"no shard can hold the sample {key!r} with the files {sorted(extensions)}: a key"
                f" matches {KEY} and a file is one of {', '.join(EXTENSIONS)}"
            )
        if key in self._keys or len(extensions) < len(sample.files):
            raise ToolkitError(
                f"the key {key} comes twice in the shard {self._path.name}, and a reader"
                " would make one sample of both: give each sample its own key"
            )
        self._keys.add(key)

    @contextmanager
    def _explained(self, coming: int) -> Iterator[None]:
        """Say in one sentence what the disk refuses; of a full one, with what the shard takes."""
        wanted = self.place + coming + len(END)
        try:
            yield
        except OSError as error:
            try:
                with explained(self._path, "write"):
                    raise
            except ToolkitError as sentence:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise
                raise ToolkitError(
                    f"{sentence}; this shard takes at least {wanted:,} bytes"
                ) from error

    def close(self) -> None:
        """Close the sources; the file belongs to whoever opened it."""
        self._sources.close()


def _where(sample: ShardSample) -> str:
    """Return where the first file of a sample is read, for errors; "" for bytes in memory."""
    first = sample.files[0].content
    return f" in {first.path}" if isinstance(first, Span) else ""


def _length(content: bytes | Span) -> int:
    return len(content) if isinstance(content, bytes) else content.length
