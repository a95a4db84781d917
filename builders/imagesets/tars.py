"""Tar archives read in place, member by member, in bounded memory and without extraction.

The headers are walked here and not by `tarfile`, which reads extended headers of any size into
memory and takes an archive that was cut between two members for a whole one.
"""

import contextlib
import gzip
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NoReturn

from imagewikiqa.core.errors import ToolkitError

BLOCK = tarfile.BLOCKSIZE
_PIECE = 1 << 20  # bytes read at a time, whatever a header claims
_LONGEST_TAIL = 1 << 24  # bytes after the end mark; tar pads with some thousands
_LONGEST_HEADER = 1 << 20  # bytes of one extended header; real ones have a few hundred
_FILES = frozenset({tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE})
_EMPTY = frozenset(  # members without data, whatever size their header claims
    {tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE}
    | {tarfile.DIRTYPE}
)
KINDS = {
    tarfile.SYMTYPE: "link in the archive",
    tarfile.LNKTYPE: "link in the archive",
    tarfile.CHRTYPE: "device in the archive",
    tarfile.BLKTYPE: "device in the archive",
    tarfile.FIFOTYPE: "device in the archive",
}


@dataclass(frozen=True, slots=True)
class Member:
    """One member that is no folder: its name, where it lies, and why it is no file, if so."""

    name: str
    header: int  # offset of its first header
    data: int  # offset of its bytes
    size: int
    problem: str = ""


class TarStream:
    """A stretch of a stream, from `start` to `stop`, that knows its place and never seeks back."""

    def __init__(
        self, stream: BinaryIO, name: str, *, start: int = 0, stop: int | None = None
    ) -> None:
        """Begin at `start`; of an unseekable stream only the very beginning can be it."""
        self._stream = stream
        self.name = name
        self.place = start
        self._stop = stop
        self._seeks = stream.seekable() and stop is not None
        if start:
            stream.seek(start)

    def read(self, size: int) -> bytes:
        """Return exactly `size` bytes; raise ToolkitError where the archive ends before."""
        if self._stop is not None and self.place + size > self._stop:
            self.cut()
        chunks, left = [], size
        with explained(self.name):
            while left and (chunk := self._stream.read(min(left, _PIECE))):
                chunks.append(chunk)
                left -= len(chunk)
        if left:
            self.cut()
        self.place += size
        return b"".join(chunks)

    def go_to(self, place: int) -> None:
        """Pass over bytes up to an offset ahead."""
        if self._stop is not None and place > self._stop:
            self.cut()
        if self._seeks:
            self._stream.seek(place)
            self.place = place
        while self.place < place:
            self.read(min(_PIECE, place - self.place))

    def finish(self) -> None:
        """Read a compressed stream to its end, where its checksum stands and is compared."""
        left = _LONGEST_TAIL if self._stop is None else 0
        with explained(self.name):
            while left and (chunk := self._stream.read(min(left, _PIECE))):
                left -= len(chunk)
        if self._stop is None and not left:
            self.damaged(f"more than {_LONGEST_TAIL:,} bytes follow its end mark")

    def cut(self) -> NoReturn:
        """Say that the archive ends too early."""
        raise ToolkitError(
            f"the archive {self.name} is cut after {self.place:,} bytes (unpacked); download it"
            " again and compare its checksum"
        )

    def damaged(self, what: str) -> NoReturn:
        """Say that the archive is no tar at this place."""
        raise ToolkitError(
            f"the archive {self.name} is no tar at byte {self.place:,} (unpacked): {what};"
            " download it again and compare its checksum"
        )


@contextlib.contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn what opening or unpacking an archive refuses into one sentence."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        raise ToolkitError(
            f"the archive {name} is cut or damaged ({error}); download it again and compare its"
            " checksum"
        ) from error
    except OSError as error:
        raise ToolkitError(
            f"the archive {name} cannot be read ({error.strerror}); give a readable file"
        ) from error


def members(stream: TarStream, stop: int | None = None) -> Iterator[Member]:
    """Yield the members of a tar up to its end mark, or those that begin before `stop`.

    The bytes of a member may be read from the stream before the next one is asked for. Raises
    ToolkitError for a cut or damaged archive, and for extended headers of more than 1 MiB.
    """
    while stop is None or stream.place < stop:
        first = stream.place
        info = _header(stream)
        extended: dict[str, str] = {}
        while info is not None and info.type in _EXTENSIONS:
            extended |= _extension(stream, info)
            info = _header(stream)
        if info is None:
            return
        if info.type == tarfile.GNUTYPE_SPARSE:
            stream.damaged("it holds a sparse file, which no published set does")
        size = 0 if info.type in _EMPTY else int(extended.get("size", info.size))
        data = stream.place
        if info.type != tarfile.DIRTYPE:
            problem = "" if info.type in _FILES else KINDS.get(info.type, "not a file")
            yield Member(extended.get("path", info.name), first, data, size, problem)
        stream.go_to(data + -(-size // BLOCK) * BLOCK)


_EXTENSIONS = frozenset(
    {tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE}
    | {tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE}
)


def _header(stream: TarStream) -> tarfile.TarInfo | None:
    """Return the next header, None at the end mark."""
    block = stream.read(BLOCK)
    if not block.strip(b"\0"):
        return None
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        stream.place -= BLOCK
        stream.damaged(str(error))
    if info.size < 0:
        stream.damaged("a member has a negative size")
    return info


def _extension(stream: TarStream, info: tarfile.TarInfo) -> dict[str, str]:
    """Read a header that belongs to the next member; return the name and size that it gives."""
    if info.size > _LONGEST_HEADER:
        stream.damaged(f"an extended header claims {info.size:,} bytes")
    body = stream.read(-(-info.size // BLOCK) * BLOCK)[: info.size]
    if info.type == tarfile.GNUTYPE_LONGNAME:
        return {"path": body.rstrip(b"\0").decode("utf-8", "surrogateescape")}
    if info.type in (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE):
        return _pax_fields(stream, body)
    return {}


def _pax_fields(stream: TarStream, body: bytes) -> dict[str, str]:
    """Return path and size from records of the form "LENGTH KEY=VALUE" and a line break."""
    fields: dict[str, str] = {}
    while body:
        digits, _, _ = body.partition(b" ")
        length = int(digits) if digits.isdigit() and len(digits) < 8 else 0
        if not len(digits) < length <= len(body):
            stream.damaged("an extended header is malformed")
        record, body = body[:length], body[length:]
        key, _, value = record[len(digits) + 1 : -1].partition(b"=")
        if key.startswith(b"GNU.sparse") or (key == b"size" and not _is_size(value)):
            stream.damaged("a member is sparse or of no readable size")
        if key in (b"path", b"size"):
            fields[key.decode()] = value.decode("utf-8", "surrogateescape")
    return fields


def _is_size(value: bytes) -> bool:
    return value.isdigit() and len(value) < 16
