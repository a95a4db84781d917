"""fixes.csv: what people found wrong with a question, for whoever corrects it, and its way back."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from pydantic import Field

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish_text
from imagewikiqa.core.records import LETTERS, Part, Question
from imagewikiqa.qa.naming import PLACEHOLDER, has_placeholder
from imagewikiqa.qa.rounds.records import Verdict

COLUMNS = (
    "question_id", "class_name", "reason", "votes", "comments", "evidence",
    "question", "A", "B", "C", "D", "answer",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would run what begins so


class Fix(Part):
    """A question as a person corrected it."""

    question: str = Field(min_length=1)
    choices: tuple[str, str, str, str]
    answer: int = Field(ge=0, le=3)


def write_fixes(path: Path, questions: Mapping[str, Question], verdicts: Iterable[Verdict]) -> int:
    """Publish a row for each verdict fix, its answer that of the people; return how many."""
    rows = [_row(questions[one.id], one) for one in verdicts if one.verdict == "fix"]
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([COLUMNS, *rows])
    publish_text(path, out.getvalue())
    return len(rows)


def _row(question: Question, verdict: Verdict) -> list[str]:
    votes = ", ".join(f"{letter} {n}" for letter, n in zip(LETTERS, verdict.votes, strict=True))
    answer = question.answer if verdict.consensus is None else verdict.consensus
    cells = [
        question.id, question.class_name, verdict.reason, f"{votes}, none {verdict.none_right}",
        " | ".join(verdict.comments), question.evidence.quote, question.question,
        *question.choices, LETTERS[answer],
    ]  # fmt: skip
    return [_inert(cell) for cell in cells]


def read_fixes(path: Path, verdicts: Sequence[Verdict]) -> dict[str, Fix]:
    """Return the corrected questions by id; a row with an empty answer is left out of the set.

    Raises ToolkitError naming the line of the first mistake.
    """
    wanted = {shown: one.id for one in verdicts if one.verdict == "fix"
              for shown in (one.id, _inert(one.id))}  # fmt: skip
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    fixed: dict[str, Fix] = {}
    try:
        if tuple(next(reader, ())) != COLUMNS:
            raise ToolkitError(f"{path} has other columns than fixes.csv: keep its first line")
        for cells in reader:
            if any(map(str.strip, cells)):
                _read(f"{path}, line {reader.line_num}", cells, wanted, fixed)
    except csv.Error as error:
        raise ToolkitError(
            f"{path}, line {reader.line_num}: this is not CSV ({error}); correct the line"
        ) from error
    return fixed


def _read(where: str, cells: list[str], wanted: Mapping[str, str], fixed: dict[str, Fix]) -> None:
    if len(cells) != len(COLUMNS):
        raise ToolkitError(f"{where}: {len(cells)} cells where {len(COLUMNS)} are expected")
    row = dict(zip(COLUMNS, map(_plain, cells), strict=True))
    name = wanted.get(cells[0])
    if name is None:
        raise ToolkitError(f"{where}: no question to fix is called {cells[0]!r}")
    if name in fixed:
        raise ToolkitError(f"{where}: {name} has a row above; delete one of the two")
    letter = row["answer"].strip().upper()
    if not letter:
        return
    if letter not in LETTERS:
        raise ToolkitError(f"{where}: the answer is a letter from A to D, not {letter!r}")
    a, b, c, d = (row[one].strip() for one in LETTERS)
    if not all((a, b, c, d)) or len({one.casefold() for one in (a, b, c, d)}) < 4:
        raise ToolkitError(f"{where}: give four different options")
    if not has_placeholder(row["question"]):
        raise ToolkitError(f'{where}: the question has to say "{PLACEHOLDER}"')
    answer = LETTERS.index(letter)
    fixed[name] = Fix(question=row["question"].strip(), choices=(a, b, c, d), answer=answer)


def _text(path: Path) -> str:
    if not path.is_file():
        raise ToolkitError(f"there is no file {path}: check the path given to --fixes")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ToolkitError(f"{path} is not UTF-8: save it as CSV in UTF-8") from error


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _plain(cell: str) -> str:
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(_FORMULA) else cell
