"""The cases of ray_cases.py, in a process of their own: Ray leaves threads and files behind."""

import subprocess
import sys
from pathlib import Path

import pytest

CASES = Path(__file__).with_name("ray_cases.py")


@pytest.mark.timeout(600)
def test_the_engine_for_ray_makes_the_same_bytes_whatever_dies_meanwhile() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(
        [*command, str(CASES)], cwd=CASES.parents[2], capture_output=True, text=True, check=False
    )
    last = done.stdout.splitlines()[-1]
    assert done.returncode == 0, done.stdout[-6000:]
    assert "passed" in last and "skipped" not in last
