"""`imagewikiqa ledger`: what a run asked and spent can be seen, copied and brought together."""

import fcntl
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_services import BOTH, CANARY, line, rules, server, two_classes

__all__ = ["rules", "server", "two_classes"]


@BOTH
def test_every_tool_works_on_a_run_and_shows_no_key(
    service: str, tmp_path: Path, server: Any, two_classes: Path, command: Callable[..., Any]
) -> None:
    run = tmp_path / "run"
    assert command(*line(service, server, two_classes, run)).code == 0
    told = command("ledger", "stats", run, "--json").summary
    calls = json.loads((run / "cost.json").read_text())["calls"]
    assert told["attempts"] == calls > 4
    table = command("ledger", "stats", run)
    assert "gpt-4.1-mini" in table.out and "unknown" in table.out, "no price is known there"
    shown = command("ledger", "show", run, "1")
    assert "this object" in shown.out and "=== attempt 1" in shown.out
    out = tmp_path / "export.jsonl"
    assert command("ledger", "export", run, "--out", out, "--json").summary["attempts"] == calls
    rows = [json.loads(row) for row in out.read_text(encoding="utf-8").splitlines()]
    assert len(rows) == calls and all(row["request"]["messages"] for row in rows)
    copy = tmp_path / "copy.sqlite"
    shutil.copy(run / "ledger.sqlite", copy)
    assert command("ledger", "merge", copy, run, "--json").summary["added"] == 0
    assert command("ledger", "vacuum", copy, "--json").summary["attempts"] == 0
    whole = table.out + shown.out + out.read_text(encoding="utf-8")
    assert CANARY not in whole and server.url not in whole


def test_a_budget_stops_a_run_and_a_larger_one_goes_on_without_paying_twice(
    tmp_path: Path, server: Any, two_classes: Path, command: Callable[..., Any]
) -> None:
    run = tmp_path / "run"
    asked = line("anthropic", server, two_classes, run)
    asked = tuple("anthropic:claude-sonnet-4-5" if "gpt" in str(one) else one for one in asked)
    said = command(*asked, "--budget", "0.0001usd")
    assert said.code == 2 and "budget of 0.0001 usd" in said.err and said.err.count("\n") == 1
    assert sum(server.asked.values()) == 0
    assert command(*asked, "--budget", "50usd").code == 0
    paid = dict(server.asked)
    assert set(paid.values()) == {1}
    cost = json.loads((run / "cost.json").read_text())
    assert 0 < cost["usd"] < 50


def test_a_budget_needs_a_known_price(
    tmp_path: Path, server: Any, two_classes: Path, command: Callable[..., Any]
) -> None:
    said = command(*line("openai", server, two_classes, tmp_path / "run"), "--budget", "5usd")
    assert said.code == 2 and "no price is known for gpt-4.1-mini" in said.err
    assert not server.asked


@pytest.mark.parametrize("text", ["5eur", "0", "lots"])
def test_a_budget_in_other_words_is_refused(
    text: str, tmp_path: Path, command: Callable[..., Any]
) -> None:
    said = command("rebuild", "--sample", "--out", tmp_path / "run", "--budget", text)
    assert said.code == 2 and "25usd" in said.err and not (tmp_path / "run").exists()


def test_a_ledger_in_use_is_not_written(tmp_path: Path, command: Callable[..., Any]) -> None:
    (tmp_path / "run" / "work").mkdir(parents=True)
    file = tmp_path / "run" / "ledger.sqlite"
    from imagewikiqa.core.llm.ledger import Ledger

    Ledger(file).close()
    with (tmp_path / "run" / "work" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = command("ledger", "vacuum", file)
    assert said.code == 2 and "another process is working" in said.err


def test_a_missing_ledger_is_one_sentence(tmp_path: Path, command: Callable[..., Any]) -> None:
    for tool in (("stats",), ("show",), ("vacuum",)):
        more = ("1",) if tool == ("show",) else ()
        said = command("ledger", *tool, tmp_path, *more)
        assert said.code == 2 and "there is no ledger" in said.err
