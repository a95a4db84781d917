"""`rebuild --against FILE`: what another set holds is not released, and the run is bound to it."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.core.records import Draft
from imagewikiqa.core.tables import read_table
from imagewikiqa.qa.audit.contamination import LIKE, OVERLAP, SAME

BUILD = ("rebuild", "--sample", "--limit", 14, "--images", "none", "--json", "--out")


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def written(file: Path, asked: list[tuple[str, list[str]]]) -> Path:
    """Write questions in the layout of the released file."""
    lines = ["\t".join(["index", "question", "A", "B", "C", "D", "answer"])]
    lines += ["\t".join([str(at), text, *four, "A"]) for at, (text, four) in enumerate(asked)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def drafts(finished: Path) -> list[Draft]:
    return list(read_table(finished / "work" / "draft.jsonl", Draft))


def texts(one: Draft) -> tuple[str, list[str]]:
    return one.question, [choice.text for choice in one.choices]


def test_what_all_of_a_set_was_drafted_from_leaves_nothing(
    drafts: list[Draft], tmp_path: Path, command: Callable[..., Any]
) -> None:
    other = written(tmp_path / "other.tsv", [texts(one) for one in drafts])
    said = command(*BUILD, tmp_path / "run", "--against", other)
    assert (said.code, said.out) == (2, "")
    assert f"most often: {SAME}" in said.err
    assert len(said.err.strip().splitlines()) == 1


def test_no_question_of_an_earlier_release_comes_again(
    finished: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    said = command(*BUILD, tmp_path / "run", "--against", finished)
    old = {one["id"] for one in rows(finished / "questions.jsonl")}
    assert said.code == 0, said.err
    assert not old & {one["id"] for one in rows(tmp_path / "run" / "questions.jsonl")}
    rejects = rows(tmp_path / "run" / "rejects.jsonl")
    named = {one["input"] for one in rejects if one["reason"] in {SAME, LIKE, OVERLAP}}
    assert old <= named


def test_another_set_changes_nothing_and_no_other_file_may_resume_the_run(
    tmp_path: Path, command: Callable[..., Any]
) -> None:
    four = ["granite", "oak", "paper", "wool"]
    other = written(tmp_path / "other.tsv", [("Which bridge spans the harbour?", four)])
    plain, run = tmp_path / "plain", tmp_path / "run"
    assert command(*BUILD, plain).code == 0
    assert command(*BUILD, run, "--against", other).code == 0
    for name in ("questions.jsonl", "items.jsonl", "rejects.jsonl"):
        assert (run / name).read_bytes() == (plain / name).read_bytes()
    assert str(tmp_path) not in (run / "run.json").read_text(encoding="utf-8")

    moved = shutil.copy(other, tmp_path / "moved.tsv")
    assert command(*BUILD, run, "--against", moved).code == 0
    changed = written(tmp_path / "changed.tsv", [("Which tower is it?", four)])
    said = command(*BUILD, run, "--against", changed)
    assert said.code == 2
    assert "against" in said.err
    assert command(*BUILD, run).code == 2
