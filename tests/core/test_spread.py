"""Work over processes: in order, bounded, and quiet when it is interrupted."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.spread import spread

REPO = Path(__file__).parents[2]
SCRIPT = """
import sys, time
from imagewikiqa.core.spread import spread
if __name__ == "__main__":
    try:
        print("begun", flush=True)
        for _ in spread(time.sleep, [0.05] * 200, 2):
            pass
    except KeyboardInterrupt:
        sys.exit(130)
"""


def fail_at_three(number: int) -> int:
    if number == 3:
        raise ToolkitError("three is one too many")
    return number


def die(number: int) -> int:
    os._exit(7)


@pytest.mark.parametrize("workers", [1, 3])
def test_results_come_in_the_order_of_the_tasks(workers: int) -> None:
    assert list(spread(abs, range(-20, 0), workers)) == list(range(20, 0, -1))


@pytest.mark.parametrize("workers", [1, 2])
def test_what_a_task_raises_is_raised_here(workers: int) -> None:
    found = spread(fail_at_three, range(9), workers)
    assert [next(found) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ToolkitError, match="three is one too many"):
        next(found)


def test_a_worker_that_dies_is_one_sentence() -> None:
    with pytest.raises(ToolkitError, match="fewer --workers"):
        list(spread(die, range(4), 2))


@pytest.mark.parametrize("after", [0.0, 0.1, 0.3])
def test_an_interrupt_at_any_moment_shows_no_traceback_of_a_worker(
    tmp_path: Path, after: float
) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    process = subprocess.Popen(
        [sys.executable, str(script)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        cwd=REPO, start_new_session=True, text=True,
    )  # fmt: skip
    assert process.stdout is not None and process.stdout.readline() == "begun\n"
    time.sleep(after)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (130, "")
