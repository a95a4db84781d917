"""A stage does each input once, keeps order and rejects, and stops when nothing works."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import Reject
from imagewikiqa.core.stages import (
    FAILURES_IN_A_ROW,
    SMALL_JOB,
    Outcome,
    RecordError,
    Stage,
    StageReport,
    run_stage,
)
from imagewikiqa.core.tables import read_table

from .stage_steps import Letter, Word, letters, step, told_step

TABLES = ("letters.jsonl", "letters.rejects.jsonl")


def stage_of(**changes: object) -> Stage[Word, Letter]:
    base = Stage(name="letters", version=1, settings="s", step=step, row=Letter)
    return replace(base, **changes)  # type: ignore[arg-type]


def words(count: int, **fates: str) -> list[Word]:
    """Return numbered words; a fate is given as n3='failed'."""
    return [
        Word(id=f"w{n:03}", text=f"b{n} e", fate=fates.get(f"n{n}", "fine")) for n in range(count)
    ]


def run(
    stage: Stage[Word, Letter], inputs: list[Word], folder: Path, workers: int = 1
) -> StageReport:
    return run_stage(stage, inputs, work=folder, table=folder / TABLES[0], workers=workers)


def tables(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in TABLES]


def rejects(folder: Path) -> list[Reject]:
    return list(read_table(folder / TABLES[1], Reject))


@dataclass
class Counting:
    """A step that remembers its calls and does one thing at one of them."""

    fate_at: int | None = None
    fate: BaseException = field(default_factory=KeyboardInterrupt)
    calls: list[str] = field(default_factory=list)

    async def __call__(self, word: Word) -> Outcome[Letter]:
        self.calls.append(word.id)
        await asyncio.sleep(0.001 * (len(self.calls) % 3))  # finish out of order
        if len(self.calls) - 1 == self.fate_at:
            raise self.fate
        return letters(word)


def test_rows_and_rejects_stand_in_input_order(tmp_path: Path) -> None:
    inputs = list(reversed(words(4, n1="failed")))
    report = run(stage_of(), inputs, tmp_path)
    rows = [row.id for row in read_table(tmp_path / TABLES[0], Letter)]
    assert rows == [f"{w.id}-{at}" for w in inputs if w.fate == "fine" for at in (0, 1, 3)]
    assert [(row.input, row.reason) for row in rejects(tmp_path)] == [
        ("w003", "a space"),
        ("w002", "a space"),
        ("w001", "unreadable"),
        ("w000", "a space"),
    ]
    assert report == StageReport(
        "letters", inputs=4, reused=0, rows=9, rejects={"a space": 3, "unreadable": 1}
    )


def test_a_record_error_becomes_a_reject_that_says_why(tmp_path: Path) -> None:
    run(stage_of(), words(2, n1="failed"), tmp_path)
    assert rejects(tmp_path)[-1] == Reject(
        id="letters:w001",
        stage="letters",
        input="w001",
        reason="unreadable",
        detail="word w001",
    )


class PassingError(RecordError):
    passing = True


def test_a_failure_that_may_pass_is_told_and_tried_again_by_the_next_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "imagewikiqa")
    failing = Counting(fate_at=1, fate=PassingError("no answer", "the line is cut"))
    report = run(stage_of(step=failing), words(4), tmp_path)
    assert report.rejects["no answer"] == 1 and len(failing.calls) == 4
    assert [row.input for row in rejects(tmp_path) if row.reason == "no answer"] == ["w001"]
    assert "1 of 4 inputs failed for reasons that may pass" in caplog.text
    again = Counting()
    report = run(stage_of(step=again), words(4), tmp_path)
    assert (report.reused, again.calls, report.rejects.get("no answer")) == (3, ["w001"], None)
    found = tables(tmp_path)
    run(stage_of(step=Counting()), words(4), tmp_path / "undisturbed")
    assert tables(tmp_path / "undisturbed") == found


def test_a_failure_of_the_input_itself_is_not_tried_again(tmp_path: Path) -> None:
    run(stage_of(step=Counting(fate_at=1, fate=RecordError("unreadable"))), words(4), tmp_path)
    again = Counting()
    run(stage_of(step=again), words(4), tmp_path)
    assert again.calls == []


def test_finished_inputs_are_not_done_again(tmp_path: Path) -> None:
    counting = Counting()
    inputs = words(5)
    run(stage_of(step=counting), inputs, tmp_path)
    before = tables(tmp_path)
    report = run(stage_of(step=counting), inputs, tmp_path)
    assert (report.reused, report.rows, len(counting.calls)) == (5, 15, 5)
    assert tables(tmp_path) == before
    more = run(stage_of(step=counting), words(7), tmp_path)
    assert (more.reused, counting.calls[5:]) == (5, ["w005", "w006"])


@pytest.mark.parametrize("change", [{"version": 2}, {"settings": "t"}, {"name": "other"}])
def test_another_stage_does_everything_again(tmp_path: Path, change: dict[str, object]) -> None:
    counting = Counting()
    run(stage_of(step=counting), words(3), tmp_path)
    stage = stage_of(step=counting, **change)
    report = run_stage(stage, words(3), work=tmp_path, table=tmp_path / "t.jsonl")
    assert (report.reused, len(counting.calls)) == (0, 6)


def test_a_changed_input_is_done_again_and_alone(tmp_path: Path) -> None:
    counting = Counting()
    inputs = words(3)
    run(stage_of(step=counting), inputs, tmp_path)
    inputs[1] = Word(id="w001", text="new")
    run(stage_of(step=counting), inputs, tmp_path)
    assert counting.calls == ["w000", "w001", "w002", "w001"]
    assert "".join(r.text for r in read_table(tmp_path / TABLES[0], Letter)) == "b0enewb2e"


@pytest.mark.parametrize("stop", range(6))
def test_an_interrupt_loses_nothing_that_was_done(tmp_path: Path, stop: int) -> None:
    inputs = words(6)
    run(stage_of(), inputs, tmp_path / "whole")
    counting = Counting(fate_at=stop)
    with pytest.raises(KeyboardInterrupt):
        run(stage_of(step=counting), inputs, tmp_path / "cut")
    assert not (tmp_path / "cut" / TABLES[0]).exists()
    assert len(counting.calls) == stop + 1
    again = Counting()
    report = run(stage_of(step=again), inputs, tmp_path / "cut")
    assert again.calls == [word.id for word in inputs[stop:]]
    assert report.reused == stop
    assert tables(tmp_path / "cut") == tables(tmp_path / "whole")


def test_an_unexpected_exception_is_a_bug_and_keeps_what_was_done(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError, match="w003"):
        run(stage_of(), words(5, n3="bug"), tmp_path)
    assert not (tmp_path / TABLES[0]).exists()
    counting = Counting()
    fixed = words(5)
    run(stage_of(step=counting), fixed, tmp_path)
    assert counting.calls == ["w003", "w004"]


def test_twenty_failures_in_a_row_stop_with_a_sentence(tmp_path: Path) -> None:
    fates = {f"n{n}": "failed" for n in range(2, 2 + FAILURES_IN_A_ROW)}
    with pytest.raises(ToolkitError) as caught:
        run(stage_of(), words(30, **fates), tmp_path)
    assert str(caught.value) == (
        "20 inputs of stage letters in a row failed, the last one (w021) with "
        "'unreadable: word w021': check the input and settings"
    )
    assert not (tmp_path / TABLES[0]).exists()


def test_nineteen_failures_and_a_success_do_not_stop(tmp_path: Path) -> None:
    fates = {f"n{n}": "failed" for n in range(40) if n != FAILURES_IN_A_ROW - 1}
    with pytest.raises(ToolkitError):
        run(stage_of(), words(40, **fates), tmp_path / "twenty")
    report = run(stage_of(), words(39, **fates), tmp_path / "nineteen")
    assert report.rejects == {"unreadable": 38, "a space": 1}


def test_repeating_a_hopeless_command_never_creeps_past_the_failures(tmp_path: Path) -> None:
    dead = words(50, **{f"n{n}": "failed" for n in range(3, 50)})
    for _ in range(4):
        with pytest.raises(ToolkitError, match=r"the last one \(w022\)"):
            run(stage_of(), dead, tmp_path)
    alive = [Word(id=w.id, text=w.text) for w in dead]
    counting = Counting()
    same = stage_of(step=counting, input_digest=lambda word: word.id)
    with pytest.raises(ToolkitError):
        run(replace(same, step=step), dead, tmp_path / "network")
    report = run(same, alive, tmp_path / "network")
    assert (report.reused, len(counting.calls), report.rejects) == (3, 47, {"a space": 50})


@pytest.mark.parametrize("in_flight", [1, 8])
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_neither_workers_nor_flights_change_a_byte(
    tmp_path: Path, workers: int, in_flight: int
) -> None:
    inputs = words(SMALL_JOB + 10, n7="failed", n40="failed")
    run(stage_of(), inputs, tmp_path / "plain")
    stage = stage_of(in_flight=in_flight, processes=in_flight == 1)
    if in_flight > 1:
        stage = replace(stage, step=Counting())
        inputs = [Word(id=word.id, text=word.text) for word in inputs]
        run(stage_of(), inputs, tmp_path / "plain2")
    run(stage, inputs, tmp_path / "other", workers)
    expected = tmp_path / ("plain2" if in_flight > 1 else "plain")
    assert tables(tmp_path / "other") == tables(expected)


def test_eight_in_flight_really_overlap(tmp_path: Path) -> None:
    running, most = 0, 0

    async def watched(word: Word) -> Outcome[Letter]:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1
        return letters(word)

    run(stage_of(step=watched, in_flight=8), words(30), tmp_path)
    assert most == 8


def test_a_stopped_stage_leaves_no_step_running(tmp_path: Path) -> None:
    ended: list[str] = []

    async def slow(word: Word) -> Outcome[Letter]:
        if word.id == "w000":
            await asyncio.sleep(0.01)
            raise ZeroDivisionError
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(word.id)
        return letters(word)

    with pytest.raises(ZeroDivisionError):
        run(stage_of(step=slow, in_flight=4), words(9), tmp_path)
    assert sorted(ended) == ["w001", "w002", "w003"]


def test_many_inputs_are_spread_over_processes_once_each(tmp_path: Path) -> None:
    told = tmp_path / "told"
    told.mkdir()
    inputs = [Word(id=f"w{n:03}", text="ab", fate=str(told)) for n in range(SMALL_JOB + 60)]
    run(stage_of(step=told_step, processes=True), inputs, tmp_path / "a", workers=2)
    marks = [path.name.split(".") for path in told.iterdir()]
    assert sorted(name for name, _ in marks) == [word.id for word in inputs]
    processes = {process for _, process in marks}
    assert str(os.getpid()) not in processes and 1 <= len(processes) <= 2


def test_few_inputs_stay_in_this_process(tmp_path: Path) -> None:
    told = tmp_path / "told"
    told.mkdir()
    inputs = [Word(id=f"w{n:03}", text="ab", fate=str(told)) for n in range(SMALL_JOB)]
    run(stage_of(step=told_step, processes=True), inputs, tmp_path / "a", workers=2)
    assert {path.name.split(".")[1] for path in told.iterdir()} == {str(os.getpid())}


@pytest.mark.parametrize("fate", ["failed", "bug"])
def test_what_goes_wrong_in_a_worker_process_goes_wrong_here(tmp_path: Path, fate: str) -> None:
    fates = {f"n{n}": fate for n in range(70, 70 + FAILURES_IN_A_ROW)}
    inputs = words(SMALL_JOB + 40, **fates)
    expected = ToolkitError if fate == "failed" else ZeroDivisionError
    with pytest.raises(expected, match="w0"):
        run(stage_of(processes=True), inputs, tmp_path, workers=2)
    report = run(stage_of(), inputs[:70], tmp_path)
    assert 48 <= report.reused <= 70  # what came back before the failure, in whole chunks


PARENT = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from tests.core.stage_steps import Letter, Word, told_step
from imagewikiqa.core.stages import Stage, run_stage
if __name__ == "__main__":
    stage = Stage(name="s", version=1, settings="", step=told_step, row=Letter, processes=True)
    inputs = [Word(id=str(n), text="ab", fate=sys.argv[2]) for n in range(20_000)]
    run_stage(stage, inputs, work=Path(sys.argv[2]) / "w", table=Path(sys.argv[2]) / "t", workers=2)
"""


def alive(process: int) -> bool:
    stat = Path(f"/proc/{process}/stat")
    try:
        return stat.read_text(encoding="utf-8").rpartition(") ")[2][0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    if not Path("/proc/self/stat").exists():
        pytest.skip("needs /proc to see processes")
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    command = [sys.executable, str(script), str(Path(__file__).parents[2]), str(tmp_path)]
    with subprocess.Popen(command, start_new_session=True, stderr=subprocess.DEVNULL) as parent:
        try:
            workers = _wait_for_workers(tmp_path)
            parent.kill()
            parent.wait()
            deadline = time.monotonic() + 20
            while any(map(alive, workers)) and time.monotonic() < deadline:
                time.sleep(0.05)
            assert [worker for worker in workers if alive(worker)] == []
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(parent.pid, signal.SIGKILL)


def _wait_for_workers(folder: Path) -> set[int]:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        workers = {int(path.suffix[1:]) for path in folder.glob("*.*") if path.suffix[1:].isdigit()}
        if len(workers) == 2:
            return workers
        time.sleep(0.05)
    raise AssertionError("two workers never began")


def test_the_same_input_twice_is_refused_before_any_work(tmp_path: Path) -> None:
    counting = Counting()
    inputs = [*words(3), words(3)[1]]
    with pytest.raises(ValueError, match="letters was given the same input twice"):
        run(stage_of(step=counting), inputs, tmp_path)
    assert counting.calls == [] and list(tmp_path.iterdir()) == []


def test_no_input_is_two_empty_tables(tmp_path: Path) -> None:
    assert run(stage_of(), [], tmp_path) == StageReport("letters")
    assert tables(tmp_path) == [b"", b""]


def test_a_watcher_hears_of_every_input_even_of_failed_ones(tmp_path: Path) -> None:
    @dataclass
    class Watcher:
        heard: list[object] = field(default_factory=list)

        def begin(self, stage: str, total: int, done: int) -> None:
            self.heard.append((stage, total, done))

        def spend(self, calls: int, usd: float, unknown: bool) -> None:
            raise AssertionError("nothing here asks a model")

        def advance(self, count: int) -> None:
            self.heard.append(count)

        def end(self) -> None:
            self.heard.append("end")

    watcher = Watcher()
    run(stage_of(), words(1), tmp_path)
    inputs = words(4, n2="failed", n3="failed")
    run_stage(stage_of(), inputs, work=tmp_path, table=tmp_path / "t", progress=watcher)
    assert watcher.heard == [("letters", 4, 1), 1, 1, 1, "end"]


def test_a_record_error_carries_its_words() -> None:
    error = RecordError("too long", "9 > 8")
    assert (error.reason, error.detail) == ("too long", "9 > 8")
