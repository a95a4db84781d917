"""The files that images lie in, read a piece at a time, the latest few kept open."""

import os
import stat

from imagewikiqa.core.closing import Closing
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures.records import Span

_OPEN = 32  # sources kept open: archives are read again and again


class Sources(Closing):
    """Open files that spans are read from."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[int, int]] = {}  # path -> descriptor, bytes

    def read(self, span: Span, begin: int, into: memoryview) -> int:
        """Read bytes of a span, from its byte `begin` on, into a buffer; return how many: some.

        Raises ToolkitError, naming the source, when it is missing, no file, or shorter than that.
        """
        descriptor, size = self._opened(str(span.path))
        lacking = span.offset + span.length - size
        if lacking <= 0:
            wanted = into[: span.length - begin]
            if got := os.preadv(descriptor, [wanted], span.offset + begin):
                return got
            lacking = span.length - begin
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
