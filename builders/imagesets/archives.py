"""Parts of archives: a stretch of a tar, a tar within a tar, a compressed tar, also in a zip."""

import contextlib
import gzip
import io
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from imagewikiqa.builders.imagesets.entries import CHUNK, MAX_BYTES, Entry, file_stamp
from imagewikiqa.builders.imagesets.tars import Member, TarStream, explained, members
from imagewikiqa.builders.imagesets.verdicts import Refusal, name_problem
from imagewikiqa.core.digests import digest
from imagewikiqa.core.errors import ToolkitError

_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A tar, plain or compressed: a file, or one member of a zip file."""

    path: Path
    inner: str = ""  # name of the tar within the zip

    @property
    def name(self) -> str:
        """Return the file name, and that of the member, for error sentences."""
        return f"{self.path.name}:{self.inner}" if self.inner else self.path.name

    @contextlib.contextmanager
    def open(self, start: int = 0, stop: int | None = None) -> Iterator[TarStream]:
        """Open the unpacked bytes; raise ToolkitError where they cannot be read."""
        with contextlib.ExitStack() as stack, explained(self.name):
            stream = self._raw(stack)
            if _is_gzip(stream):
                stream = cast(BinaryIO, stack.enter_context(gzip.open(stream, "rb")))
            elif not self.inner:
                stop = stop or self.path.stat().st_size
            yield TarStream(stream, self.name, start=start, stop=stop)

    def _raw(self, stack: contextlib.ExitStack) -> BinaryIO:
        if not self.inner:
            return stack.enter_context(self.path.open("rb"))
        archive = stack.enter_context(zipfile.ZipFile(self.path))
        try:
            member = stack.enter_context(archive.open(self.inner))
        # What zipfile raises for no such member; for a password or a packing it cannot read.
        except (KeyError, RuntimeError) as error:
            raise ToolkitError(
                f"the archive {self.name} cannot be unpacked ({error}); use it as published"
            ) from error
        return cast(BinaryIO, io.BufferedReader(cast(io.RawIOBase, member)))


@dataclass(frozen=True, slots=True, kw_only=True)
class TarPart:
    """The members of a tar, or of the stretch of it from `start` to `stop`."""

    id: str
    archive: Packed
    prefix: str = ""  # put before every name, as in "train/n01440764/"
    below: str = ""  # folder of the archive that is left out of every name, as in "food-101/"
    start: int = 0
    stop: int | None = None  # members that begin before it
    limit: int | None = None  # where the tar ends, if it lies within another
    repeated: frozenset[int] = frozenset()  # headers of names that another part has first

    @property
    def stamp(self) -> str:
        """Return size and time of the archive: its members are not looked at for it."""
        return digest([*file_stamp(self.archive.path), self.start, self.stop, self.limit])

    def entries(self) -> Iterator[Entry]:
        """Yield every member that is no folder; links, devices and repeats with their problem."""
        seen: set[str] = set()
        with self.archive.open(self.start, self.limit) as stream:
            for member in members(stream, self.stop):
                name = f"{self.prefix}{plain(member.name).removeprefix(self.below)}"
                problem = name_problem(plain(member.name)) or _member_problem(member)
                tag = ""
                if name in seen or member.header in self.repeated:
                    problem = Refusal("same name again in the archive")
                if problem:  # a hostile archive may refuse one name twice
                    tag = f"@{member.header}" if name in seen or self.repeated else ""
                seen.add(name)
                # Its bytes are read before the next entry is asked for, as the stream stands there.
                yield Entry(name, problem, lambda size=member.size: stream.read(size), tag)  # type: ignore[misc]
            if self.stop is None:
                stream.finish()


def tar_parts(path: Path, prefix: str) -> list[TarPart]:
    """Return the parts of a tar: a plain one in stretches of 1,000 members, else all at once.

    The headers of a plain tar are read once for it, so a cut archive is refused here.
    """
    archive = Packed(path=path)
    if is_compressed(path):
        return [TarPart(id=path.name, archive=archive, prefix=prefix)]
    starts: list[int] = []
    repeated: set[int] = set()
    seen: set[str] = set()
    with archive.open() as stream:
        for number, member in enumerate(members(stream)):
            if number % CHUNK == 0:
                starts.append(member.header)
            if plain(member.name) in seen:
                repeated.add(member.header)
            seen.add(plain(member.name))
    stops: list[int | None] = [*starts[1:], None][: len(starts)]
    return [
        TarPart(
            id=f"{path.name}#{number * CHUNK:07d}",
            archive=archive,
            prefix=prefix,
            start=start,
            stop=stop,
            repeated=frozenset(repeated),
        )
        for number, (start, stop) in enumerate(zip(starts, stops, strict=True))
    ]


def tars_within(path: Path) -> list[tuple[Member, TarPart]]:
    """Return every member of a plain tar, and the part that reads it as a tar of its own."""
    archive = Packed(path=path)
    if is_compressed(path):
        raise ToolkitError(
            f"{path.name} is compressed, as the published file is not; unpack it with gzip -d so"
            " that the tars within it can be read in place"
        )
    with archive.open() as stream:
        found = list(members(stream))
    return [
        (
            member,
            TarPart(
                id=f"{path.name}:{plain(member.name)}",
                archive=archive,
                start=member.data,
                limit=member.data + member.size,
            ),
        )
        for member in found
    ]


def read_members(archive: Packed, wanted: Collection[str], *, most: int) -> dict[str, bytes]:
    """Return the bytes of the members of these names, as far as they are there; stop at the last.

    Raises ToolkitError for a member of more than `most` bytes.
    """
    found: dict[str, bytes] = {}
    with archive.open() as stream:
        for member in members(stream):
            name = plain(member.name)
            if name in wanted and name not in found and not member.problem:
                if member.size > most:
                    raise ToolkitError(
                        f"{name} in the archive {archive.name} has {member.size:,} bytes, far more"
                        " than the published one; use the archive as published"
                    )
                found[name] = stream.read(member.size)
            if len(found) == len(wanted):
                break
    return found


def zip_names(path: Path) -> list[str]:
    """Return the names in a zip file; raise ToolkitError for a file that is none."""
    with explained(path.name), zipfile.ZipFile(path) as archive:
        return archive.namelist()


def is_compressed(path: Path) -> bool:
    """Say whether a tar is compressed, by its first bytes: clients unpack some in passing."""
    with explained(path.name), path.open("rb") as stream:
        return stream.read(2) == _GZIP


def plain(name: str) -> str:
    """Return a member name without leading "./"."""
    while name.startswith("./"):
        name = name[2:].lstrip("/")
    return name


def _member_problem(member: Member) -> Refusal | None:
    if member.problem:
        return Refusal(member.problem)
    if member.size > MAX_BYTES:
        return Refusal("too many bytes", str(member.size))
    return None


def _is_gzip(stream: BinaryIO) -> bool:
    return cast(io.BufferedReader, stream).peek(2)[:2] == _GZIP
