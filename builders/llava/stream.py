"""The rows of a LLaVA-style file one at a time, in bounded memory: JSON array, lines or parquet."""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from imagewikiqa.core.errors import ToolkitError

if TYPE_CHECKING:
    import pyarrow

Advance = Callable[[int], None]
_BLOCK = 1 << 22  # bytes read at a time
_ROW_LIMIT = 64 * 1024 * 1024  # characters; the longest conversation of the field is below 1 MiB
_HOPELESS = 20  # lines in a row that are no JSON: then the file is no JSON lines
_SPACE = re.compile(r"[ \t\r\n]*")


class NotJson:
    """A line that is no JSON: one bad record, not the end of the file."""

    def __init__(self, detail: str) -> None:
        self.detail = detail


def read_raw(path: Path, advance: Advance | None = None) -> Iterator[Any]:
    """Yield every row of a .json array, JSON lines or parquet file as Python values.

    `advance` is told the bytes read. What a file holds is told by its first byte, not its name.
    Raises ToolkitError for a file that is missing, cut, or neither of the three, and for a table
    that holds images instead of their names.
    """
    tell = advance or (lambda _: None)
    try:
        with path.open("rb") as stream:
            first = _first_byte(stream)
            if first == b"[":
                yield from _array(path, stream, tell)
            elif first == b"{":
                yield from _json_lines(path, stream, tell)
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


def _array(path: Path, stream: BinaryIO, advance: Advance) -> Iterator[Any]:
    """Yield the elements of an array, decoding each as soon as it is whole.

    The standard decoder over blocks is as fast as streaming parsers and, unlike yajl's, does not
    turn half of a character into a question mark without a word.
    """
    text = _Text(stream, advance)
    text.take("[")
    rows = 0
    while True:
        try:
            if text.take("]"):
                break
            if rows and not text.take(","):
                raise ValueError("no comma between two rows")
            yield text.value()
        except (ValueError, RecursionError) as error:  # UnicodeDecodeError is a ValueError
            raise ToolkitError(
                f"{path.name} is not JSON after row {rows:,}, within its first"
                f" {text.read_bytes:,} bytes ({str(error) or 'it nests too deep'}): it may be cut;"
                " download it again and compare its size"
            ) from error
        rows += 1
    if not text.ended():
        raise ToolkitError(
            f"{path.name} goes on after the end of its array (row {rows:,}): two files may have"
            " been joined; give them one by one"
        )


class _Text:
    """The text of a stream from the first value that was not yet taken, a block at a time."""

    def __init__(self, stream: BinaryIO, advance: Advance) -> None:
        self._stream = stream
        self._advance = advance
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._values = json.JSONDecoder()
        self._text = ""
        self._at = 0
        self._ended = False
        self.read_bytes = stream.tell()

    def take(self, character: str) -> bool:
        """Step over white space, then over one character if it comes next."""
        taken = not self.ended() and self._text[self._at] == character
        self._at += taken
        return taken

    def value(self) -> Any:
        """Return the next value; raise ValueError when none begins here or it has no end."""
        self.ended()
        while True:
            try:
                value, end = self._values.raw_decode(self._text, self._at)
                if end < len(self._text) or not self._more():  # a number may go on
                    self._at = end
                    return value
            except json.JSONDecodeError:
                # What is wrong here may be whole with the next block; a row has its limit.
                if len(self._text) - self._at > _ROW_LIMIT or not self._more():
                    raise

    def ended(self) -> bool:
        """Step over white space; return whether nothing comes after it."""
        while True:
            found = _SPACE.match(self._text, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._text) or not self._more():
                return self._at == len(self._text)

    def _more(self) -> bool:
        """Read another block; return False at the end."""
        if self._ended:
            return False
        block = self._stream.read(_BLOCK)
        self._ended = not block
        self.read_bytes += len(block)
        self._advance(len(block))
        self._text = self._text[self._at :] + self._utf8.decode(block, final=self._ended)
        self._at = 0
        return not self._ended


def _json_lines(path: Path, stream: BinaryIO, advance: Advance) -> Iterator[Any]:
    """Yield the rows; a bad line costs one row, but many in a row or nothing else stop it."""
    failed, good = 0, False
    for row in _lines(stream, advance):
        failed = failed + 1 if isinstance(row, NotJson) else 0
        good |= not failed
        if failed >= _HOPELESS:
            raise _no_lines(path, f"{failed} lines in a row are no JSON")
        yield row
    if not good:
        raise _no_lines(path, "none of its lines is JSON")


def _no_lines(path: Path, why: str) -> ToolkitError:
    return ToolkitError(
        f"{path.name} begins with '{{' and is no JSON lines ({why}): give one object a line, or one"
        " array of objects"
    )


def _lines(stream: BinaryIO, advance: Advance) -> Iterator[Any]:
    while line := stream.readline(_ROW_LIMIT):
        advance(len(line))
        if not line.endswith(b"\n") and len(line) == _ROW_LIMIT:
            yield NotJson(f"a line of more than {_ROW_LIMIT:,} bytes")
            while not line.endswith(b"\n") and (line := stream.readline(_ROW_LIMIT)):
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
        pixels = [field.name for field in file.schema_arrow if _holds_bytes(field.type)]
        if inside := sorted({"image", "images"} & set(pixels)):
            raise ToolkitError(
                f"{path.name} holds the images themselves (column {inside[0]}), not their names:"
                " save them as files and give rows that name them"
            )
        columns = [name for name in file.schema_arrow.names if name not in pixels]
        size, total = path.stat().st_size, max(file.metadata.num_rows, 1)
        for batch in file.iter_batches(batch_size=1024, columns=columns):
            yield from batch.to_pylist()
            advance(size * batch.num_rows // total)
    except pyarrow.ArrowException as error:
        raise ToolkitError(
            f"{path.name} is no whole parquet file ({str(error).splitlines()[0]}):"
            " download it again and compare its size"
        ) from error


def _holds_bytes(kind: "pyarrow.DataType") -> bool:
    """Say whether values of a type have bytes anywhere inside."""
    import pyarrow.types

    if pyarrow.types.is_binary(kind) or pyarrow.types.is_large_binary(kind):
        return True
    return any(_holds_bytes(kind.field(at).type) for at in range(kind.num_fields))
