"""Rows out of JSON lines, JSON, TSV, CSV and parquet, told apart by content, not by extension."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from imagewikiqa.core.errors import ToolkitError

CELL_LIMIT = 2**31 - 1  # a TSV cell may hold a picture as base64
JSON_SUFFIXES = frozenset({".json", ".jsonl", ".ndjson"})


class RawRow(NamedTuple):
    """One row as found: its number, and its fields or why there are none."""

    number: int
    fields: dict[str, object] | None
    problem: str = ""


def read_rows(path: Path) -> tuple[str, Iterator[RawRow]]:
    """Return the container ("json", "delimited", "parquet") and its rows, bad ones included.

    Raises ToolkitError when the file is missing, empty, or none of these.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ToolkitError(
            f"there is no file {path}: give a question file or a run folder"
        ) from None
    except OSError as error:
        raise ToolkitError(
            f"{path} cannot be read ({error.strerror}); give a readable question file"
        ) from error
    if content.startswith(b"PAR1"):
        return "parquet", _parquet_rows(path)
    content = content.removeprefix(b"\xef\xbb\xbf")
    start = content.lstrip()[:1]
    if not start:
        raise ToolkitError(f"{path} is empty: give a file with at least one question")
    if b"\0" in content[:4096]:
        raise ToolkitError(f"{path} is a binary file: give JSON lines, TSV, CSV or parquet")
    if start == b"[":
        return "json", _json_array_rows(path, content)
    if start == b"{" or path.suffix.lower() in JSON_SUFFIXES:
        return "json", _json_line_rows(content)
    return "delimited", _delimited_rows(path, content)


def _json_line_rows(content: bytes) -> Iterator[RawRow]:
    # Split at \n alone: JSON strings may hold U+2028 and its kin unescaped.
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.strip():
            yield _json_row(number, line)


def _json_row(number: int, line: bytes) -> RawRow:
    try:
        value = json.loads(line.decode())
    except UnicodeDecodeError:
        return RawRow(number, None, f"line {number} is not UTF-8")
    except (ValueError, RecursionError) as error:
        return RawRow(number, None, f"line {number} is not JSON ({_reason(error)})")
    return _object_row(number, value, f"line {number}")


def _json_array_rows(path: Path, content: bytes) -> Iterator[RawRow]:
    try:
        values = json.loads(content.decode())
    except (ValueError, RecursionError) as error:
        raise ToolkitError(
            f"{path} starts like a JSON list but is not one ({_reason(error)}); correct it or give"
            " JSON lines"
        ) from error
    for number, value in enumerate(values, 1):
        yield _object_row(number, value, f"entry {number}")


def _object_row(number: int, value: object, where: str) -> RawRow:
    if isinstance(value, dict):
        return RawRow(number, value)
    return RawRow(number, None, f"{where} is no object with named fields")


def _delimited_rows(path: Path, content: bytes) -> Iterator[RawRow]:
    """Yield rows by pandas' rules: quotes around a cell, doubled inside, newlines allowed."""
    text = content.decode("utf-8", errors="surrogateescape")
    header_line = text.split("\n", 1)[0]
    delimiter = "\t" if "\t" in header_line else ","
    csv.field_size_limit(CELL_LIMIT)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = [name.strip() for name in next(reader)]
    if len(set(header)) < len(header):
        raise ToolkitError(f"{path}, line 1: a column name occurs twice; rename one of {header}")
    number = 0
    while True:
        number += 1
        try:
            cells = next(reader, None)
        except csv.Error as error:
            yield RawRow(number, None, f"line {reader.line_num} is not delimited text ({error})")
            continue
        if cells is None:
            return
        if cells:
            yield _cell_row(number, reader.line_num, header, cells)


def _cell_row(number: int, line: int, header: list[str], cells: list[str]) -> RawRow:
    if len(cells) != len(header):
        problem = f"line {line} has {len(cells)} cells for {len(header)} columns"
        return RawRow(number, None, problem)
    if any("\udc80" <= letter <= "\udcff" for cell in cells for letter in cell):
        return RawRow(number, None, f"line {line} is not UTF-8")
    return RawRow(number, dict(zip(header, cells, strict=True)))


def _parquet_rows(path: Path) -> Iterator[RawRow]:
    import pyarrow
    from pyarrow import parquet

    number = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=256):
                for fields in batch.to_pylist():
                    number += 1
                    yield RawRow(number, fields)
    except pyarrow.ArrowException as error:
        raise ToolkitError(
            f"{path} cannot be read as parquet after row {number} ({error}); write it again"
        ) from error


def _reason(error: Exception) -> str:
    return str(getattr(error, "msg", None) or getattr(error, "reason", None) or "nested too deep")
