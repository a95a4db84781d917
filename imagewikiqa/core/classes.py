"""The classes to ask about: a list that ships with the toolkit, or one that the user brings."""

import csv
import io
import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import cache
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from pydantic import ValidationError

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry

NEEDED = ("id", "name")
OPTIONAL = ("synonyms", "definition", "title", "hypernyms", "number", "index")
LISTS = frozenset({"synonyms", "hypernyms"})
# Caltech 101 has 100 classes, for its two folders of faces are one and the background is none.
NAMED = ("caltech101", "flowers102", "food101", "imagenet", "oxford_pets", "stanford_cars")
HAVE = f"have: {', '.join(NAMED)}, or a .json, .csv or .jsonl file"
_BROKEN = re.compile("[\ud800-\udfff]")  # JSON may escape it, UTF-8 cannot hold it


class _Row(NamedTuple):
    """One class as read: where it stands, for error sentences, and its fields."""

    where: str
    fields: dict[str, object]


def load_classes(spec: str) -> tuple[ClassEntry, ...]:
    """Return the classes of a list in NAMED, in its official label order, or of a file.

    A .json file is a list of names (ids are made from them); a .csv or .jsonl file has the fields
    `id,name[,synonyms,definition,title]`, with synonyms split at ";" or "|" in a cell. Ids and
    case-folded names are distinct. Raise ToolkitError with the file, the line and the next step.
    """
    if spec in NAMED:
        return _named(spec)
    path = Path(spec)
    reader = _READERS.get(path.suffix.lower())
    if reader is None:
        raise ToolkitError(f"there is no class list {spec!r}; {HAVE}")
    return _checked(path, [*reader(path, _text(path))])


def slug(name: str) -> str:
    """Return a name as lower-case ASCII words joined by "-"; empty if it has no such letters."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    return "-".join(re.findall(r"[a-z0-9]+", plain.lower()))


@cache
def _named(name: str) -> tuple[ClassEntry, ...]:
    table = resources.files("imagewikiqa.core") / "data" / f"{name}_classes.jsonl"
    lines = table.read_text(encoding="utf-8").splitlines()
    return tuple(ClassEntry.model_validate_json(line) for line in lines)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")  # spreadsheets like to add a BOM
    except FileNotFoundError:
        raise ToolkitError(f"the class list {path} does not exist; {HAVE}") from None
    except OSError as error:
        raise ToolkitError(
            f"the class list {path} cannot be read ({error.strerror}); give a readable file"
        ) from error
    except UnicodeDecodeError as error:
        raw: bytes = error.object
        line = raw.count(b"\n", 0, error.start) + 1
        raise ToolkitError(
            f"{path}, line {line}: the text is not UTF-8; save the file as UTF-8"
        ) from error


def _parse(path: Path, text: str, first_line: int = 1) -> object:
    try:
        value: object = json.loads(text)
        written = json.dumps(value, ensure_ascii=False)
    except (ValueError, RecursionError) as error:
        line = first_line - 1 + getattr(error, "lineno", 1)
        reason = getattr(error, "msg", "it nests too deep or holds too long a number")
        raise ToolkitError(
            f"{path}, line {line}: this is not JSON ({reason}); correct the line"
        ) from error
    if _BROKEN.search(written):
        raise ToolkitError(
            f"{path}, line {first_line}: a text holds half of a character (an escape from \\ud800"
            " to \\udfff without its other half); write the character itself"
        )
    return value


def _read_json(path: Path, text: str) -> Iterator[_Row]:
    names = _parse(path, text)
    if not isinstance(names, list):
        raise ToolkitError(
            f'{path}, line 1: a .json class list is a list of names, as in ["tench", "goldfish"];'
            " put classes with more fields in a .csv or .jsonl file"
        )
    for number, name in enumerate(names, 1):
        where = f"{path}, name {number}"
        if not isinstance(name, str):
            raise ToolkitError(
                f"{where}: {json.dumps(name)[:60]} is not a name; write a quoted text"
            )
        if name.strip() and not slug(name):
            raise ToolkitError(
                f"{where}: no id can be made from {name!r}; use a .csv or .jsonl file with an id"
            )
        yield _Row(where, {"id": slug(name) or "-", "name": name})


def _read_jsonl(path: Path, text: str) -> Iterator[_Row]:
    # Not splitlines(): JSON strings may hold U+2028 and its kin unescaped.
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        fields = _parse(path, line, number)
        where = f"{path}, line {number}"
        if not isinstance(fields, dict):
            raise ToolkitError(f"{where}: a class is an object with the fields {_columns()}")
        _check_columns(where, [*fields])
        yield _Row(where, fields)


def _read_csv(path: Path, text: str) -> Iterator[_Row]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [column.strip() for column in next(reader, [])]
        if not header:
            return
        _check_columns(f"{path}, line 1", header)
        for cells in reader:
            where = f"{path}, line {reader.line_num}"
            if not cells:
                continue
            if len(cells) != len(header):
                raise ToolkitError(
                    f"{where}: {len(cells)} cells for {len(header)} columns; put cells that hold"
                    " a comma in double quotes"
                )
            filled = {k: v for k, v in zip(header, cells, strict=True) if v.strip() or k in NEEDED}
            yield _Row(where, dict(filled))
    except csv.Error as error:
        raise ToolkitError(
            f"{path}, line {reader.line_num}: this is not CSV ({error}); correct the line"
        ) from error


_READERS: dict[str, Callable[[Path, str], Iterator[_Row]]] = {
    ".json": _read_json,
    ".jsonl": _read_jsonl,
    ".csv": _read_csv,
}


def _columns() -> str:
    return f"{', '.join(NEEDED)} and perhaps {', '.join(OPTIONAL)}"


def _check_columns(where: str, found: list[str]) -> None:
    wrong = set(NEEDED) - set(found) or set(found) - {*NEEDED, *OPTIONAL}
    if wrong or len(set(found)) < len(found):
        raise ToolkitError(
            f"{where}: the columns are {', '.join(found) or 'none'}, but expected are "
            f"{_columns()}, each once; rename or remove the others"
        )


def _checked(path: Path, rows: list[_Row]) -> tuple[ClassEntry, ...]:
    if not rows:
        raise ToolkitError(f"{path}, line 1: the class list is empty; give at least one class")
    entries: list[ClassEntry] = []
    ids: dict[str, tuple[str, str]] = {}
    names: dict[str, tuple[str, str]] = {}
    for position, row in enumerate(rows):
        entry = _entry(row, position)
        _refuse_twin(row.where, "name", entry.name, names, _folded(entry.name))
        _refuse_twin(row.where, "id", entry.id, ids, entry.id, entry.name)
        entries.append(entry)
    return tuple(entries)


def _refuse_twin(
    where: str, field: str, value: str, seen: dict[str, tuple[str, str]], key: str, name: str = ""
) -> None:
    if key in seen:
        other, there = seen[key]
        pair = f"{name!r} and {other!r} have the same" if name else f"{value!r} and {other!r} are"
        what = f"{pair} id {value!r}" if name else f"{pair} the same name"
        raise ToolkitError(f"{where}: {what} (see {there}); make each {field} distinct")
    seen[key] = (name or value, where)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", name).casefold()


def _entry(row: _Row, position: int) -> ClassEntry:
    fields: dict[str, object] = {"index": position}
    for key, value in row.fields.items():
        value = _split(value) if key in LISTS else value
        fields[key] = value.strip() if isinstance(value, str) else value
    for key in NEEDED:
        _refuse_unusable(row.where, key, fields[key])
    try:
        return ClassEntry.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(map(str, first["loc"]))
        raise ToolkitError(
            f"{row.where}: the field {field} is wrong ({first['msg'].lower()}); correct it"
        ) from error


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in re.split(r"[;|]", value) if part.strip())


def _refuse_unusable(where: str, key: str, value: object) -> None:
    if not isinstance(value, str):
        raise ToolkitError(f"{where}: the {key} is not a text; put it in double quotes")
    if not value:
        raise ToolkitError(f"{where}: the {key} is blank; fill it in or remove the row")
    if not value.isprintable():
        raise ToolkitError(
            f"{where}: the {key} {value[:60]!r} holds a line break or a control character;"
            " write it on one line"
        )
    # Ids name folders of images, so they must stay one step below a folder.
    if key == "id" and (value in {".", ".."} or re.search(r"[/\\]", value)):
        raise ToolkitError(
            f"{where}: the id {value!r} cannot name a folder; use letters, digits, '-' and '_'"
        )
