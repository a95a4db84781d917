"""Rows whose reading is killed anywhere end with the bytes of a run that was never interrupted."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.faults.harness import (
    DyingProgram,
    die_at_steps,
    kill_program,
    tree_digest,
    visible_damage,
)

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]
Note = Callable[[str, object], None]
PROGRAM = "tests.builders.llava.small_parts"
HEAVY = (
    "imagewikiqa.builders.llava.index", "imagewikiqa.core.runs", "imagewikiqa.prompts.library",
    "pyarrow.parquet", "PIL.PngImagePlugin",
)  # fmt: skip


def row(number: int) -> dict[str, Any]:
    """Return a row that is kept, or loses its image, or has no answer."""
    turns = [{"from": "human", "value": f"<image>\nWhat is {number}?"}]
    if number % 5:
        turns.append({"from": "gpt", "value": f"Number {number}."})
    name = "lost.jpg" if number % 7 == 3 else f"{number % 3}.png"
    return {"id": f"{number}", "image": name, "conversations": turns}


@pytest.fixture
def inputs(tmp_path: Path) -> list[str]:
    """Return the arguments that name a file of 16 rows and the images of most of them."""
    images = tmp_path / "images"
    images.mkdir()
    for number in range(3):
        Image.new("RGB", (8 + number, 8), "red").save(images / f"{number}.png")
    file = tmp_path / "mix.json"
    file.write_text(json.dumps([row(number) for number in range(16)]))
    return ["--file", str(file), "--images", str(images)]


def test_reading_rows_dies_at_its_steps_and_changes_no_byte(
    tmp_path: Path, inputs: list[str], full_faults: bool, record_property: Note
) -> None:
    def command(folder: Path, attempt: int) -> list[str]:
        workers = "2" if attempt % 19 == 18 else "1"
        return [*inputs, "--out", str(folder), "--workers", workers]

    for name in ("real", "control"):  # a first run that made them would take one step more
        (tmp_path / name).mkdir()
    with DyingProgram(PROGRAM, HEAVY) as program:
        found = die_at_steps(program, command, tmp_path / "real", every=1 if full_faults else 16)
        record_property("faults", str(found))
        assert found.damage == []
        assert found.deaths >= 6
        control = die_at_steps(program, command, tmp_path / "control", every=13, broken=True)
        record_property("faults", f"{control} (control: a writer in place)")
        assert any("is torn or wrong" in damage for damage in control.damage)


def test_a_full_disk_is_one_sentence_and_the_next_run_ends_with_the_same_bytes(
    tmp_path: Path, inputs: list[str], full_faults: bool
) -> None:
    whole, folder = tmp_path / "whole", tmp_path / "full"
    with DyingProgram(PROGRAM, HEAVY) as program:
        ended = program.run([*inputs, "--out", str(whole)], whole)
        expected = tree_digest(whole)
        writes = [at for at, name in enumerate(ended.steps) if name == "write"]
        for step in writes if full_faults else writes[2::9]:
            shutil.rmtree(folder, ignore_errors=True)
            arguments = [*inputs, "--out", str(folder)]
            failed = program.run(arguments, folder, die_at=step, torn=True, disk_full=True)
            assert (failed.code, "the disk is full: free space" in failed.words) == (1, True)
            assert visible_damage(folder, expected) == []
            assert program.run(arguments, folder).code == 0
            assert tree_digest(folder) == expected


def test_reading_rows_killed_at_random_with_other_workers_changes_no_byte(
    tmp_path: Path, inputs: list[str], full_faults: bool, record_property: Note
) -> None:
    kills = 40 if full_faults else 3
    found = kill_program(PROGRAM, inputs, tmp_path, seed=7, kills=kills, longest=3)
    record_property("faults", str(found))
    assert found.damage == []
    assert found.deaths == kills
