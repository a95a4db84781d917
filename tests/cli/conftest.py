"""Calls of the command line in this process, and one small finished run to spoil copies of."""

import contextlib
import io
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.cli.main import run


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended and what it said."""

    code: object
    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        """Return the JSON object on the last line of stdout."""
        found: dict[str, Any] = json.loads(self.out.splitlines()[-1])
        return found


Command = Callable[..., Said]


def call(*arguments: object) -> Said:
    """Run the command line as `python -m imagewikiqa` does, without a new process."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        with pytest.raises(SystemExit) as stop:
            run([str(argument) for argument in arguments])
    return Said(stop.value.code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def command() -> Command:
    """Return a function that runs one command and returns what it said."""
    return call


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a finished run of the first fourteen sample classes; copy it before spoiling it."""
    out = tmp_path_factory.mktemp("finished") / "run"
    said = call("rebuild", "--sample", "--limit", 14, "--out", out, "--json")
    assert said.code == 0, said.err
    assert said.summary["questions"] >= 10
    return out


@pytest.fixture
def copied(finished: Path, tmp_path: Path) -> Path:
    """Return a copy of the finished run."""
    return Path(shutil.copytree(finished, tmp_path / "run"))
