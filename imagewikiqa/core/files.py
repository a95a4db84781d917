"""Publish a file so that a reader, a kill or a full disk never sees half of it."""

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from imagewikiqa.core.errors import ToolkitError

TEMPORARY = ".part-"


@contextlib.contextmanager
def explained(path: Path, doing: str, instead: str = "--out") -> Iterator[None]:
    """Turn what the system refuses (space, rights, a missing folder) into one sentence.

    `instead` names what a user gives to choose another place.
    """
    try:
        yield
    except OSError as error:
        hints = {
            errno.ENOSPC: "the disk is full: free space and run the same command again",
            errno.EDQUOT: "the disk quota is used up: free space and run the same command again",
            errno.EROFS: f"the disk is read-only: choose another {instead}",
            errno.EACCES: f"permission was denied: choose another {instead} or change its rights",
            errno.ENOTDIR: f"a part of the path is a file: choose another {instead}",
            errno.EEXIST: f"a file is in the way: choose another {instead}",
            errno.EISDIR: f"it is a folder: move it away or choose another {instead}",
            errno.ENAMETOOLONG: f"the name is too long: choose a shorter {instead}",
            errno.ENOENT: f"it cannot exist there: choose another {instead}",
            errno.EFBIG: "the file would pass this system's size limit",
        }
        if error.errno not in hints:
            raise
        raise ToolkitError(f"cannot {doing} {path}: {hints[error.errno]}") from error


def sync_folder(folder: Path) -> None:
    """Make renames inside a folder survive a power loss."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def published(path: Path, mode: int | None = None) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path`; at the end sync it, rename it, sync the folder.

    Raises ToolkitError when the disk refuses to open or to publish; an exception never publishes.
    What it refuses inside the block is for the block to explain.
    """
    temporary = path.with_name(f"{TEMPORARY}{path.name}")
    with explained(path, "write"):
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = temporary.open("wb")
    try:
        if mode is not None:
            temporary.chmod(mode)
        yield stream
        with explained(path, "write"):
            stream.flush()
            os.fsync(stream.fileno())
            stream.close()
    except BaseException:
        with contextlib.suppress(OSError):  # it would write what the disk has refused already
            stream.close()
        raise
    with explained(path, "write"):
        temporary.replace(path)
        sync_folder(path.parent)


def publish(path: Path, chunks: Iterable[bytes], mode: int | None = None) -> None:
    """Write chunks to a temporary file beside `path`, sync it, rename it, sync the folder.

    `mode` is who may read it, before anything is in it: 0o600 for a secret.
    Raises ToolkitError when the disk refuses; an exception never publishes.
    """
    with explained(path, "write"), published(path, mode) as stream:
        for chunk in chunks:
            stream.write(chunk)


def publish_text(path: Path, text: str) -> None:
    """Publish one text as UTF-8."""
    publish(path, [text.encode()])


def remove_leftovers(folder: Path) -> None:
    """Delete temporary files that a killed run left anywhere below a folder."""
    for leftover in folder.rglob(f"{TEMPORARY}*"):
        leftover.unlink(missing_ok=True)
