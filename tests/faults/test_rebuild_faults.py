"""The main job killed anywhere ends with the bytes of one that was never interrupted."""

import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .harness import DyingProgram, die_at_steps, kill_randomly, tree_digest, visible_damage

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]
Note = Callable[[str, object], None]
SAMPLE = ("rebuild", "--sample")
HEAVY = (  # what the job imports late: paid once, not once a death
    "imagewikiqa.cli.main",
    "inflect",
    "matplotlib.pyplot",
    "matplotlib.backends.backend_svg",
    "pyarrow.parquet",
)


def few_classes(folder: Path, attempt: int) -> list[str]:
    workers = str(attempt % 4 + 1)
    return [*SAMPLE, "--limit", "12", "--out", str(folder), "--workers", workers]


def test_a_rebuild_that_dies_at_its_steps_changes_no_byte(
    tmp_path: Path, full_faults: bool, record_property: Note
) -> None:
    every = 7 if full_faults else 101
    with DyingProgram("imagewikiqa", HEAVY) as program:
        found = die_at_steps(program, few_classes, tmp_path / "real", every=every)
        record_property("faults", str(found))
        assert found.damage == []
        assert found.deaths >= 4
        if full_faults:
            control = die_at_steps(
                program, few_classes, tmp_path / "control", every=37, broken=True
            )
            record_property("faults", f"{control} (control: a writer in place)")
            assert any("is torn or wrong" in damage for damage in control.damage)


def test_a_rebuild_killed_at_random_with_other_workers_changes_no_byte(
    tmp_path: Path, full_faults: bool, record_property: Note
) -> None:
    kills = 200 if full_faults else 2
    folder, whole = tmp_path / "killed", tmp_path / "whole"
    command = [sys.executable, "-m", "imagewikiqa", *SAMPLE]
    first = [*command, "--out", str(whole)]
    began = time.monotonic()
    kill_randomly(lambda _: first, lambda: None, seed=0, kills=0, longest=0)
    longest = 1.3 * (time.monotonic() - began)  # late enough that some runs end between kills
    expected = tree_digest(whole)
    damage: list[str] = []

    def start(attempt: int) -> list[str]:
        return [*command, "--out", str(folder), "--workers", str(attempt % 4 + 1)]

    def survived() -> None:
        damage.extend(visible_damage(folder, expected))

    def done() -> None:
        if tree_digest(folder) != expected:
            damage.append("a finished run has other bytes")
        shutil.rmtree(folder)

    found = kill_randomly(start, done, seed=11, kills=kills, longest=longest, survived=survived)
    found.damage += damage
    record_property("faults", str(found))
    assert found.damage == []
    assert found.deaths == kills and found.runs - found.deaths > kills // 20
