"""A dry run tells calls, tokens and price by stage before anything is spent."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_services import BOTH, line, server, two_classes

__all__ = ["server", "two_classes"]
Command = Callable[..., Any]
KNOWN = ("--author", "anthropic:claude-sonnet-4-5", "--judge", "openai:gpt-4.1-mini")


def plan(command: Command, out: Path, *more: object) -> dict[str, Any]:
    said = command("rebuild", "--sample", "--out", out, "--dry-run", "--json", *more)
    assert said.code == 0, said.err
    assert not out.exists()
    found: dict[str, Any] = said.summary
    return found


@pytest.fixture(autouse=True)
def openai_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


def test_calls_tokens_and_prices_are_told_by_stage_and_add_up(
    tmp_path: Path, command: Command
) -> None:
    told = plan(command, tmp_path / "run", *KNOWN)
    assert [row["stage"] for row in told["stages"]] == [
        "draft", "filter", "repair", "repair", "opinion",
    ]  # fmt: skip
    assert told["calls"] == sum(row["calls"] for row in told["stages"]) > 1000
    assert told["usd"] == pytest.approx(sum(row["usd"] for row in told["stages"]), abs=1e-3)
    assert 0 < told["usd"] < told["most_usd"]
    for row in told["stages"]:
        assert row["calls"] <= row["most_calls"] and row["usd"] <= row["most_usd"]


def test_batches_cost_half(tmp_path: Path, command: Command) -> None:
    alone = plan(command, tmp_path / "run", *KNOWN)
    batched = plan(command, tmp_path / "run", *KNOWN, "--batch")
    assert batched["usd"] == pytest.approx(alone["usd"] / 2, abs=1e-3)


def test_a_price_that_is_not_known_is_said_to_be_unknown(tmp_path: Path, command: Command) -> None:
    asked = ("--author", "openai:my-model", "--judge", "openai:gpt-4.1-mini")
    own = ("--base-url", "http://127.0.0.1:9/v1")
    told = plan(command, tmp_path / "run", *asked, *own)
    assert told["usd"] is None and {row["usd"] for row in told["stages"]} == {None}
    said = command("rebuild", "--sample", "--out", tmp_path / "run", "--dry-run", *asked, *own)
    assert "unknown" in said.out and "in all" in said.out
    assert plan(command, tmp_path / "run", "--judge", "openai:no-such-model")["usd"] is None


def test_what_runs_here_costs_nothing_and_the_corpus_asks_nobody(
    tmp_path: Path, command: Command
) -> None:
    assert plan(command, tmp_path / "run")["calls"] == 0
    told = plan(command, tmp_path / "run", "--judge", "local:some/model")
    assert told["usd"] == 0.0 < told["calls"]
    said = command("rebuild", "--sample", "--out", tmp_path / "run", "--dry-run")
    assert "no model is asked" in said.out


def test_mode_paper_asks_once_a_class_and_twice_a_draft(tmp_path: Path, command: Command) -> None:
    told = plan(command, tmp_path / "run", *KNOWN, "--mode", "paper", "--limit", 10)
    draft, judge = told["stages"]
    assert (draft["calls"], judge["calls"]) == (10, 10 * 5 * 2)


@BOTH
def test_a_real_run_stays_below_the_most_that_was_told(
    service: str, tmp_path: Path, server: Any, two_classes: Path, command: Command
) -> None:
    words = line(service, server, two_classes, tmp_path / "run")
    most = {"make_mcq_strict": 0, "check_evidence": 0, "answer_named": 0}
    for row in command(*words, "--dry-run").summary["stages"]:
        name = {"draft": "make_mcq_strict", "opinion": "check_evidence"}.get(row["stage"])
        most[name or "answer_named"] += row["most_calls"]
    assert command(*words).code == 0
    cost = json.loads((tmp_path / "run" / "cost.json").read_text(encoding="utf-8"))
    for name, calls in most.items():
        assert 0 < cost["prompts"][name]["calls"] <= calls
