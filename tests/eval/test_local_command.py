"""`draft` and `filter` with a local model of tiny weights, which knows nothing, as both parties."""

import json
from collections import Counter
from pathlib import Path

import jsonschema
import pytest

from imagewikiqa.builders.sample import sample_classes
from imagewikiqa.core.llm.client import Reply
from imagewikiqa.core.llm.ledger import Attempt, Ledger
from tests.cli.conftest import Command, command  # noqa: F401 - a fixture
from tests.eval.tiny import save_tiny

SAMPLE = ("--pages", "sample", "--images", "none")
SHORT = ("--set", "drafting.page_tokens=100", "--set", "drafting.max_tokens=256")


@pytest.fixture
def two(tmp_path: Path) -> Path:
    entries = [one.model_dump_json(exclude={"index"}) + "\n" for one in sample_classes()[:2]]
    file = tmp_path / "two.jsonl"
    file.write_text("".join(entries), encoding="utf-8")
    return file


def attempts(run: Path) -> list[Attempt]:
    with Ledger(run / "ledger.sqlite") as ledger:
        return list(ledger.attempts())


def reasons(table: Path) -> Counter[str]:
    return Counter(json.loads(row)["reason"] for row in table.read_text("utf-8").splitlines())


def test_articles_longer_than_the_context_are_counted_and_nothing_is_paid(
    tmp_path: Path,
    two: Path,
    command: Command,  # noqa: F811
) -> None:
    run, model = tmp_path / "run", save_tiny(tmp_path / "model", context=200)
    said = command(
        "draft", *SAMPLE, "--classes", two, "--author", f"local:{model}", "--out", run, "--json"
    )
    assert said.code == 0, said.err
    assert said.summary["draft"] == 0
    rejected = reasons(run / "work" / "draft.rejects.jsonl")
    assert rejected == {"prompt longer than the model's context": 2}
    assert {one.status for one in attempts(run)} == {"error"}


def test_one_local_model_drafts_and_judges_and_its_whole_replies_fit_the_schema(
    tmp_path: Path,
    two: Path,
    command: Command,  # noqa: F811
) -> None:
    run, model = tmp_path / "run", f"local:{save_tiny(tmp_path / 'model', context=4096)}"
    given = (*SAMPLE, *SHORT, "--classes", two, "--author", model, "--judge", model, "--out", run)
    said = command("draft", *given, "--json")
    assert said.code == 0, said.err
    with Ledger(run / "ledger.sqlite") as ledger:
        asked = list(ledger.attempts())
        for one in asked:
            answer, body = ledger.answer(one.key), ledger.body(one.key)
            assert answer is not None and body is not None
            text = Reply.model_validate_json(answer.raw).text
            if one.status == "ok":
                jsonschema.validate(json.loads(text), json.loads(body)[1]["json_schema"])
            else:
                assert one.status == "truncated" and text.startswith('{"questions":[')
    assert len({one.key for one in asked}) == len(asked) >= 2
    rows = (run / "work" / "draft.jsonl").read_text("utf-8").splitlines()
    assert len(rows) == said.summary["draft"]
    assert rows or reasons(run / "work" / "draft.rejects.jsonl").total() >= 2
    judged = command("filter", *given, "--json")
    assert judged.code == 0, judged.err
    assert [one.id for one in attempts(run)][: len(asked)] == [one.id for one in asked]


def test_a_local_judge_answers_drafts_of_the_corpus_author_and_its_folder_may_move(
    tmp_path: Path,
    command: Command,  # noqa: F811
) -> None:
    run, model = tmp_path / "run", save_tiny(tmp_path / "judge", context=256)
    given = (*SAMPLE, "--classes", "sample", "--limit", 6, "--mode", "paper", "--out", run)
    said = command("filter", *given, "--judge", f"local:{model}", "--json")
    assert said.code == 0, said.err
    asked = attempts(run)
    assert said.summary["filter"] > 0 and len(asked) >= 2 * said.summary["filter"]
    assert {one.usd for one in asked} == {0.0} and {one.model[:6] for one in asked} == {"llama-"}
    moved = model.rename(tmp_path / "moved")
    again = command("filter", *given, "--judge", f"local:{moved}", "--json")
    assert again.code == 0 and len(attempts(run)) == len(asked)
