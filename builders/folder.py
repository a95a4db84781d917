"""A folder of wikitext files as pages, with an optional `pages.csv` that describes them."""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from imagewikiqa.builders.raw import RawPage, normal_title, redirect_target, reject
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import Reject

SUFFIXES = (".txt", ".wiki", ".wikitext")
SIDECAR = "pages.csv"
COLUMNS = (
    "file", "title", "page_id", "revision_id", "revision_timestamp", "url", "language", "license",
    "class_id",
)  # fmt: skip


def read_folder(folder: Path) -> Iterator[RawPage | Reject]:
    """Yield a folder's *.txt, *.wiki and *.wikitext files as pages, sorted by name.

    A `pages.csv` beside them gives title, ids, link, language, licence and class by file name.
    Raises ToolkitError when there is no wikitext file or the sidecar is wrong; a file that is not
    UTF-8, or whose name is not, becomes a Reject.
    """
    files = _wikitext_files(folder)
    described = _read_sidecar(folder / SIDECAR, {file.name for file in files})
    for file in files:
        shown = file.name.encode("utf-8", "backslashreplace").decode()
        if shown != file.name:
            yield reject(f"folder:{shown}", "file name is not UTF-8")
            continue
        try:
            wikitext = file.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError as error:
            yield reject(f"folder:{file.name}", "not UTF-8", f"byte {error.start:,}")
            continue
        yield _page(file, wikitext, described.get(file.name, {}))


def _wikitext_files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise ToolkitError(f"there is no folder {folder.name}: give --pages folder:DIR that exists")
    files = sorted(f for f in folder.iterdir() if f.suffix in SUFFIXES and f.is_file())
    if not files:
        raise ToolkitError(
            f"the folder {folder.name} has no wikitext file: put pages there as "
            f"{', '.join('*' + suffix for suffix in SUFFIXES)}"
        )
    stems = Counter(file.stem for file in files)
    if twice := sorted(stem for stem, count in stems.items() if count > 1):
        raise ToolkitError(
            f"the folder {folder.name} has several files named {twice[0]!r} with different "
            "endings: keep or rename one, since the name is the page's id"
        )
    return files


def _page(file: Path, wikitext: str, row: dict[str, str]) -> RawPage:
    title, alias = _titles(file.stem)
    return RawPage(
        title=normal_title(row.get("title", "")) or title,
        page_id=_number(row, "page_id"),
        revision_id=_number(row, "revision_id"),
        timestamp=row.get("revision_timestamp") or None,
        wikitext=wikitext,
        redirect=redirect_target(wikitext),
        namespace=0,
        source=f"folder:{file.name}",
        url=row.get("url") or f"folder:{file.name}",
        language=row.get("language") or "en",
        license=row.get("license") or "unknown",
        class_id=row.get("class_id") or None,
        alias=None if row.get("title") else alias,
    )


def _titles(stem: str) -> tuple[str, str | None]:
    """Read a file name as a title; hyphens are spaces only when nothing else parts the words."""
    title = normal_title(stem)
    if "-" in stem and "_" not in stem and " " not in stem:
        return normal_title(stem.replace("-", " ")), title
    return title, None


def _number(row: dict[str, str], column: str) -> int | None:
    return int(row[column]) if row.get(column) else None


def _read_sidecar(path: Path, files: set[str]) -> dict[str, dict[str, str]]:
    if not path.is_file():
        return {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, restkey="(more)", restval="")
            _check_columns(reader.fieldnames)
            return _checked_rows(reader, files)
    except (UnicodeDecodeError, csv.Error) as error:
        raise ToolkitError(
            f"{SIDECAR} is not a UTF-8 CSV file ({error}): save it as one"
        ) from error


def _check_columns(names: object) -> None:
    columns = list(names) if isinstance(names, (list, tuple)) else []
    unknown = sorted(set(columns) - set(COLUMNS))
    if "file" not in columns or unknown:
        problem = f"unknown column {unknown[0]!r}" if unknown else "no column 'file'"
        raise ToolkitError(f"{SIDECAR} has {problem}: its columns are {', '.join(COLUMNS)}")


def _checked_rows(reader: "csv.DictReader[str]", files: set[str]) -> dict[str, dict[str, str]]:
    rows: dict[str, dict[str, str]] = {}
    for row in reader:
        problem = _problem(row, files, rows)
        if problem:
            raise ToolkitError(f"{SIDECAR} line {reader.line_num}: {problem}; correct the row")
        rows[row["file"]] = {column: value.strip() for column, value in row.items()}
    return rows


def _problem(row: dict[str, str], files: set[str], rows: dict[str, dict[str, str]]) -> str:
    if "(more)" in row:
        return "more values than columns"
    if row["file"] in rows:
        return f"{row['file']!r} is there twice"
    ids = (row.get("page_id"), row.get("revision_id"))
    if all(ids) and ids in {(r.get("page_id"), r.get("revision_id")) for r in rows.values()}:
        return f"page {ids[0]} at revision {ids[1]} is there twice"
    if row["file"] not in files:
        return f"the folder has no wikitext file {row['file']!r}"
    for column in ("page_id", "revision_id"):
        value = (row.get(column) or "").strip()
        if value and not re.fullmatch("[0-9]{1,18}", value):
            return f"{column} {value!r} is not a whole number"
    return ""
