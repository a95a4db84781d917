"""The entries of a folder, in parts of at most 1,000, read without following links out of it."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from imagewikiqa.builders.imagesets.verdicts import Refusal, UnreadableError, name_problem, shown
from imagewikiqa.core.digests import digest
from imagewikiqa.core.errors import ToolkitError

MAX_BYTES = 200_000_000  # of one image; the largest of the published sets has 16 MB
CHUNK = 1_000  # entries of one part of a folder or tar


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its name in the set, why it cannot be an image (if so), and its bytes."""

    name: str
    problem: Refusal | None
    read: Callable[[], bytes]  # of entries of an archive: before the next entry is asked for
    tag: str = ""  # tells entries of one name apart


class Part(Protocol):
    """Some entries of a set that are read together, in a stable order."""

    @property
    def id(self) -> str:
        """Return the address of the part in its set."""

    @property
    def stamp(self) -> str:
        """Return what changes with the names, sizes and times of what the part reads."""

    def entries(self) -> Iterator[Entry]:
        """Yield the entries of the part."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderPart:
    """The files of one folder, or a slice of them in the order of their names."""

    folder: Path
    prefix: str  # of every entry name, as in "train/n01440764/"
    start: int = 0
    stop: int | None = None  # None: all, and the part is named after its folder alone

    @property
    def id(self) -> str:
        """Return the prefix, and where the slice starts."""
        slice_of = "" if self.stop is None else f"#{self.start:07d}"
        return f"{self.prefix.rstrip('/')}{slice_of}"

    @property
    def stamp(self) -> str:
        """Return a digest of name, size and time of every entry, without opening one."""
        names = names_in(self.folder)[self.start : self.stop]
        return digest([[shown(name), *file_stamp(self.folder / name)] for name in names])

    def entries(self) -> Iterator[Entry]:
        """Yield every entry of the slice; links, folders and devices with their problem."""
        bound = self.folder.resolve()
        for name in names_in(self.folder)[self.start : self.stop]:
            path = self.folder / name
            inside = f"{self.prefix}{name}"
            problem = name_problem(inside) or _file_problem(path, bound)
            yield Entry(inside, problem, lambda path=path: _read(path))  # type: ignore[misc]


def file_stamp(path: Path) -> tuple[int, int]:
    """Return size and time of change of a file; of a link that leads nowhere, zeros."""
    try:
        found = path.stat()
    except OSError:  # reading it will say what is wrong
        return 0, 0
    return found.st_size, found.st_mtime_ns


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder in the order of their bytes, whatever the file system's own.

    Raise ToolkitError when the folder cannot be listed.
    """
    try:
        return sorted(os.listdir(folder), key=os.fsencode)  # noqa: PTH208 - names, not paths
    except OSError as error:
        raise ToolkitError(
            f"the image folder {folder} cannot be listed ({error.strerror}); give a readable one"
        ) from error


def folder_parts(folder: Path, prefix: str) -> list[FolderPart]:
    """Return the parts of one folder of files, at most 1,000 entries in each."""
    count = len(names_in(folder))
    if count <= CHUNK:
        return [FolderPart(folder=folder, prefix=prefix)]
    starts = range(0, count, CHUNK)
    return [
        FolderPart(folder=folder, prefix=prefix, start=start, stop=start + CHUNK)
        for start in starts
    ]


def class_folder_parts(
    folder: Path, prefix: str
) -> tuple[list[FolderPart], list[tuple[str, Refusal]]]:
    """Return the parts of every folder in a folder, and what lies beside those folders."""
    bound = folder.resolve()
    parts: list[FolderPart] = []
    strays: list[tuple[str, Refusal]] = []
    for name in names_in(folder):
        path, inside = folder / name, f"{prefix}{name}"
        problem = name_problem(inside)
        if problem is None and path.is_dir():
            if is_inside(path, bound):
                parts += folder_parts(path, f"{inside}/")
                continue
            problem = Refusal("link out of the folder")
        strays.append((inside, problem or Refusal("file outside a class folder")))
    return parts, strays


def is_inside(path: Path, bound: Path) -> bool:
    """Say whether a path, its links followed, stays below a resolved folder."""
    try:
        return path.resolve().is_relative_to(bound)
    except (OSError, RuntimeError):  # a link to itself leads nowhere
        return False


def names_of(parts: Sequence[FolderPart]) -> Iterator[str]:
    """Yield the entry names of parts of folders, without opening a file."""
    for folder, prefix in dict.fromkeys((part.folder, part.prefix) for part in parts):
        yield from (f"{prefix}{name}" for name in names_in(folder))


def _file_problem(path: Path, bound: Path) -> Refusal | None:
    try:
        if path.is_symlink() and not is_inside(path, bound):
            return Refusal("link out of the folder")
        found = path.stat()
    except OSError as error:
        return Refusal("unreadable file", error.strerror or "")
    if stat.S_ISDIR(found.st_mode):
        return Refusal("folder inside a class folder")
    if not stat.S_ISREG(found.st_mode):  # a named pipe would block the run
        return Refusal("not a file")
    if found.st_size > MAX_BYTES:
        return Refusal("too many bytes", str(found.st_size))
    return None


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UnreadableError(Refusal("unreadable file", error.strerror or "")) from error
