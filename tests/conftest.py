"""Fixtures shared by all rooms, and the table of faults that were tried."""

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

# How long an example takes depends on what else the machine does.
settings.register_profile("patient", deadline=None, print_blob=True)
settings.load_profile("patient")

pytest_plugins = ["tests.label_studio"]  # one server for the tests of all rooms
REPO = Path(__file__).resolve().parent.parent
SHARED = REPO.parent / "shared" / "data"

sys.path.insert(0, str(REPO))  # worker processes import tests.core.stage_steps by its name


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch of `make faults`."""
    parser.addoption("--full-faults", action="store_true", help="kill and cut many more times")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what each fault test did: deaths, runs and what was seen wrong."""
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.getreports(kind)]
    rows = [
        (value, report.nodeid.rpartition("::")[2].removeprefix("test_").replace("_", " "))
        for report in reports
        for name, value in report.user_properties
        if name == "faults" and report.when == "call"
    ]
    if rows:
        terminalreporter.section("faults tried")
    for value, test in rows:
        terminalreporter.write_line(f"{value:45}  {test}")


@pytest.fixture(scope="session")
def full_faults(request: pytest.FixtureRequest) -> bool:
    """Tell whether the full set of kills and cuts was asked for."""
    return bool(request.config.getoption("--full-faults"))


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real pages and lists that lies beside the repository."""
    if not SHARED.is_dir():
        pytest.skip("needs the real pages and lists that lie beside the repository")
    return SHARED
