"""Ledgers are counted, looked up, exported, merged and made smaller, and no answer is lost."""

import asyncio
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.ledger import Ledger, asked_of
from imagewikiqa.core.llm.ledger_tools import (
    Merged,
    exported,
    find_key,
    ledger_file,
    merge,
    stats,
    vacuum,
)
from imagewikiqa.core.llm.ledgered import LedgeredClient

from .test_ledger import Counting, asked, price


def fill(file: Path, texts: list[str], fails: set[str] | None = None, run: str = "r") -> Counting:
    """Ask words of a provider through a ledger, one after another."""
    provider = Counting(fails=fails or set())

    async def go() -> None:
        with Ledger(file) as ledger:
            client = LedgeredClient(provider, ledger, run, price)
            for text in texts:
                await asyncio.gather(client.ask(asked(text)), return_exceptions=True)

    asyncio.run(go())
    return provider


def answers(file: Path) -> dict[str, bytes]:
    with Ledger(file) as ledger:
        keys = {one.key for one in ledger.attempts()}
        return {key: found.raw for key in keys if (found := ledger.answer(key))}


def test_stats_count_attempts_by_how_they_ended(tmp_path: Path) -> None:
    fill(tmp_path / "l", ["a", "b", "bad"], {"bad"})
    with Ledger(tmp_path / "l") as ledger:
        (row,) = stats(ledger)
    assert (row["attempts"], row["answered"], row["failed"], row["unfinished"]) == (3, 2, 1, 0)
    assert (row["input_tokens"], row["output_tokens"]) == (6, 2)
    assert row["usd"] is None, "nobody knows whether the failed call was billed"


def test_a_request_is_found_by_the_number_of_an_attempt_and_by_digits(tmp_path: Path) -> None:
    fill(tmp_path / "l", ["a", "b"])
    key = asked_of("test", asked("b")).key
    with Ledger(tmp_path / "l") as ledger:
        assert find_key(ledger, "2") == key
        assert find_key(ledger, key[:8]) == key
        for wrong in ("9", "ffffffff", "zz", "12345x", "*"):
            with pytest.raises(ToolkitError):
                find_key(ledger, wrong)


def test_an_export_holds_what_was_asked_and_what_came_back(tmp_path: Path) -> None:
    fill(tmp_path / "l", ["a", "bad"], {"bad"})
    with Ledger(tmp_path / "l") as ledger:
        good, bad = exported(ledger)
    assert good.request["messages"][0]["content"][0]["text"] == "a"
    assert good.raw is not None and '"text": "A"' in good.raw
    assert bad.raw is None and bad.error is not None


def test_a_merge_takes_over_answers_and_again_changes_nothing(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    fill(one, ["a", "b"])
    fill(two, ["b", "c", "bad"], {"bad"}, run="another")
    both = {**answers(two), **answers(one)}
    assert merge(one, two) == Merged(added=2, updated=0, paid_twice=1)
    assert answers(one) == both
    with Ledger(one) as ledger:
        before = list(ledger.attempts())
        assert sum(row.usd or 0 for row in before) == pytest.approx(4 * 0.003), "b was paid twice"
    assert merge(one, two) == Merged()
    with Ledger(one) as ledger:
        assert list(ledger.attempts()) == before


def test_what_a_copy_was_answered_meanwhile_comes_back(tmp_path: Path) -> None:
    home, away = tmp_path / "home", tmp_path / "away"

    async def begin() -> None:
        with Ledger(home) as ledger:
            await ledger.start(asked_of("test", asked("a")), "r")

    asyncio.run(begin())
    shutil.copy(home, away)

    async def end() -> None:
        with Ledger(away) as ledger:
            await ledger.keep(1, b"{}")
            await ledger.settle(1, "ok", usd=1.0)

    asyncio.run(end())
    assert merge(home, away) == Merged(updated=1)
    assert list(answers(home).values()) == [b"{}"]
    assert merge(away, home) == Merged()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.sets(st.sampled_from("abcdef"), min_size=1), min_size=2, max_size=3))
def test_merging_in_any_order_keeps_every_answer(
    tmp_path_factory: pytest.TempPathFactory, parts: list[set[str]]
) -> None:
    folder = tmp_path_factory.mktemp("merge")
    for number, part in enumerate(parts):
        fill(folder / str(number), sorted(part), run=f"r{number}")
        shutil.copy(folder / str(number), folder / f"copy{number}")
    for number in range(1, len(parts)):
        merge(folder / "0", folder / f"copy{number}")
        merge(folder / "copy1", folder / f"copy{number}") if number > 1 else None
    merge(folder / "copy1", folder / "copy0")
    assert answers(folder / "0") == answers(folder / "copy1")
    assert len(answers(folder / "0")) == len(set().union(*parts))


def test_vacuum_drops_free_failures_alone(tmp_path: Path) -> None:
    file = tmp_path / "l"
    fill(file, ["a", "bad"], {"bad"})

    async def fail() -> None:
        with Ledger(file) as ledger:
            for text in ("a", "alone"):
                one = await ledger.start(asked_of("test", asked(text)), "r")
                await ledger.settle(one, "error", usd=0.0, error="busy")

    asyncio.run(fail())
    kept = answers(file)
    assert vacuum(file)["attempts"] == 1
    assert answers(file) == kept
    with Ledger(file) as ledger:
        assert [one.status for one in ledger.attempts()] == ["ok", "error", "error"]


def test_no_tool_makes_a_ledger_or_takes_another_file_for_one(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match="there is no ledger"):
        ledger_file(tmp_path / "none.sqlite")
    with pytest.raises(ToolkitError, match="there is no ledger"):
        ledger_file(tmp_path)
    stranger = tmp_path / "s"
    stranger.write_text("no database", encoding="utf-8")
    with pytest.raises(ToolkitError, match="cannot be used"):
        merge(stranger, stranger)
