"""An export that dies anywhere shows no wrong file, and the next call ends it with equal bytes."""

from collections.abc import Callable
from pathlib import Path

import pytest

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures.exports.forms import FORMS
from imagewikiqa.mixtures.exports.hub import write_hub
from imagewikiqa.mixtures.exports.rows import export_rows
from imagewikiqa.mixtures.exports.shards import contents_of
from tests.faults.harness import DyingProgram, die_at_steps, kill_program
from tests.faults.io_steps import Steps, disk_full, watched

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


def write_rows(mixture: Path, out: Path) -> None:
    export_rows(contents_of(mixture), out, FORMS["messages"], work=out / "work")


def write_shards(mixture: Path, out: Path) -> None:
    write_hub(contents_of(mixture), out, pixels=True)


@pytest.mark.parametrize(
    ("write", "last", "every"),
    [(write_rows, "data.jsonl", 7), (write_shards, "manifest.json", 2)],
)
def test_a_full_disk_is_one_sentence_at_any_step_and_the_next_call_ends_the_export(
    write: Callable[[Path, Path], None], last: str, every: int, mixture: Path, tmp_path: Path,
    full_faults: bool, record_property: Note,
) -> None:  # fmt: skip
    whole = tmp_path / "whole"
    with watched(Steps(whole)) as steps:
        write(mixture, whole)
    expected, points = (whole / last).read_bytes(), 0
    for step in range(0, len(steps.taken), 1 if full_faults else every):
        out = tmp_path / f"full-{step}"
        try:
            with watched(Steps(out, step, torn=True, end=disk_full())):
                write(mixture, out)
        except ToolkitError as error:
            assert "the disk is full" in str(error) and "\n" not in str(error)
            points += 1
            write(mixture, out)
        assert (out / last).read_bytes() == expected
    record_property("faults", f"{points} refusals of the disk")
    assert points >= 5
