"""Counts the steps by which a process changes a folder, and ends or fails it at one of them."""

import builtins
import contextlib
import errno
import io
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from unittest import mock

WRITE = "write"


class DiedError(BaseException):
    """Stands for a death inside a test's own process; no `except Exception` catches it."""


def kill_group() -> NoReturn:
    """End this process and its workers as a kill -9 does: no handler, no buffer, no finally."""
    os.killpg(0, signal.SIGKILL)
    raise AssertionError("a killed process went on")


def raise_died() -> NoReturn:
    """End a test's inner run without ending the test."""
    raise DiedError


def fail_with(number: int) -> Callable[[], NoReturn]:
    """Return a failure of the system, as in errno.ENOSPC."""

    def fail() -> NoReturn:
        raise OSError(number, os.strerror(number))

    return fail


@dataclass(slots=True)
class Steps:
    """What changed below `folder`, in order; `end` is called at step `end_at` (from 0).

    Torn: a write puts half of its bytes on disk before the end; else the step does nothing.
    """

    folder: Path
    end_at: int | None = None
    torn: bool = False
    end: Callable[[], NoReturn] = raise_died
    taken: list[str] = field(default_factory=list)

    def reach(self, name: str, path: object) -> bool:
        """Count a step on a path and tell whether it is the last one."""
        if not _resolved(path).is_relative_to(_resolved(self.folder)):
            return False
        self.taken.append(name)
        return len(self.taken) - 1 == self.end_at

    def write(self, path: object, data: Any, real: Callable[[Any], int]) -> int:
        """Write through, or half of it and end."""
        if self.reach(WRITE, path):
            half = memoryview(data).cast("B")
            if self.torn and len(half) > 1:
                real(bytes(half[: len(half) // 2]))
            self.end()
        return real(data)

    def guarded(self, name: str, real: Callable[..., Any], which: int = 0) -> Callable[..., Any]:
        """Wrap a function of `os` whose argument `which` is a path or a descriptor."""

        def call(*args: Any, **options: Any) -> Any:
            if self.reach(name, args[which]):
                self.end()
            return real(*args, **options)

        return call

    def open(self, file: Any, mode: str = "r", *args: Any, **options: Any) -> Any:
        """Open like the built-in; a file opened for writing counts its writes."""
        if isinstance(file, int) or not set(mode) & set("wax+"):
            return _REAL_OPEN(file, mode, *args, **options)
        if self.reach("open", file):
            self.end()
        return _assembled(_CountedFile(self, file, mode), mode, *args, **options)


class _CountedFile(io.FileIO):
    """A raw file that tells Steps of each write; buffers above it write as they always do."""

    def __init__(self, steps: Steps, file: Any, mode: str) -> None:
        super().__init__(file, mode.replace("b", "").replace("t", ""))
        self.steps = steps
        self.path = file

    def write(self, data: Any) -> int:
        return self.steps.write(self.path, data, super().write)


def _assembled(
    raw: _CountedFile,
    mode: str,
    buffering: int = -1,
    encoding: str | None = None,
    errors: str | None = None,
    newline: str | None = None,
) -> Any:
    if buffering == 0:
        return raw
    buffered = io.BufferedRandom(raw) if "+" in mode else io.BufferedWriter(raw)
    return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)


def _resolved(path: object) -> Path:
    """Return the real place of a path or of an open descriptor."""
    if isinstance(path, int):
        return Path(os.readlink(f"/proc/self/fd/{path}"))  # noqa: PTH115
    return Path(os.path.realpath(os.fsdecode(path)))  # type: ignore[arg-type]


_REAL_OPEN = builtins.open


@contextlib.contextmanager
def watched(steps: Steps) -> Iterator[Steps]:
    """Count and end at the steps of this process while the block runs."""
    real_write = os.write

    def write(descriptor: int, data: Any) -> int:
        return steps.write(descriptor, data, lambda part: real_write(descriptor, part))

    changed: dict[str, Any] = {
        name: steps.guarded(name, getattr(os, name), which)
        for name, which in (
            ("replace", 1), ("rename", 1), ("unlink", 0), ("mkdir", 0), ("rmdir", 0),
            ("fsync", 0), ("fdatasync", 0), ("ftruncate", 0),
        )
    }  # fmt: skip
    with (
        mock.patch.multiple(os, **changed, write=write),
        mock.patch.object(io, "open", steps.open),
        mock.patch.object(builtins, "open", steps.open),
    ):
        yield steps


def disk_full() -> Callable[[], NoReturn]:
    """Return the failure of a full disk."""
    return fail_with(errno.ENOSPC)
