"""`imagewikiqa gate`: any layout in, rows that passed out as they were, a reason for the rest."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.core.runs import verify_manifest


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def biased(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a VLMEvalKit file whose right option is the longest far too often, one row bad."""
    lines = ["index\tquestion\tA\tB\tC\tD\tanswer\tcategory"]
    for at in range(150):
        texts = [f"{'abcd'[(at + n) % 4]}{at}{'x' * ((at * 7 + n * 3) % 9)}" for n in range(4)]
        right = at % 4
        if at % 3:
            texts[right] += " and a good deal more"
        lines.append("\t".join([str(at), f"What is {at}?", *texts, "ABCD"[right], f"c{at % 50}"]))
    lines.append("999\tWhat?\ta\tb\tc\td\tZ\tc1")
    file = tmp_path_factory.mktemp("biased") / "set.tsv"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def gated(
    biased: Path, tmp_path_factory: pytest.TempPathFactory, command: Callable[..., Any]
) -> tuple[Path, Any]:
    """Return the folder that the gate wrote for the biased file, and what it said."""
    out = tmp_path_factory.mktemp("gated") / "out"
    return out, command("gate", biased, "--out", out, "--json")


def test_rows_pass_unchanged_and_the_rest_has_reasons(gated: tuple[Path, Any]) -> None:
    out, said = gated
    assert (said.code, said.err) == (0, "")
    kept, dropped = rows(out / "kept.jsonl"), rows(out / "dropped.jsonl")
    assert list(kept[0]) == ["index", "question", "A", "B", "C", "D", "answer", "category"]
    assert len(kept) + len(dropped) == 151
    assert [one["reason"] for one in dropped if one["fields"]["index"] == "999"] == [
        "unreadable row: the answer is option 26 of 4"
    ]
    assert said.summary["kept"] == len(kept)
    assert not said.summary["before"]["longest option"]["at_chance"]
    assert said.summary["after"]["longest option"]["at_chance"]
    assert sum(said.summary["reasons"].values()) == len(dropped) - 1
    assert verify_manifest(out) == []
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "Ten that were dropped" in page
    assert (out / "plots" / "after.svg").is_file()


def test_the_same_file_gives_the_same_bytes(
    gated: tuple[Path, Any], biased: Path, tmp_path: Path, command: Callable[..., Any]
) -> None:
    assert command("gate", biased, "--out", tmp_path / "again").code == 0
    for name in ("kept.jsonl", "dropped.jsonl", "gate.json", "report.html"):
        assert (gated[0] / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_what_holds_no_question_is_refused_in_one_sentence(
    tmp_path: Path, command: Callable[..., Any]
) -> None:
    said = command("gate", tmp_path, "--out", tmp_path / "out")
    assert (said.code, said.out) == (2, "")
    assert "give the gate a file" in said.err
