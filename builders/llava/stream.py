"""The rows of a LLaVA-style file one at a time, in bounded memory: JSON array, lines or parquet."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

from imagewikiqa.core.errors import MissingExtraError, ToolkitError

Advance = Callable[[int], None]
_BLOCK = 1 << 20  # bytes handed to the parser at a time
_LINE_LIMIT = 64 * 1024 * 1024  # bytes; the longest conversation of the field is below 1 MiB


class NotJson:
    """A line that is no JSON: one bad record, not the end of the file."""

    def __init__(self, detail: str) -> None:
        self.detail = detail


def read_raw(path: Path, advance: Advance | None = None) -> Iterator[Any]:
    """Yield every row of a .json array, JSON lines or parquet file as Python values.

    `advance` is told the bytes read. What a file holds is told by its first byte, not its name.
    Raises ToolkitError for a file that is missing, cut, or neither of the three; MissingExtraError
    without the extra `llava`.
    """
    tell = advance or (lambda _: None)
    try:
        with path.open("rb") as stream:
            first = _first_byte(stream)
            if first == b"[":
                yield from _array(path, _Counted(stream, tell))
            elif first == b"{":
                yield from _lines(stream, tell)
            elif first == b"P":
                yield from _parquet(path, tell)
            elif first:
                raise ToolkitError(
                    f"{path.name} begins with {first!r}: it is no JSON array, JSON lines or"
                    " parquet file; give the file as it was published"
                )
    except OSError as error:
        raise ToolkitError(
            f"cannot read {path} ({error.strerror}): check the path and its rights"
        ) from error


def _first_byte(stream: BinaryIO) -> bytes:
    """Return the first byte that is no space or byte order mark, and go back to it."""
    head = stream.read(4096)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    stream.seek(len(head) - len(start))
    return start[:1]


class _Counted:
    """A stream that says how much of it was read."""

    def __init__(self, stream: BinaryIO, advance: Advance) -> None:
        self._stream = stream
        self._advance = advance
        self.read_bytes = stream.tell()

    def read(self, size: int = _BLOCK) -> bytes:
        """Return the next bytes."""
        block = self._stream.read(size)
        self.read_bytes += len(block)
        self._advance(len(block))
        return block


def _array(path: Path, stream: _Counted) -> Iterator[Any]:
    try:
        import ijson
    except ImportError as error:
        raise MissingExtraError("ijson", "llava") from error
    rows = 0
    try:
        for row in ijson.items(stream, "item", use_float=True, buf_size=_BLOCK):
            rows += 1
            yield row
    except (ijson.JSONError, UnicodeDecodeError) as error:
        what = str(error).splitlines()[0]
        raise ToolkitError(
            f"{path.name} is not JSON after row {rows:,}, within the first {stream.read_bytes:,}"
            f" bytes ({what}): it may be cut; download it again and compare its size"
        ) from error


def _lines(stream: BinaryIO, advance: Advance) -> Iterator[Any]:
    while line := stream.readline(_LINE_LIMIT):
        advance(len(line))
        if not line.endswith(b"\n") and len(line) == _LINE_LIMIT:
            yield NotJson(f"a line of more than {_LINE_LIMIT:,} bytes")
            while not line.endswith(b"\n") and (line := stream.readline(_LINE_LIMIT)):
                advance(len(line))
            continue
        if not line.strip():
            continue
        try:
            yield json.loads(line)
        except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
            yield NotJson(str(error))


def _parquet(path: Path, advance: Advance) -> Iterator[dict[str, Any]]:
    import pyarrow
    import pyarrow.parquet

    try:
        file = pyarrow.parquet.ParquetFile(path)
        # Pixels stay where they are: a row names its images, and nested bytes are never needed.
        columns = [
            field.name
            for field in file.schema_arrow
            if not pyarrow.types.is_binary(field.type) and not pyarrow.types.is_struct(field.type)
        ]
        size, total = path.stat().st_size, max(file.metadata.num_rows, 1)
        for batch in file.iter_batches(batch_size=1024, columns=columns):
            yield from batch.to_pylist()
            advance(size * batch.num_rows // total)
    except pyarrow.ArrowException as error:
        raise ToolkitError(
            f"{path.name} is no whole parquet file ({str(error).splitlines()[0]}):"
            " download it again and compare its size"
        ) from error
