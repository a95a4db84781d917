"""Bytes of open files put at the end of another one, by the kernel where it can."""

import errno
import os
import stat
from collections.abc import Callable

from imagewikiqa.core.closing import Closing
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures.records import Span

_OPEN = 32  # sources kept open: archives are read again and again
_PIECE = 1 << 20
_CANNOT = frozenset({  # this way of copying does not work between these two files
    errno.EXDEV, errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.ENOTSOCK, errno.EPERM,
})  # fmt: skip


def copy(source: int, target: int, offset: int, length: int) -> int:
    """Append bytes of one descriptor to another; return how many the source lacked.

    Raises OSError for what the disk refuses.
    """
    for way in _ways():
        try:
            while length and (moved := way(source, target, offset, length)):
                offset += moved
                length -= moved
        except OSError as error:
            if error.errno not in _CANNOT:
                raise
    return length


def _ways() -> tuple[Callable[[int, int, int, int], int], ...]:
    linux = hasattr(os, "copy_file_range")
    return (_in_file_system, _in_kernel, _by_hand) if linux else (_by_hand,)


def _in_file_system(source: int, target: int, offset: int, length: int) -> int:
    return os.copy_file_range(source, target, length, offset)


def _in_kernel(source: int, target: int, offset: int, length: int) -> int:
    return os.sendfile(target, source, offset, length)


def _by_hand(source: int, target: int, offset: int, length: int) -> int:
    return os.write(target, os.pread(source, min(length, _PIECE), offset))


class Sources(Closing):
    """The files that spans lie in, the latest few kept open."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[int, int]] = {}  # path -> descriptor, bytes

    def append(self, span: Span, target: int) -> None:
        """Append the bytes of a span to a descriptor.

        Raises ToolkitError, naming the source, when it is missing, no file, or shorter than that.
        """
        descriptor, size = self._opened(str(span.path))
        lacking = span.offset + span.length - size
        if lacking <= 0:
            lacking = copy(descriptor, target, span.offset, span.length)
        if lacking > 0:
            raise ToolkitError(
                f"the source file {span.path} was cut: bytes {span.offset:,} to"
                f" {span.offset + span.length:,} are wanted and {lacking:,} of them are missing;"
                " restore the file, or plan the mixture again"
            )

    def _opened(self, path: str) -> tuple[int, int]:
        if (known := self._open.pop(path, None)) is None:
            if len(self._open) >= _OPEN:
                os.close(self._open.pop(next(iter(self._open)))[0])
            known = _opened(path)
        self._open[path] = known  # the last one is the latest used
        return known

    def close(self) -> None:
        """Close every source."""
        while self._open:
            os.close(self._open.popitem()[1][0])


def _opened(path: str) -> tuple[int, int]:
    """Return the descriptor and the bytes of a plain file; a pipe would be waited for."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise ToolkitError(
            f"the source file {path} cannot be read ({error.strerror}): restore it, or plan the"
            " mixture again"
        ) from error
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        os.close(descriptor)
        raise ToolkitError(f"the source {path} is not a file: plan the mixture again")
    return descriptor, found.st_size
