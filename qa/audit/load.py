"""Read any multiple-choice file, or a run folder, into rows of one shape."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from imagewikiqa.core.digests import file_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.qa.audit.containers import RawRow, read_rows
from imagewikiqa.qa.audit.layouts import (
    EXPECTED,
    Fields,
    UnreadableRowError,
    class_column,
    layout_of,
    parse,
)
from imagewikiqa.qa.audit.records import AuditRow, Finding

POINTER = 64  # characters: VLMEvalKit reads a shorter image cell as the index of another row


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A question file as read: its rows, and a finding for every row that holds no question."""

    file: str
    sha256: str
    layout: str
    class_column: str | None
    rows: tuple[AuditRow, ...]
    unreadable: tuple[Finding, ...]
    disagreements: tuple[Finding, ...] | None = None  # only for a run folder


def load(path: Path) -> Loaded:
    """Return the rows of a question file or of a run folder (questions.jsonl, items.jsonl).

    The layout is found from the columns. A row that cannot be read is a finding, never dropped
    in silence. Raises ToolkitError when the path is missing or no row is a question.
    """
    if path.is_dir():
        return _load_run(path)
    container, raws = read_rows(path)
    listed = list(raws)
    layout, sample = _layout(path, listed)
    rows: list[AuditRow] = []
    unreadable: list[Finding] = []
    for raw in listed:
        row = _read(layout, raw)
        if isinstance(row, AuditRow):
            rows.append(row)
        else:
            unreadable.append(row)
    if not rows:
        raise ToolkitError(
            f"{path}: none of {len(listed)} rows could be read, the first because"
            f" {unreadable[0].detail}; expected are the columns {EXPECTED}"
        )
    if layout == "VLMEvalKit":
        rows = _follow_image_pointers(rows)
    return Loaded(
        file=path.name,
        sha256=file_digest(path),
        layout=f"{layout} ({container})",
        class_column=class_column(sample),
        rows=tuple(rows),
        unreadable=tuple(unreadable),
    )


def _layout(path: Path, raws: Sequence[RawRow]) -> tuple[str, Fields]:
    """Return the layout of the first row that fits one, and that row's fields."""
    for raw in raws:
        if raw.fields is not None and (layout := layout_of(raw.fields)) is not None:
            return layout, raw.fields
    first = next((raw for raw in raws if raw.fields is not None), None)
    found = "no readable row" if first is None else f"the columns {', '.join(first.fields or {})}"
    number = 1 if first is None else first.number
    raise ToolkitError(
        f"{path}, row {number}: found {found[:300]}, which is no known layout; expected are the"
        f" columns {EXPECTED}"
    )


def _read(layout: str, raw: RawRow) -> AuditRow | Finding:
    detail = raw.problem
    if raw.fields is not None:
        try:
            return parse(layout, raw.number, raw.fields)
        except UnreadableRowError as error:
            detail = str(error)
        except KeyError as error:
            detail = f"the field {error.args[0]} is missing"
    return Finding(row=raw.number, question_id=None, check="unreadable_rows", detail=detail)


def _follow_image_pointers(rows: Iterable[AuditRow]) -> list[AuditRow]:
    """Replace an image that is the index of another row by that row's image, as its reader does."""
    rows = list(rows)
    image_of = {row.question_id: row.image for row in rows if row.question_id is not None}
    return [
        row.model_copy(update={"image": image_of[row.image]})
        if row.image in image_of and len(row.image) <= POINTER
        else row
        for row in rows
    ]


def _load_run(folder: Path) -> Loaded:
    """Join items with their questions; a question without an item stands as a row of its own."""
    if not (folder / "questions.jsonl").is_file():
        raise ToolkitError(
            f"the folder {folder} has no questions.jsonl: give a run folder or a question file"
        )
    questions = load(folder / "questions.jsonl")
    if not (folder / "items.jsonl").is_file():
        return questions
    items = load(folder / "items.jsonl")
    by_id = {row.question_id: row for row in questions.rows}
    used = {row.question_id for row in items.rows}
    alone = [row for row in questions.rows if row.question_id not in used]
    disagreements = [_disagreement(row, f"question {row.question_id} has no item") for row in alone]
    joined: list[AuditRow] = []
    for item in items.rows:
        question = by_id.get(item.question_id)
        if question is None:
            disagreements.append(_disagreement(item, "its question is not in questions.jsonl"))
        elif (item.question, item.choices, item.answer) != (
            question.question,
            question.choices,
            question.answer,
        ):
            disagreements.append(_disagreement(item, "text, options or answer differ"))
        known = {} if question is None else _missing_fields(item, question)
        joined.append(item.model_copy(update=known))
    return Loaded(
        file="items.jsonl, questions.jsonl",
        sha256=items.sha256,
        layout="run folder (json)",
        class_column=questions.class_column,
        rows=(*joined, *alone),
        unreadable=questions.unreadable + items.unreadable,
        disagreements=tuple(disagreements),
    )


def _missing_fields(item: AuditRow, question: AuditRow) -> dict[str, object]:
    """Return what the question knows and its item does not."""
    return {
        name: getattr(question, name)
        for name in AuditRow.model_fields
        if getattr(item, name) is None and getattr(question, name) is not None
    }


def _disagreement(row: AuditRow, detail: str) -> Finding:
    return Finding(
        row=row.row,
        question_id=row.question_id,
        check="items_and_questions_disagree",
        detail=detail,
    )
