"""`verify prepare`: a round folder that holds all of a round, blind where it must be."""

import json
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from imagewikiqa.core.records import Question
from imagewikiqa.core.runs import verify_manifest
from imagewikiqa.core.tables import read_table
from imagewikiqa.qa.rounds.plan import Round
from imagewikiqa.qa.rounds.records import Task
from tests.cli.conftest import Command
from tests.cli.verify.runs import write_run
from tests.qa.rounds.made import page, question


@pytest.fixture(scope="module")
def pictured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a run of twelve questions about pictures of tigers."""
    folder = tmp_path_factory.mktemp("pictured")
    return write_run(folder / "run", [question(at) for at in range(12)], [page()], folder / "pics")


def test_a_round_gives_every_question_to_as_many_raters_as_asked(
    finished: Path, tmp_path: Path, command: Command
) -> None:
    said = command("verify", "prepare", finished, "--out", tmp_path / "r", "--raters",
                   "anna,ben=ben@lab.org,carl,dora", "--json")  # fmt: skip
    assert said.code == 0, said.err
    the_round = Round(tmp_path / "r")
    questions = list(read_table(finished / "questions.jsonl", Question))
    asked = Counter(one.question_id for one in the_round.assignments.values())
    assert asked == {one.id: 3 for one in questions}
    assert said.summary["tasks"] == 3 * len(questions)
    assert the_round.plan.raters[1].email == "ben@lab.org"
    assert verify_manifest(tmp_path / "r") == []


def test_the_same_command_makes_the_same_bytes(
    finished: Path, tmp_path: Path, command: Command
) -> None:
    for name in ("a", "b"):
        said = command("verify", "prepare", finished, "--out", tmp_path / name, "--raters", 3,
                       "--sample", 6, "--seed", 5)  # fmt: skip
        assert said.code == 0, said.err
    again = command("verify", "prepare", finished, "--out", tmp_path / "a", "--raters", 3,
                    "--sample", 6, "--seed", 5)  # fmt: skip
    assert again.code == 0
    files = json.loads((tmp_path / "a" / "manifest.json").read_text())["files"]
    assert files == json.loads((tmp_path / "b" / "manifest.json").read_text())["files"]


def test_tasks_on_disk_name_no_question_of_ours(
    finished: Path, tmp_path: Path, command: Command
) -> None:
    command("verify", "prepare", finished, "--out", tmp_path / "r", "--raters", 2, "--overlap", 2)
    ids = {one.id for one in read_table(finished / "questions.jsonl", Question)}
    text = (tmp_path / "r" / "tasks" / "rater-1.jsonl").read_text(encoding="utf-8")
    assert text and not any(one in text for one in ids)


def test_pictures_are_small_copies_without_metadata_under_names_that_say_nothing(
    pictured: Path, tmp_path: Path, command: Command
) -> None:
    said = command("verify", "prepare", pictured, "--out", tmp_path / "r", "--kind", "picture",
                   "--raters", 2, "--overlap", 1)  # fmt: skip
    assert said.code == 0, said.err
    files = sorted((tmp_path / "r" / "media" / "pictures").iterdir())
    assert len(files) == 12
    for file in files:
        assert len(file.stem) == 20 and "n1" not in file.stem.replace(file.stem, "")
        with Image.open(file) as picture:
            assert max(picture.size) <= 800 and not picture.getexif()
    tasks = [one for r in ("rater-1", "rater-2")
             for one in read_table(tmp_path / "r" / "tasks" / f"{r}.jsonl", Task)]  # fmt: skip
    assert {one.media for one in tasks} == {file.name for file in files}
    assert all(one.class_name is None and not one.sections for one in tasks)


def test_a_picture_that_cannot_be_read_makes_a_reject_and_no_task(
    tmp_path: Path, command: Command
) -> None:
    run = write_run(tmp_path / "run", [question(at) for at in range(3)], [page()], tmp_path / "p")
    (tmp_path / "p" / "n1" / "n1_0.jpg").write_bytes(b"no picture")
    (tmp_path / "p" / "n1" / "n1_1.jpg").unlink()
    said = command("verify", "prepare", run, "--out", tmp_path / "r", "--kind", "picture",
                   "--raters", 1, "--overlap", 1, "--json")  # fmt: skip
    assert said.summary["rejects"] == {"image cannot be read": 1, "no image to show": 1}
    assert said.summary["questions"] == 1


def test_gold_questions_are_asked_of_everyone(
    finished: Path, pictured: Path, tmp_path: Path, command: Command
) -> None:
    said = command("verify", "prepare", finished, "--out", tmp_path / "r", "--raters", 4,
                   "--gold", pictured, "--sample", 5, "--json")  # fmt: skip
    assert said.code == 0, said.err
    rows = Round(tmp_path / "r").assignments.values()
    gold = Counter(one.rater for one in rows if one.gold)
    assert gold == {f"rater-{at}": 12 for at in range(1, 5)}
    assert said.summary["gold"] == 12 and said.summary["questions"] == 5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--raters", "anna", "--overlap", "2"], "needs as many raters"),
        (["--raters", "anna,anna"], "name each rater once"),
        (["--raters", "../x,b,c"], "--raters cannot read '../x'"),
        (["--raters", "a=b,b,c"], "--raters cannot read 'a=b'"),
        (["--raters", "3", "--kind", "essay"], "the setting kind cannot be 'essay'"),
        (["--raters", "3", "--kind", "picture"], "--images folder:DIR"),
        (["--raters", "3", "--kind", "picture", "--images", "folder:nowhere"], "no image folder"),
    ],
)
def test_what_cannot_be_is_one_sentence(
    arguments: list[str], words: str, finished: Path, tmp_path: Path, command: Command
) -> None:
    said = command("verify", "prepare", finished, "--out", tmp_path / "r", *arguments)
    assert said.code == 2 and words in said.err and "Traceback" not in said.err


def test_a_folder_that_is_no_run_is_one_sentence(tmp_path: Path, command: Command) -> None:
    said = command("verify", "prepare", tmp_path, "--out", tmp_path / "r", "--raters", 3)
    assert said.code == 2 and "holds no questions.jsonl" in said.err


def test_a_round_that_was_tampered_with_is_refused(
    finished: Path, tmp_path: Path, command: Command
) -> None:
    command("verify", "prepare", finished, "--out", tmp_path / "r", "--raters", 3)
    tasks = tmp_path / "r" / "tasks" / "rater-1.jsonl"
    tasks.write_text(tasks.read_text(encoding="utf-8").replace("object", "thing"))
    said = command("verify", "push", tmp_path / "r", "--url", "http://127.0.0.1:9")
    assert said.code == 2 and "is not as it was prepared" in said.err


@pytest.mark.parametrize("step", ["push", "pull"])
def test_a_folder_that_is_no_round_is_one_sentence(
    step: str, tmp_path: Path, command: Command
) -> None:
    said = command("verify", step, tmp_path)
    assert said.code == 2 and "verify prepare RUN --out" in said.err
