"""Threads and processes share one allowance, and a dead process holds none of it."""

import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier, Event
from pathlib import Path
from typing import NamedTuple

import pytest

from imagewikiqa.builders.wiki.limiter import HaltedError, Limiter, state_folder
from imagewikiqa.builders.wiki.settings import Limits
from imagewikiqa.core.errors import ToolkitError

SPAWN = multiprocessing.get_context("spawn")
FAST = Limits(in_flight=2, per_second=100.0)


class Row(NamedTuple):
    """One request as its process noted it; seconds of a clock that all share."""

    wanted: float
    began: float
    ended: float
    process: int


def _work(folder: Path, requests: int, length: float, ready: Barrier) -> None:
    """Make requests from three threads; note when each was wanted, began and ended, and whose."""
    limiter = Limiter("wiki.test", FAST, folder)

    def one(_: int) -> None:
        wanted = time.monotonic()
        with limiter.request(threading.Event()):
            began = time.monotonic()
            time.sleep(length)
            line = f"{wanted} {began} {time.monotonic()} {os.getpid()}\n"
            descriptor = os.open(folder / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(descriptor, line.encode())
            os.close(descriptor)

    ready.wait(120)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(one, range(requests)))


def _compete(folder: Path, requests: int, length: float) -> list[Row]:
    """Let three processes make requests at once; return what they noted, by time."""
    ready = SPAWN.Barrier(3)
    workers = [
        SPAWN.Process(target=_work, args=(folder, requests, length, ready)) for _ in range(3)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    rows = [line.split() for line in (folder / "log").read_text().splitlines()]
    found = [Row(float(w), float(b), float(e), int(p)) for w, b, e, p in rows]
    return sorted(found, key=lambda row: row.began)


def _hold(folder: Path, held: Event) -> None:
    with Limiter("wiki.test", Limits(in_flight=1), folder).request(threading.Event()):
        held.set()
        time.sleep(600)


def test_processes_together_keep_to_the_slots(tmp_path: Path) -> None:
    rows = _compete(tmp_path, requests=8, length=0.05)
    assert len(rows) == 24
    for one in rows:
        assert sum(row.began <= one.began < row.ended for row in rows) <= FAST.in_flight


def test_processes_together_keep_to_the_rate(tmp_path: Path) -> None:
    rows = _compete(tmp_path, requests=20, length=0.001)
    # Sixty requests have 59 intervals between them, however late each is noted.
    assert rows[-1].began - min(row.wanted for row in rows) >= 59 / FAST.per_second


def test_processes_get_equal_shares_while_they_compete(tmp_path: Path) -> None:
    rows = _compete(tmp_path, requests=40, length=0.001)
    workers = {row.process for row in rows}
    first_done = min(max(r.began for r in rows if r.process == one) for one in workers)
    shared = [row.process for row in rows if row.began <= first_done]
    assert min(shared.count(one) / len(shared) for one in workers) > 0.1


def test_a_killed_process_gives_its_slot_back(tmp_path: Path) -> None:
    held = SPAWN.Event()
    worker = SPAWN.Process(target=_hold, args=(tmp_path, held))
    worker.start()
    assert held.wait(60)
    limiter = Limiter("wiki.test", Limits(in_flight=1), tmp_path)
    halt = threading.Event()
    threading.Timer(0.2, halt.set).start()
    with pytest.raises(HaltedError), limiter.request(halt):
        pytest.fail("a held slot was given twice")
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    with limiter.request(threading.Event()):
        pass


def test_a_pause_stops_everybody_and_a_shorter_one_does_not_end_it(tmp_path: Path) -> None:
    one, other = (Limiter("wiki.test", FAST, tmp_path) for _ in range(2))
    began = time.time()
    one.pause(0.3)
    other.pause(0.01)
    with other.request(threading.Event()):
        assert time.time() >= began + 0.3


def test_a_pause_does_not_hold_another_operator_up(tmp_path: Path) -> None:
    Limiter("wiki.test", FAST, tmp_path).pause(3600)
    with Limiter("other.test", FAST, tmp_path).request(threading.Event()):
        pass


def test_an_ending_run_does_not_sit_a_pause_out(tmp_path: Path) -> None:
    limiter = Limiter("wiki.test", FAST, tmp_path)
    limiter.pause(3600)
    halt = threading.Event()
    threading.Timer(0.05, halt.set).start()
    with pytest.raises(HaltedError), limiter.request(halt):
        pytest.fail("a request began within the pause")


def test_a_clock_set_back_does_not_stop_requests_for_hours(tmp_path: Path) -> None:
    limiter = Limiter("wiki.test", FAST, tmp_path)
    with limiter.request(threading.Event()):
        pass
    file = tmp_path / "wiki.test" / "next"
    file.write_bytes(b"%020.6f" % (time.time() + 9000))
    with limiter.request(threading.Event()):
        pass


def test_a_broken_file_of_the_limiter_is_named(tmp_path: Path) -> None:
    limiter = Limiter("wiki.test", FAST, tmp_path)
    (tmp_path / "wiki.test" / "pause").write_text("soon")
    with pytest.raises(ToolkitError, match="pause holds no time: delete it"):
        limiter.pause(1)


@pytest.mark.parametrize("pool", ["../../up", "/etc", "..", "", "a:80"])
def test_a_pool_stays_one_folder_below_the_state(pool: str, tmp_path: Path) -> None:
    Limiter(pool, FAST, tmp_path / "limits")
    assert [path.parent for path in (tmp_path / "limits").rglob("*")] == [tmp_path / "limits"]


def test_the_state_lies_with_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_folder() == tmp_path / "imagewikiqa" / "limits"


def test_a_clock_set_ahead_does_not_end_a_pause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limiter, began = Limiter("wiki.test", FAST, tmp_path), time.monotonic()
    limiter.pause(0.4)
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 90_000)
    with limiter.request(threading.Event()):
        assert time.monotonic() >= began + 0.4


def test_a_pause_by_a_clock_that_was_wrong_is_named_and_not_sat_out(tmp_path: Path) -> None:
    limiter = Limiter("wiki.test", FAST, tmp_path)
    file = tmp_path / "wiki.test" / "pause"
    file.write_bytes(b"%020.6f" % (time.time() + 300_000))
    with pytest.raises(ToolkitError, match="wiki.test wants to be left alone until .* delete"):
        with limiter.request(threading.Event()):
            pytest.fail("a request began within the pause")
    file.unlink()
    with limiter.request(threading.Event()):
        pass


def test_a_pause_that_others_were_told_of_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    Limiter("wiki.test", FAST, tmp_path).pause(3600)
    halt = threading.Event()
    threading.Timer(1.5, halt.set).start()
    with caplog.at_level("INFO"), pytest.raises(HaltedError):
        with Limiter("wiki.test", FAST, tmp_path).request(halt):
            pytest.fail("a request began within the pause")
    (line,) = (record.getMessage() for record in caplog.records)
    assert line.startswith("wiki.test asked everybody to wait: going on at ")


def test_a_folder_of_allowances_that_cannot_be_is_named_with_the_way_to_choose_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ToolkitError, match="another folder by .* XDG_STATE_HOME"):
        Limiter("wiki.test", FAST, tmp_path / "file")
