"""The command line starts light: no heavy package is loaded before it is used."""

import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

HEAVY = (
    "torch", "transformers", "datasets", "openai", "anthropic", "matplotlib", "pyarrow", "numpy",
    "pandas", "PIL", "inflect", "mwparserfromhell", "jinja2",
)  # fmt: skip
COMMANDS = (
    "rebuild",
    "pages",
    "draft",
    "filter",
    "assemble",
    "export",
    "draft captions",
    "audit",
    "gate",
    "verify",
    "builders",
    "mix",
    "ledger",
)
STAGE_OPTIONS = (
    "--classes", "--pages", "--author", "--judge", "--images", "--per-class", "--mode", "--config",
    "--images-per-question", "--questions", "--items", "--previous", "--set", "--out", "--seed",
    "--workers", "--limit", "--dry-run", "--json", "--sample", "--batch", "--budget", "--rpm",
    "--against",
)  # fmt: skip


def loaded(*arguments: str) -> set[str]:
    """Return the top-level packages that a command imports, in a process of its own."""
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "imagewikiqa", *arguments],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    names = re.findall(r"^import time:.*\|\s*([\w.]+)$", ended.stderr, re.M)
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("arguments", [["--help"], ["rebuild", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    found = loaded(*arguments)
    assert {"imagewikiqa", "typer"} <= found  # the names were read
    assert found & set(HEAVY) == set()


def test_no_stage_of_a_dry_run_loads_a_package_of_a_later_room() -> None:
    found = loaded("rebuild", "--sample", "--out", "never", "--dry-run")
    assert {"pydantic", "mwparserfromhell"} <= found
    assert found & {"torch", "transformers", "datasets", "openai", "anthropic"} == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_help_that_says_what_it_does(
    name: str, command: Callable[..., Any]
) -> None:
    every = command("--help")
    assert every.code == 0
    assert re.search(rf"^\W*{name}\s+\w+ \w+", every.out, re.M), every.out
    said = command(*name.split(), "--help")
    assert (said.code, said.err) == (0, "")
    assert f"imagewikiqa {name}" in said.out


def test_help_names_every_command_and_no_other(command: Callable[..., Any]) -> None:
    rows = command("--help").out.partition("Commands")[2]
    assert tuple(re.findall(r"^[│|] ([a-z]+(?: [a-z]+)?)  ", rows, re.M)) == COMMANDS


@pytest.mark.parametrize("name", COMMANDS[: COMMANDS.index("draft captions")])
def test_every_stage_takes_the_same_options(name: str, command: Callable[..., Any]) -> None:
    assert set(STAGE_OPTIONS) <= set(re.findall(r"--[a-z-]+", command(name, "--help").out))


def test_the_auditor_takes_the_options_of_the_contract(command: Callable[..., Any]) -> None:
    found = set(re.findall(r"--[a-z-]+", command("audit", "--help").out))
    assert {"--real", "--pages", "--json", "--out"} <= found


def test_version_is_that_of_the_package(command: Callable[..., Any]) -> None:
    from imagewikiqa import __version__

    assert command("--version").out == f"imagewikiqa {__version__}\n"
