"""`verify adjudicate`: a second round with only what raters disagreed on, which then decides."""

import json
from pathlib import Path

import pytest

from imagewikiqa.core.records import Choice, Disputed, Draft, Question
from imagewikiqa.core.tables import read_table, write_table
from imagewikiqa.qa.rounds.plan import Round
from imagewikiqa.qa.rounds.records import Answer, Verdict
from tests.cli.conftest import Command
from tests.cli.verify.runs import write_run
from tests.qa.rounds.made import page, question


def answer(the_round: Round, picks: dict[tuple[str, str], int]) -> None:
    """Let every rater choose the key, or what `picks` says by question and rater."""
    keys = {one.id: one.question.answer for one in the_round.subjects}
    rows = [
        Answer(
            id=one.id, rater=one.rater, question_id=one.question_id, kind="article",
            gold=one.gold, state="picked", by_hand=True,
            pick=picks.get((one.question_id, one.rater), keys[one.question_id]),
        )
        for one in the_round.assignments.values()
    ]  # fmt: skip
    write_table(the_round.path / "answers.jsonl", rows)


@pytest.fixture
def first(finished: Path, tmp_path: Path, command: Command) -> Round:
    """Return an answered round over a rebuild in which two raters split on one question."""
    out = tmp_path / "round"
    said = command("verify", "prepare", finished, "--out", out, "--raters", "anna,ben",
                   "--overlap", 2)  # fmt: skip
    assert said.code == 0, said.err
    the_round = Round(out)
    split = the_round.subjects[0]
    answer(the_round, {(split.id, "ben"): (split.question.answer + 1) % 4})
    return Round(out)


def test_only_the_disagreement_is_asked_again_and_its_answer_decides(
    first: Round, finished: Path, tmp_path: Path, command: Command
) -> None:
    split = first.subjects[0].id
    second = tmp_path / "second"
    said = command("verify", "adjudicate", first.path, "--out", second, "--raters", "eve", "--json")
    assert said.code == 0, said.err
    again = Round(second)
    assert [one.id for one in again.subjects] == [split]
    assert again.plan.after == first.plan.round and again.plan.names == ("eve",)
    answer(again, {})
    applied = command("verify", "apply", first.path, second, "--out", tmp_path / "set", "--json")
    assert applied.code == 0, applied.err
    verdicts = {one.id: one for one in read_table(tmp_path / "set" / "verdicts.jsonl", Verdict)}
    assert verdicts[split].verdict == "keep" and len(verdicts[split].rounds) == 2
    kept = list(read_table(tmp_path / "set" / "questions.jsonl", Question))
    assert len(kept) == len(list(read_table(finished / "questions.jsonl", Question)))
    assert all(one.human is not None for one in kept)
    alone = command("verify", "apply", first.path, "--out", tmp_path / "one", "--json")
    assert alone.summary["dropped"] == {"no majority": 1}


def test_a_round_in_agreement_needs_no_second_one(
    first: Round, tmp_path: Path, command: Command
) -> None:
    answer(first, {})
    said = command("verify", "adjudicate", first.path, "--out", tmp_path / "second")
    assert said.code == 2 and "agree on every question" in said.err


def test_a_round_without_answers_says_what_is_missing(
    first: Round, tmp_path: Path, command: Command
) -> None:
    (first.path / "answers.jsonl").unlink()
    for step in (["adjudicate", first.path, "--out", tmp_path / "x"], ["report", first.path]):
        said = command("verify", *step)
        assert said.code == 2 and "verify pull" in said.err


def test_disputed_drafts_are_asked_first_and_recovered_when_people_find_them_sound(
    tmp_path: Path, command: Command
) -> None:
    asked = [question(at) for at in range(6)]
    run = write_run(tmp_path / "run", asked, [page()])
    draft = Draft(
        id="n1:doubt", class_id="n1", class_name="tiger", question="What does this object eat?",
        question_named="What does the tiger eat?", evidence=asked[0].evidence,
        author=asked[0].author,
        choices=tuple(Choice(text=text) for text in ("deer", "grass", "fish", "stones")),
    )  # fmt: skip
    write_table(run / "disputed.jsonl", [
        Disputed(id=draft.id, draft=draft, reason="disputed by the second opinion", opinion=None),
    ])  # fmt: skip
    out = tmp_path / "round"
    said = command("verify", "prepare", run, "--out", out, "--raters", "anna,ben", "--overlap", 2,
                   "--sample", 3, "--json")  # fmt: skip
    assert said.summary["disputed"] == 1 and said.summary["questions"] == 3
    the_round = Round(out)
    doubtful = next(one for one in the_round.subjects if one.origin == "disputed")
    assert doubtful.question.choices[doubtful.question.answer] == "deer"
    answer(the_round, {})
    applied = command("verify", "apply", out, "--out", tmp_path / "set", "--json")
    assert applied.code == 0, applied.err
    assert applied.summary["recovered"] == 1 and applied.summary["questions"] == 6
    text = (tmp_path / "set" / "recovered.jsonl").read_text(encoding="utf-8")
    assert json.loads(text)["human"]["votes"].count(2) == 1
    out_of_it = command("verify", "prepare", run, "--out", tmp_path / "r2", "--raters", "2",
                        "--overlap", 2, "--disputed", "out", "--json")  # fmt: skip
    assert out_of_it.summary["disputed"] == 0
