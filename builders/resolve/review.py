"""The file in which a person decides what the resolver left open, and its way back."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from imagewikiqa.builders.resolve.records import Candidate, Resolution
from imagewikiqa.builders.resolve.resolve import share
from imagewikiqa.builders.resolve.written import NO_ARTICLE, written_title
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish_text
from imagewikiqa.core.records import ClassEntry
from imagewikiqa.core.sheets import inert

COLUMNS = ("class_id", "class_name", "definition", "outcome", "why", "candidates", "title")
SHOWN = 5  # candidates of one class
REASONS = 3  # of one candidate, the heaviest first


def write_review(
    path: Path, resolutions: Iterable[Resolution], classes: Iterable[ClassEntry]
) -> int:
    """Publish one row for each class that needs a person, with `title` to fill; return how many.

    A person writes the article's title, several with " | " between them, or "-" for no article.
    Raises KeyError when a resolution is of no class in `classes`.
    """
    entries = {entry.id: entry for entry in classes}
    rows = [_row(r, entries[r.id]) for r in resolutions if r.outcome != "resolved"]
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerows([COLUMNS, *rows])
    publish_text(path, out.getvalue())
    return len(rows)


def read_review(path: Path, resolutions: Sequence[Resolution]) -> dict[str, tuple[str, ...]]:
    """Return the titles a person chose, by class id; no title means that there is no article.

    Raises ToolkitError naming the line of the first mistake.
    """
    known = {shown: r for r in resolutions for shown in (r.id, inert(r.id))}
    chosen: dict[str, tuple[str, ...]] = {}
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        _check_columns(path, next(reader, []))
        for cells in reader:
            where = f"{path}, line {reader.line_num}"
            if not any(map(str.strip, cells)):
                continue
            class_id, titles = _decision(where, cells, known)
            if class_id in chosen:
                raise ToolkitError(f"{where}: {class_id} has a row above; delete one of the two")
            chosen[class_id] = titles
    except csv.Error as error:
        raise ToolkitError(
            f"{path}, line {reader.line_num}: this is not CSV ({error}); correct the line"
        ) from error
    return chosen


def apply_review(
    resolutions: Iterable[Resolution], chosen: Mapping[str, tuple[str, ...]]
) -> list[Resolution]:
    """Return the resolutions with a person's decisions in place; doing it again changes nothing."""
    return share([_decided(r, chosen[r.id]) if r.id in chosen else r for r in resolutions])


def _decided(resolution: Resolution, titles: tuple[str, ...]) -> Resolution:
    return Resolution(
        id=resolution.id,
        class_name=resolution.class_name,
        outcome="resolved" if titles else "missing",
        titles=titles,
        how="hand",
        confidence=1.0,
        candidates=resolution.candidates,
        note="decided by a person" if titles else "a person found no article",
    )


def _row(resolution: Resolution, entry: ClassEntry) -> tuple[str, ...]:
    shown = enumerate(resolution.candidates[:SHOWN], 1)
    return (
        inert(resolution.id),
        inert(resolution.class_name),
        inert(entry.definition or "; ".join(entry.synonyms)),
        resolution.outcome,
        inert(resolution.note),
        "\n".join(f"{rank}. {_reasons(candidate)}" for rank, candidate in shown),
        "",
    )


def _reasons(candidate: Candidate) -> str:
    clues = sorted(candidate.clues, key=lambda clue: (-abs(clue.weight), clue.detail))
    told = [f"{c.detail} ({c.weight:+.1f})" for c in clues if c.kind != "prior"][:REASONS]
    return f"{candidate.title} [{candidate.share:.0%}]: {'; '.join(told) or 'no evidence'}"


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")  # spreadsheets like to add a BOM
    except OSError as error:
        raise ToolkitError(
            f"the review file {path} cannot be read ({error.strerror}); give the review.csv that "
            "resolving wrote, filled in"
        ) from error
    except UnicodeDecodeError as error:
        raise ToolkitError(f"{path} is not UTF-8; save the file as UTF-8") from error


def _check_columns(path: Path, found: Sequence[str]) -> None:
    if tuple(found) == COLUMNS:
        return
    wrong = sorted(set(found) - {*COLUMNS, ""}) or sorted({*COLUMNS} - set(found))
    about = f" ({', '.join(wrong)[:100]!r})" if wrong else f" ({len(found)} of them)"
    step = "keep the first line as it was written"
    if len(found) == 1 and COLUMNS[0] in found[0]:
        step = "save the file with commas between its cells"
    raise ToolkitError(f"{path}, line 1: the columns are not {','.join(COLUMNS)}{about}; {step}")


def _decision(
    where: str, cells: Sequence[str], known: Mapping[str, Resolution]
) -> tuple[str, tuple[str, ...]]:
    if len(cells) != len(COLUMNS):
        raise ToolkitError(
            f"{where}: {len(cells)} cells for {len(COLUMNS)} columns; put a title that holds a "
            "comma in double quotes"
        )
    class_id, name, title = cells[0].strip(), cells[1].strip(), cells[-1].strip()
    if class_id not in known:
        raise ToolkitError(
            f"{where}: there is no class {class_id!r} in this run; use its own review file"
        )
    found = known[class_id]
    if name not in (found.class_name, inert(found.class_name)):
        raise ToolkitError(
            f"{where}: {class_id} is {found.class_name!r}, not {name!r}; restore the row's first "
            "two cells"
        )
    if title == NO_ARTICLE:
        return found.id, ()
    return found.id, tuple(dict.fromkeys(written_title(where, part) for part in title.split("|")))
