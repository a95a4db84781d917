"""A class list with the resolved titles in it, ready for `rebuild --classes`."""

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from imagewikiqa.builders.resolve.records import Resolution
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish_text
from imagewikiqa.core.records import ClassEntry

JOIN = " | "
COLUMNS = ("id", "name", "synonyms", "definition", "title", "hypernyms", "number", "index")


def titled(
    classes: Iterable[ClassEntry], resolutions: Iterable[Resolution]
) -> tuple[ClassEntry, ...]:
    """Return the classes that have an article, in their order, each with its titles.

    A class without one is left out: kept, it would be looked up by its name, unresolved as it is.
    """
    titles = {r.id: r.titles for r in resolutions if r.titles}
    return tuple(
        entry.model_copy(update={"title": JOIN.join(titles[entry.id])})
        for entry in classes
        if entry.id in titles
    )


def write_class_list(
    path: Path, classes: Iterable[ClassEntry], resolutions: Iterable[Resolution]
) -> int:
    """Publish a .csv or .jsonl class list that `load_classes` reads; return its classes.

    Raises ToolkitError for another kind of file, for a list without any resolved class, and for a
    synonym that a .csv cell cannot hold.
    """
    entries = titled(classes, resolutions)
    writers = {".csv": _csv, ".jsonl": _jsonl}
    if path.suffix.lower() not in writers:
        raise ToolkitError(f"a class list is not written to {path.name}: name it .csv or .jsonl")
    if not entries:
        raise ToolkitError(
            f"no class has an article, so {path.name} would be empty: fill in the review file first"
        )
    publish_text(path, writers[path.suffix.lower()](entries))
    return len(entries)


def summary(resolutions: Sequence[Resolution]) -> dict[str, int]:
    """Return counts for a report: outcomes, decisions by hand, shared and several articles."""
    outcomes = Counter(r.outcome for r in resolutions)
    return {
        "classes": len(resolutions),
        "resolved": outcomes["resolved"],
        "ambiguous": outcomes["ambiguous"],
        "missing": outcomes["missing"],
        "by_hand": sum(r.how == "hand" for r in resolutions),
        "several_articles": sum(len(r.titles) > 1 for r in resolutions),
        "shared_article": sum(bool(r.shared_with) for r in resolutions),
    }


def _fields(entry: ClassEntry) -> dict[str, object]:
    values = entry.model_dump(mode="json")
    return {column: values[column] for column in COLUMNS if values[column] not in (None, "", [])}


def _jsonl(entries: Sequence[ClassEntry]) -> str:
    return "".join(json.dumps(_fields(entry), ensure_ascii=False) + "\n" for entry in entries)


def _csv(entries: Sequence[ClassEntry]) -> str:
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for entry in entries:
        fields = _fields(entry)
        for column in ("synonyms", "hypernyms"):
            fields[column] = "; ".join(_cell(entry, text) for text in getattr(entry, column))
        writer.writerow(fields)
    return out.getvalue()


def _cell(entry: ClassEntry, text: str) -> str:
    if ";" in text or "|" in text:
        raise ToolkitError(
            f"{text!r} of class {entry.id} holds a mark that parts synonyms in .csv: write the "
            "class list as .jsonl"
        )
    return text
