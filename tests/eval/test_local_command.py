"""`draft` and `filter` with a local model of tiny weights, which knows nothing, as both parties."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.builders.sample import sample_classes
from imagewikiqa.core.llm.ledger import Ledger
from tests.cli.conftest import command  # noqa: F401 - a fixture
from tests.eval.tiny import save_tiny


@pytest.fixture
def line(tmp_path: Path) -> Iterator[tuple[object, ...]]:
    entries = [one.model_dump_json(exclude={"index"}) + "\n" for one in sample_classes()[:2]]
    (tmp_path / "two.jsonl").write_text("".join(entries), encoding="utf-8")
    model = save_tiny(tmp_path / "model", context=200)
    yield (
        "--pages", "sample", "--classes", tmp_path / "two.jsonl", "--images", "none",
        "--author", f"local:{model}", "--out", tmp_path / "run",
    )  # fmt: skip


def test_articles_longer_than_the_context_are_counted_and_end_in_one_sentence(
    tmp_path: Path,
    line: tuple[object, ...],
    command: Callable[..., Any],  # noqa: F811
) -> None:
    said = command("draft", *line)
    assert "Traceback" not in said.err and said.code in (0, 2)
    rejects = tmp_path / "run" / "work" / "draft.rejects.jsonl"
    if rejects.is_file():
        reasons = {json.loads(row)["reason"] for row in rejects.read_text().splitlines()}
        assert reasons == {"prompt longer than the model's context"}


def test_a_local_judge_answers_drafts_of_the_corpus_author_and_its_folder_may_move(
    tmp_path: Path,
    line: tuple[object, ...],
    command: Callable[..., Any],  # noqa: F811
) -> None:
    given = list(line)
    given[given.index("--author") + 1] = "corpus"
    given[given.index("--classes") + 1] = "sample"
    given += ["--limit", 6, "--mode", "paper"]
    model = save_tiny(tmp_path / "judge", context=2048)
    said = command("filter", *given, "--judge", f"local:{model}")
    assert said.code in (0, 2) and "Traceback" not in said.err
    with Ledger(tmp_path / "run" / "ledger.sqlite") as ledger:
        attempts = list(ledger.attempts())
    assert attempts and {one.usd for one in attempts} == {0.0}
    assert {one.model[:6] for one in attempts} == {"llama-"}
    moved = model.rename(tmp_path / "moved")
    again = command("filter", *given, "--judge", f"local:{moved}")
    assert again.code == said.code
    with Ledger(tmp_path / "run" / "ledger.sqlite") as ledger:
        assert len(list(ledger.attempts())) == len(attempts)
