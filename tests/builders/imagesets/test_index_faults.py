"""An index killed anywhere ends with the bytes of one that was never interrupted."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.harness import (
    DyingProgram,
    die_at_steps,
    kill_program,
)

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]
Note = Callable[[str, object], None]
PROGRAM = "tests.builders.imagesets.fake_set"
HEAVY = ("imagewikiqa.builders.imagesets.index", "imagewikiqa.core.runs", "PIL.JpegImagePlugin")


def command(folder: Path, attempt: int) -> list[str]:
    workers = "2" if attempt % 9 == 8 else "1"
    return ["--out", str(folder), "--units", "3", "--images", "8", "--workers", workers]


def test_an_index_that_dies_at_its_steps_changes_no_byte(
    tmp_path: Path, full_faults: bool, record_property: Note
) -> None:
    for name in ("real", "control"):  # a first run that made them would take one step more
        (tmp_path / name).mkdir()
    with DyingProgram(PROGRAM, HEAVY) as program:
        found = die_at_steps(program, command, tmp_path / "real", every=1 if full_faults else 6)
        record_property("faults", str(found))
        assert found.damage == []
        assert found.deaths >= 8
        control = die_at_steps(program, command, tmp_path / "control", every=11, broken=True)
        record_property("faults", f"{control} (control: a writer in place)")
        assert any("is torn or wrong" in damage for damage in control.damage)


def test_every_part_and_table_is_synced_before_its_name_and_its_folder_after(
    tmp_path: Path,
) -> None:
    with DyingProgram(PROGRAM, HEAVY) as program:
        ended = program.run(command(tmp_path / "a", 0), tmp_path / "a")
    assert (ended.code, ended.words) == (0, "")
    places = [at for at, name in enumerate(ended.steps) if name == "replace"]
    # 3 parts; units and their rejects; set, images, rejects, report; four of the run folder
    assert len(places) == 3 + 2 + 4 + 4
    assert all(ended.steps[at - 1] == ended.steps[at + 1] == "fsync" for at in places)


def test_an_index_killed_at_random_with_other_workers_changes_no_byte(
    tmp_path: Path, full_faults: bool, record_property: Note
) -> None:
    kills = 40 if full_faults else 3
    found = kill_program(
        PROGRAM, ["--units", "12", "--images", "120"], tmp_path, seed=5, kills=kills, longest=2.5
    )
    record_property("faults", str(found))
    assert found.damage == []
    assert found.deaths == kills
