"""`draft` and `filter` with a local model of tiny weights, which knows nothing, as both parties."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from imagewikiqa.builders.sample import sample_classes
from imagewikiqa.core.llm.client import Reply
from imagewikiqa.core.llm.ledger import Attempt, Ledger
from tests.cli.conftest import Command, command  # noqa: F401 - a fixture
from tests.eval.tiny import save_tiny, teach

SAMPLE = ("--pages", "sample", "--images", "none")
SHORT = (
    "--per-class", 1, "--set", "drafting.oversample=1", "--set", "drafting.rounds=1",
    "--set", "drafting.page_tokens=100", "--set", "drafting.max_tokens=256",
    "--set", "filter.votes=1", "--set", "filter.second_opinion=off", "--set", "filter.repair=0",
)  # fmt: skip
WRITTEN = json.dumps(
    {
        "questions": [
            {
                "question": "Where does this object live?",
                "choices": ["Coastal waters", "Mountain lakes", "Open grassland", "Tropical woods"],
                "answer": 0,
                "reference": "a large shark found in the coastal waters of all the major oceans",
                "kind": "habitat",
            }
        ]
    },
    separators=(",", ":"),
)
JUDGED = "A. Open grassland\nB. Tropical woods\nC. Coastal waters\nD. Mountain lakes\n"
JUDGED += "Output only one character A/B/C/D.\n"


@pytest.fixture
def two(tmp_path: Path) -> Path:
    entries = [one.model_dump_json(exclude={"index"}) + "\n" for one in sample_classes()[:2]]
    file = tmp_path / "two.jsonl"
    file.write_text("".join(entries), encoding="utf-8")
    return file


def attempts(run: Path) -> list[Attempt]:
    with Ledger(run / "ledger.sqlite") as ledger:
        return list(ledger.attempts())


def asked_first(run: Path) -> str:
    with Ledger(run / "ledger.sqlite") as ledger:
        body = ledger.body(next(ledger.attempts()).key)
    assert body is not None
    return str(json.loads(body)[1]["messages"][0]["content"][0]["text"])


def whole_replies(run: Path) -> list[tuple[dict[str, Any], str]]:
    """Return each request that was answered to its end, and the words of the reply."""
    found = []
    with Ledger(run / "ledger.sqlite") as ledger:
        for one in ledger.attempts():
            answer, body = ledger.answer(one.key), ledger.body(one.key)
            assert one.status == "ok" and answer is not None and body is not None
            found.append((json.loads(body)[1], Reply.model_validate_json(answer.raw).text))
    return found


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


def test_a_local_model_drafts_and_judges_what_it_drafted(
    tmp_path: Path,
    two: Path,
    command: Command,  # noqa: F811
) -> None:
    folder = save_tiny(tmp_path / "model", context=4096)
    given = (*SAMPLE, *SHORT, "--classes", two, "--author", f"local:{folder}")
    assert command("draft", *given, "--limit", 1, "--out", tmp_path / "first").code == 0
    assert {one.status for one in attempts(tmp_path / "first")} == {"truncated"}  # untaught

    teach(folder, [(asked_first(tmp_path / "first"), WRITTEN), (JUDGED, "A")])
    run = tmp_path / "run"
    said = command("filter", *given, "--judge", f"local:{folder}", "--out", run, "--json")
    assert said.code == 0, said.err
    assert said.summary["draft"] == said.summary["filter"] == 1
    for request, text in whole_replies(run):
        if request["json_schema"] is None:
            assert text == "A"
        else:
            jsonschema.validate(json.loads(text), request["json_schema"])
    verdict = json.loads((run / "work" / "filter.jsonl").read_text("utf-8"))
    named = verdict["judges"][0]["with_name"]
    assert (named["unparsed"], verdict["keep"]) == (0, False)  # "A" is right at one place of four
    assert set(named["picks"]) - {0}
    # The reply about the second class is the same, and its page does not hold the quote.
    assert reasons(run / "work" / "draft.rejects.jsonl") == {"evidence not in the page": 1}


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
