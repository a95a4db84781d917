"""A pipeline killed anywhere ends with the bytes of one that was never interrupted."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imagewikiqa.core.stages import SMALL_JOB

from .harness import (
    DyingProgram,
    Findings,
    die_at_steps,
    kill_randomly,
    tree_digest,
    visible_damage,
)
from .io_steps import WRITE
from .tiny_pipeline import DATA

pytestmark = pytest.mark.faults
Note = Callable[[str, object], None]
PIPELINE = Path(__file__).with_name("tiny_pipeline.py")


@pytest.fixture(scope="module")
def program() -> Iterator[DyingProgram]:
    """Return the tiny pipeline, ready to die."""
    modules = ("imagewikiqa.core.runs", "imagewikiqa.core.stages")
    with DyingProgram(str(PIPELINE), modules) as dying:
        yield dying


def arguments(folder: Path, attempt: int) -> list[str]:
    return ["--out", str(folder), "--inputs", "4", "--workers", str(attempt % 4 + 1)]


def test_the_steps_of_a_run_are_all_seen_and_always_the_same(
    program: DyingProgram, tmp_path: Path
) -> None:
    first = program.run(arguments(tmp_path / "a", 0), tmp_path / "a")
    second = program.run(arguments(tmp_path / "b", 1), tmp_path / "b")
    assert (first.code, first.words) == (0, "")
    assert first.steps == second.steps
    assert first.steps.count("replace") == 9  # 2 + 2 tables a stage + rejects, run and manifest
    # 4 and 3 commits (one word of 4 is a reject), and each file but the empty table of rejects
    assert first.steps.count(WRITE) == 4 + 3 + 8
    assert sorted(tree_digest(tmp_path / "a")) == sorted(DATA)


def test_death_at_every_step_changes_no_byte(
    program: DyingProgram, tmp_path: Path, record_property: Note
) -> None:
    found = die_at_steps(program, arguments, tmp_path)
    record_property("faults", str(found))
    assert found.damage == []
    assert found.deaths > 60
    assert found.runs == 2 * found.deaths + 1


def test_the_same_deaths_catch_a_writer_in_place(
    program: DyingProgram, tmp_path: Path, record_property: Note
) -> None:
    found = die_at_steps(program, arguments, tmp_path, broken=True)
    record_property("faults", f"{found} (control)")
    assert any("is torn or wrong" in damage for damage in found.damage)
    assert any("manifest.json is damaged" in damage for damage in found.damage)
    assert len(found.damage) >= len(DATA)


def test_a_full_disk_at_every_step_is_a_sentence_and_resumes(
    program: DyingProgram, tmp_path: Path, record_property: Note
) -> None:
    whole = tmp_path / "whole"
    steps = program.run(arguments(whole, 0), whole).steps
    expected = tree_digest(whole)
    filled = [step for step, name in enumerate(steps) if name in (WRITE, "fsync", "open")]
    assert len(filled) > 40
    for step in filled:
        folder = tmp_path / "full"
        shutil.rmtree(folder, ignore_errors=True)
        ended = program.run(arguments(folder, 0), folder, die_at=step, torn=True, disk_full=True)
        assert ended.code == 1 and "ToolkitError: cannot" in ended.words, (step, ended)
        assert "the disk is full: free space and run the same command again" in ended.words
        assert visible_damage(folder, expected) == []
        assert program.run(arguments(folder, 1), folder).code == 0
        assert tree_digest(folder) == expected
    record_property("faults", f"{len(filled)} full disks, {2 * len(filled)} runs, 0 wrong")


def test_damage_is_seen_where_it_is(program: DyingProgram, tmp_path: Path) -> None:
    assert program.run(arguments(tmp_path, 0), tmp_path).code == 0
    expected = tree_digest(tmp_path)
    assert visible_damage(tmp_path, expected) == []
    path = tmp_path / DATA[1]
    path.write_bytes(path.read_bytes()[:-1])
    assert visible_damage(tmp_path, expected) == [
        f"{DATA[1]} is torn or wrong",
        f"{DATA[1]} has other bytes than the manifest says",
    ]
    (tmp_path / "manifest.json").unlink()
    path.unlink()
    assert visible_damage(tmp_path, expected) == []


def random_kills(tmp_path: Path, kills: int) -> tuple[Findings, int]:
    """Kill the pipeline with 1 to 4 workers; return what was found and how many runs finished."""
    inputs = SMALL_JOB + 16  # enough for worker processes
    folder, whole = tmp_path / "killed", tmp_path / "whole"
    command = [sys.executable, str(PIPELINE), "--inputs", str(inputs), "--takes", "0.004"]

    def start(attempt: int) -> list[str]:
        return [*command, "--out", str(folder), "--workers", str(attempt % 4 + 1)]

    kill_randomly(
        lambda _: [*command, "--out", str(whole)], lambda: None, seed=0, kills=0, longest=0
    )
    expected = tree_digest(whole)
    damage: list[str] = []
    finished = 0

    def survived() -> None:
        damage.extend(visible_damage(folder, expected))

    def done() -> None:
        nonlocal finished
        finished += 1
        if tree_digest(folder) != expected:
            damage.append(f"finished run {finished} has other bytes")
        shutil.rmtree(folder)

    found = kill_randomly(start, done, seed=7, kills=kills, longest=1.5, survived=survived)
    found.damage += damage
    return found, finished


@pytest.mark.timeout(3600)
def test_random_kills_with_other_workers_change_no_byte(
    tmp_path: Path, full_faults: bool, record_property: Note
) -> None:
    kills = 200 if full_faults else 4
    found, finished = random_kills(tmp_path, kills)
    record_property("faults", str(found))
    assert found.damage == []
    assert found.deaths == kills and finished >= kills // 10
