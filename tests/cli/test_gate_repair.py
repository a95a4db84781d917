"""Questions whose options look unlike are given other wrong options before any is dropped."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks._encyclopedia import write_dump
from benchmarks._fake_model import reply
from imagewikiqa.core.records import Repaired
from imagewikiqa.core.tables import read_table
from tests.core.llm.fake_server import FakeModel, serving

LONG = " of the old river valleys"  # what a careful author adds to the right option alone


class Careful(FakeModel):
    """A model that always writes the right option the longest, unless it is told of lengths."""

    def answer(self, words: str) -> tuple[str, str]:
        said = reply(words.replace(LONG, ""))
        if "Come up with multiple-choice questions" in words:
            found = json.loads(said)
            for one in found["questions"]:
                one["choices"][one["answer"]] += LONG
            said = json.dumps(found)
        if "Write three new wrong options" in words:
            said = json.dumps({"wrong": [text + LONG for text in json.loads(said)["wrong"]]})
        return said, "stop"


@pytest.fixture(scope="module")
def sets(
    tmp_path_factory: pytest.TempPathFactory, command: Callable[..., Any]
) -> tuple[Path, Path]:
    """Build the same set with repair and without it."""
    folder = tmp_path_factory.mktemp("gate repair")
    write_dump(folder / "dump.xml", 40)
    with serving(Careful()) as model:
        for name, rounds in (("repaired", 1), ("plain", 0)):
            said = command(
                "rebuild", "--pages", f"dump:{folder / 'dump.xml'}", "--limit", 40, "--author",
                "openai:m", "--judge", "openai:m", "--base-url", f"{model.url}/v1", "--images",
                "none", "--json", "--out", folder / name, "--set", f"filter.repair={rounds}",
                "--set", "drafting.oversample=1", "--set", "drafting.rounds=1",
                "--per-class", 3, "--set", "filter.votes=2", "--set", "filter.votes_with=1",
            )  # fmt: skip
            assert said.code == 0, said.err
    return folder / "repaired", folder / "plain"


def longest_is_right(run: Path) -> float:
    rows = [json.loads(line) for line in (run / "questions.jsonl").read_text().splitlines()]
    sizes = [[len(text) for text in row["choices"]] for row in rows]
    hits = [
        (size[row["answer"]] == max(size)) / size.count(max(size))
        for row, size in zip(rows, sizes, strict=True)
    ]
    return float(sum(hits) / len(hits))


def test_more_questions_stay_than_by_dropping_alone(sets: tuple[Path, Path]) -> None:
    repaired, plain = (len((run / "questions.jsonl").read_text().splitlines()) for run in sets)
    assert repaired > 2 * plain
    assert repaired > 40


def test_the_longest_option_is_no_more_right_than_chance(sets: tuple[Path, Path]) -> None:
    assert longest_is_right(sets[0]) < 0.4


def test_every_repair_is_told_and_judged(sets: tuple[Path, Path]) -> None:
    rows = list(read_table(sets[0] / "work" / "gate_repair.jsonl", Repaired))
    assert len(rows) > 30
    assert all(row.draft.author.repairs == 1 for row in rows if row.kept)
    assert not list(read_table(sets[1] / "work" / "gate_repair.jsonl", Repaired))
