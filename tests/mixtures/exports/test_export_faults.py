"""An export that dies anywhere shows no wrong file, and the next call ends it with equal bytes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.harness import DyingProgram, die_at_steps, kill_program

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]
PROGRAM = "tests.mixtures.exports.export_once"
Note = Callable[[str, object], None]


@pytest.mark.parametrize(
    ("to", "pixels", "every"), [("llava", "", 59), ("hub", "with", 11), ("hub", "without", 29)]
)
def test_an_export_that_dies_at_each_step_changes_no_byte(
    to: str, pixels: str, every: int, mixture: Path, tmp_path: Path, full_faults: bool,
    record_property: Note,
) -> None:  # fmt: skip
    def export(folder: Path, attempt: int) -> list[str]:
        said = ["--mixture", str(mixture), "--to", to, "--pixels", pixels]
        return [*said, "--out", str(folder)]

    with DyingProgram(PROGRAM) as program:
        step = 1 if full_faults else every
        found = die_at_steps(program, export, tmp_path, every=step)
    record_property("faults", str(found))
    assert found.damage == []
    assert found.deaths >= 3


def test_an_export_killed_at_random_with_other_workers_changes_no_byte(
    mixture: Path, tmp_path: Path, full_faults: bool, record_property: Note
) -> None:
    kills = 100 if full_faults else 1
    arguments = ["--mixture", str(mixture), "--to", "messages"]
    found = kill_program(PROGRAM, arguments, tmp_path, seed=7, kills=kills, longest=2.5)
    record_property("faults", str(found))
    assert found.damage == []
    assert found.deaths == kills
