"""`verify apply` makes a released set of a run and its rounds."""

import csv
import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from imagewikiqa.cli.progress import watcher
from imagewikiqa.cli.verify.apply import ApplyConfig, run_apply
from imagewikiqa.cli.verify.prepare import PrepareConfig, run_prepare
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import Item, Question, Reject
from imagewikiqa.core.runs import verify_manifest
from imagewikiqa.core.tables import read_table, write_table
from imagewikiqa.qa.rounds.plan import Round
from imagewikiqa.qa.rounds.records import Answer


def asked(run: Path, out: Path, kind: Any = "article") -> Round:
    """Prepare a round of all questions for two raters."""
    settings = PrepareConfig(run=str(run), kind=kind, raters="anna,ben", overlap=2)
    run_prepare(settings, out, watcher(True), as_json=True)
    return Round(out)


def answer_all(the_round: Round, moved: dict[str, int]) -> None:
    """Let both raters choose the key, `moved` positions further where a question is named."""
    keys = {one.id: one.question.answer for one in the_round.subjects}
    rows = [
        Answer(
            id=one.id, rater=one.rater, question_id=one.question_id, kind="article", gold=False,
            state="picked", by_hand=True,
            pick=(keys[one.question_id] + moved.get(one.question_id, 0)) % 4,
        )
        for one in the_round.assignments.values()
    ]  # fmt: skip
    write_table(the_round.path / "answers.jsonl", rows)


@pytest.fixture(scope="module")
def answered(finished: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a round whose first question got another answer and whose second split raters."""
    the_round = asked(finished, tmp_path_factory.mktemp("asked") / "round")
    names = [one.id for one in read_table(finished / "questions.jsonl", Question)]
    answer_all(the_round, {names[0]: 1})
    rows = list(the_round.answers)
    at = next(at for at, one in enumerate(rows) if one.question_id == names[1])
    pick = rows[at].pick
    assert pick is not None
    rows[at] = rows[at].model_copy(update={"pick": (pick + 1) % 4})
    write_table(the_round.path / "answers.jsonl", rows)
    return the_round.path


def settings(run: Path, *rounds: Path, **more: Any) -> ApplyConfig:
    return ApplyConfig(rounds=tuple(map(str, rounds)), run=str(run), **more)


def test_the_set_carries_its_votes_and_loses_what_people_refused(
    finished: Path, answered: Path, tmp_path: Path
) -> None:
    before = list(read_table(finished / "questions.jsonl", Question))
    out = tmp_path / "out"
    told = run_apply(settings(finished, answered), out, as_json=True)
    after = list(read_table(out / "questions.jsonl", Question))
    assert told["verdicts"] == {"drop": 1, "fix": 1, "keep": len(before) - 2}
    assert [one.model_copy(update={"human": None}) for one in after] == before[2:]
    assert all(one.human and one.human.votes[one.answer] == 2 for one in after)
    assert [one.reason for one in read_table(out / "dropped.jsonl", Reject)] == [
        "to fix: another option was chosen", "no majority",
    ]  # fmt: skip
    assert {one.question_id for one in read_table(out / "items.jsonl", Item)} == {
        one.id for one in after
    }
    hub = pq.read_table(out / "hub" / "data" / "test-00000-of-00001.parquet").to_pylist()
    assert {row["human_verdict"] for row in hub} == {"keep"}
    assert all(row["human_votes"][row["answer"]] == 2 for row in hub)
    assert f"people answered {len(after)} of {len(after)}" in (out / "hub/README.md").read_text()
    assert verify_manifest(out) == [] and (out / "audit" / "report.html").is_file()
    again = run_apply(settings(finished, answered), tmp_path / "again", as_json=True)
    assert again == told
    assert (tmp_path / "again" / "manifest.json").read_bytes() == (
        out / "manifest.json"
    ).read_bytes()


def test_a_filled_file_of_fixes_brings_questions_back(
    finished: Path, answered: Path, tmp_path: Path
) -> None:
    before = list(read_table(finished / "questions.jsonl", Question))
    run_apply(settings(finished, answered), tmp_path / "first", as_json=True)
    file = tmp_path / "first" / "fixes.csv"
    with file.open(newline="", encoding="utf-8") as stream:
        (row,) = csv.DictReader(stream)
    assert row["id"] == before[0].id and row["answer"] == "ABCD"[(before[0].answer + 1) % 4]
    out = tmp_path / "out"
    run_apply(settings(finished, answered, fixes=str(file)), out, as_json=True)
    first = next(read_table(out / "questions.jsonl", Question))
    assert first.id == before[0].id and first.answer == (before[0].answer + 1) % 4
    assert first.human is not None and first.human.verdict == "fix"
    with pytest.raises(ToolkitError, match="choose another --out"):
        run_apply(settings(finished, answered, fixes=str(file)), tmp_path / "first")


def test_rounds_that_cannot_be_applied_are_refused(finished: Path, tmp_path: Path) -> None:
    unanswered = asked(finished, tmp_path / "round")
    with pytest.raises(ToolkitError, match="no answers yet"):
        run_apply(settings(finished, unanswered.path), tmp_path / "out")
    other = Path(shutil.copytree(finished, tmp_path / "other"))
    (other / "questions.jsonl").write_bytes(b"")
    with pytest.raises(ToolkitError, match="other bytes than the manifest"):
        run_apply(settings(other, unanswered.path), tmp_path / "out")
    assert not (tmp_path / "out").exists()
