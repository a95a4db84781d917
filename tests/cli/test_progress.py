"""Progress: a live bar on a terminal, a plain line at times elsewhere, nothing with --json."""

import io
import logging
import re
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from imagewikiqa.cli import progress
from imagewikiqa.cli.progress import LiveProgress, PlainProgress, watcher
from imagewikiqa.core.progress import Silent


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    turned = Clock()
    monkeypatch.setattr(progress, "time", turned)
    yield turned


def test_a_long_stage_speaks_every_ten_seconds_with_rate_and_time_left(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = PlainProgress()
    shown.begin("facts", 1000, 0)
    for _ in range(30):
        clock.now += 1
        shown.advance(10)
    shown.end()
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.splitlines() == [
        "facts: 100 of 1000 (10/s, 90 s left)",
        "facts: 200 of 1000 (10/s, 80 s left)",
        "facts: 300 of 1000 (10/s, 70 s left)",
        "facts: 300 of 1000 (10/s, 70 s left)",
    ]


def test_work_of_an_earlier_run_counts_as_done_but_not_as_speed(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = PlainProgress()
    shown.begin("pages", 100, 90)
    clock.now += 2
    shown.advance(10)
    shown.end()
    assert capsys.readouterr().err == "pages: 100 of 100 (5/s)\n"


def test_a_stage_with_nothing_to_do_says_so_without_dividing_by_zero(
    clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = PlainProgress()
    shown.begin("pages", 75, 75)
    shown.end()
    assert capsys.readouterr().err == "pages: 75 of 75\n"


@pytest.mark.parametrize(
    ("seconds", "line"),
    [
        (150, "titles: 50 of 1000 (0.33/s, 48 min left)"),
        (25, "titles: 50 of 1000 (2/s, 8 min left)"),
        (1500, "titles: 50 of 1000 (0.033/s, 7.9 h left)"),
    ],
)
def test_slow_work_has_a_rate_and_a_time_that_a_person_reads(
    clock: Clock, capsys: pytest.CaptureFixture[str], seconds: float, line: str
) -> None:
    shown = PlainProgress()
    shown.begin("titles", 1000, 0)
    clock.now += seconds
    shown.advance(50)
    assert capsys.readouterr().err == f"{line}\n"


def test_what_the_library_notes_is_written_once_also_with_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for _ in range(2):
        watcher(True)
    logging.getLogger("imagewikiqa.builders.wiki").info("%s asked everybody to wait", "wiki.test")
    assert capsys.readouterr() == ("", "wiki.test asked everybody to wait\n")


def test_json_is_silent_a_pipe_gets_lines_and_a_terminal_a_bar(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert isinstance(watcher(True), Silent)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert isinstance(watcher(False), PlainProgress)
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert isinstance(watcher(False), LiveProgress)
    assert isinstance(watcher(True), Silent)


def test_the_bar_names_the_stage_and_its_count_on_stderr_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    out, err = io.StringIO(), Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    shown = watcher(False)
    for stage in ("pages", "facts"):
        shown.begin(stage, 4, 1)
        shown.advance(3)
        shown.end()
    words = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", err.getvalue())
    assert re.search(r"pages\W.*4/4", words)
    assert re.search(r"facts\W.*4/4", words)
    assert "pages" not in words.partition("facts")[2]  # a finished bar is not drawn again
    assert out.getvalue() == ""


def test_a_command_with_json_writes_nothing_to_stderr_and_one_line_to_stdout(
    tmp_path: Any, command: Callable[..., Any]
) -> None:
    line = ("pages", "--sample", "--limit", 3, "--out", tmp_path / "run")
    quiet = command(*line, "--json")
    assert (quiet.code, quiet.err, len(quiet.out.splitlines())) == (0, "", 1)
    told = command(*line)
    assert told.code == 0
    assert told.err == "pages: 3 of 3\n"


def test_what_was_spent_stands_in_the_lines(capsys: pytest.CaptureFixture[str]) -> None:
    plain = PlainProgress()
    plain.begin("filter", 1, 0)
    plain.spend(1234, 0.42, False)
    plain.advance(1)
    plain.end()
    assert ", 1,234 calls, 0.42 usd" in capsys.readouterr().err


def test_a_price_that_is_not_known_is_said_to_be_unknown(
    capsys: pytest.CaptureFixture[str],
) -> None:
    plain = PlainProgress()
    plain.begin("filter", 1, 0)
    plain.spend(1, 0.0, True)
    plain.advance(1)
    plain.end()
    assert ", 1 call, price unknown" in capsys.readouterr().err
