"""The file in which a person corrects questions, and its way back."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish_text
from imagewikiqa.core.records import LETTERS, Question
from imagewikiqa.core.sheets import inert, plain
from imagewikiqa.qa.rounds.records import Verdict

COLUMNS = ("id", "class", "why", "question", "question_named", *LETTERS, "answer", "evidence",
           "comments")  # fmt: skip
DROP = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """What a person made of a question; `answer` None leaves it out for good."""

    question: str
    question_named: str
    choices: tuple[str, str, str, str]
    answer: int | None


def write_fixes(path: Path, to_fix: Iterable[tuple[Question, Verdict]]) -> int:
    """Publish one row for each question to fix; return how many.

    A person corrects the texts and the letter in `answer`, which holds the people's choice where
    they had one; "-" there leaves a question out, an empty cell leaves it for later.
    """
    rows = [tuple(map(inert, _row(question, verdict))) for question, verdict in to_fix]
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([COLUMNS, *rows])
    publish_text(path, out.getvalue())
    return len(rows)


def read_fixes(path: Path, known: Iterable[str]) -> dict[str, Fix]:
    """Return what a person decided, by id of question; rows without an answer are for later.

    `known` are the ids of the questions to fix. Raises ToolkitError naming the line of the first
    mistake.
    """
    wanted = frozenset(known)
    fixes: dict[str, Fix] = {}
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        if tuple(next(reader, ())) != COLUMNS:
            raise ToolkitError(
                f"{path}, line 1: the columns are not {','.join(COLUMNS)}; keep the first line as "
                "it was written, with commas between its cells"
            )
        for cells in reader:
            where = f"{path}, line {reader.line_num}"
            if not any(map(str.strip, cells)):
                continue
            name, fix = _decision(where, [plain(cell) for cell in cells], wanted)
            if name in fixes:
                raise ToolkitError(f"{where}: {name} has a row above; delete one of the two")
            if fix is not None:
                fixes[name] = fix
    except csv.Error as error:
        raise ToolkitError(
            f"{path}, line {reader.line_num}: this is not CSV ({error}); correct the line"
        ) from error
    return fixes


def fixed(question: Question, fix: Fix) -> Question:
    """Return a question with a person's corrections.

    Author, evidence and id stay. An option whose text changed has no page of its own now, and
    what judges and checks said of the old texts does not hold of new ones.
    """
    new = {
        "question": fix.question,
        "question_named": fix.question_named,
        "choices": fix.choices,
        "answer": fix.answer,
    }
    if all(getattr(question, name) == value for name, value in new.items()):
        return question
    pages = tuple(
        page if text == before else None
        for page, text, before in zip(
            question.choice_class_ids, fix.choices, question.choices, strict=True
        )
    )
    return question.model_copy(
        update={**new, "choice_class_ids": pages, "checks": {}, "judge": None}
    )


def _row(question: Question, verdict: Verdict) -> Sequence[str]:
    answer = verdict.consensus
    return (
        question.id, question.class_name, verdict.reason, question.question,
        question.question_named, *question.choices, "" if answer is None else LETTERS[answer],
        question.evidence.quote, "\n".join(verdict.comments),
    )  # fmt: skip


def _decision(where: str, cells: list[str], wanted: frozenset[str]) -> tuple[str, Fix | None]:
    if len(cells) != len(COLUMNS):
        raise ToolkitError(
            f"{where}: {len(cells)} cells for {len(COLUMNS)} columns; put a text that holds a "
            "comma in double quotes"
        )
    row: Mapping[str, str] = dict(zip(COLUMNS, cells, strict=True))
    name, letter = row["id"].strip(), row["answer"].strip().upper()
    if name not in wanted:
        raise ToolkitError(f"{where}: {name!r} is no question to fix here; use its own fixes.csv")
    if not letter:
        return name, None
    if letter != DROP and letter not in LETTERS:
        raise ToolkitError(f"{where}: the answer is A, B, C, D or {DROP}, not {letter[:20]!r}")
    a, b, c, d = (row[one].strip() for one in LETTERS)
    fix = Fix(
        question=row["question"].strip(),
        question_named=row["question_named"].strip(),
        choices=(a, b, c, d),
        answer=None if letter == DROP else LETTERS.index(letter),
    )
    if not all((fix.question, fix.question_named, *fix.choices)):
        raise ToolkitError(f"{where}: a text of the question is empty; fill its cell")
    if len({text.casefold() for text in fix.choices}) < len(fix.choices):
        raise ToolkitError(f"{where}: two options are the same; change one of them")
    return name, fix


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")  # spreadsheets like to add a BOM
    except OSError as error:
        raise ToolkitError(
            f"the file of fixes {path} cannot be read ({error.strerror}); give the fixes.csv that "
            "verify apply wrote, filled in"
        ) from error
    except UnicodeDecodeError as error:
        raise ToolkitError(f"{path} is not UTF-8; save the file as UTF-8") from error
