"""`rebuild` from a wiki: mistakes are one sentence, and whatever dies, the same pages come out."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.core.digests import keyed_int
from tests.builders.wiki.action_api import Site
from tests.builders.wiki.referee import Rules
from tests.builders.wiki.site_pages import SitePage, made_up
from tests.builders.wiki.strict_server import StrictServer, keyed_faults
from tests.cli.conftest import Command

CONTACT = "operator@lab.test"
COUNT = 240
CRANE = "'''Crane''' may refer to:\n* [[Subject 0001]]\n\n{{disambiguation}}"


@pytest.fixture
def wiki() -> Iterator[StrictServer]:
    """Serve pages made up by rule; a minute of the rules is six seconds."""
    pages = made_up(COUNT, seed=3)
    crane = SitePage(page_id=1, title="Crane", revision_id=2, wikitext=CRANE)
    with StrictServer(Site([*pages, crane]), Rules(retry_grace=1.0), delay=0.05) as server:
        yield server


@pytest.fixture
def classes(tmp_path: Path) -> Path:
    """Return a list of classes whose names are titles, some of them of no article."""
    file = tmp_path / "classes.csv"
    names = [f"Subject {number:04d}" for number in range(COUNT)]
    rows = [f"c{number},{name}" for number, name in enumerate(names)]
    more = ["c998,crane", "c999,Never written"]
    file.write_text("\n".join(["id,name", *rows, *more]) + "\n", encoding="utf-8")
    return file


@pytest.fixture
def options(wiki: StrictServer, classes: Path, tmp_path: Path) -> list[object]:
    return [
        "pages", "--classes", classes, "--wiki-api", wiki.api, "--contact", CONTACT,
        "--cache", tmp_path / "cache", "--out", tmp_path / "run",
    ]  # fmt: skip


@pytest.fixture(autouse=True)
def _own_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))


def rejects_of(run: Path, name: str) -> list[dict[str, Any]]:
    rows = map(json.loads, (run / "work" / f"{name}.rejects.jsonl").read_text().splitlines())
    return [row for row in rows if row["reason"] == "no page"]


def test_a_class_without_a_page_is_told_what_the_wiki_said(
    options: list[object], tmp_path: Path, command: Command
) -> None:
    said = command(*options)
    assert said.code == 0, said.err
    why = {row["input"]: row["detail"] for row in rejects_of(tmp_path / "run", "match")}
    assert why["c998"] == "asked for 'Crane': disambiguation page"
    assert why["c999"] == "asked for 'Never written': missing page"
    assert why["c5"] == "asked for 'Subject 0005': disambiguation page"
    assert said.err.splitlines()[:3] == [
        line for line in said.err.splitlines() if line.startswith(("titles", "missing", "revis"))
    ]


def spoil(row: dict[str, Any], **changes: object) -> str:
    return json.dumps({**row, **changes})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda pin: [spoil(pin, host="en.wikipedia.org")], "pinned to a revision of en.wiki"),
        (lambda pin: [spoil(pin, sha256="0" * 64)], "is not the text that was pinned"),
        (lambda pin: [spoil(pin, revision_id=2**70)], "line 1 is not a Pin: revision_id: Input"),
        (lambda pin: [spoil(pin, revision_id=-5)], "line 1 is not a Pin: revision_id: Input"),
        (lambda pin: [spoil(pin), spoil(pin)], "pins 'Subject 0001' twice"),
        (lambda pin: [spoil(pin), '{"id":'], "line 2 is not a Pin"),
        (lambda pin: [spoil(pin, id="a\ud800")], "line 1 is not a Pin"),
        (lambda pin: [spoil(pin, sha256=None)], "without a revision and its sha256"),
    ],
)
def test_pins_that_cannot_be_are_one_sentence(
    options: list[object],
    tmp_path: Path,
    command: Command,
    change: Callable[[dict[str, Any]], list[str]],
    sentence: str,
) -> None:
    options += ["--limit", 3]
    assert command(*options).code == 0
    rows = map(json.loads, (tmp_path / "run" / "pins.jsonl").read_text().splitlines())
    (pin,) = (row for row in rows if row["id"] == "Subject 0001")
    given = tmp_path / "given.jsonl"
    given.write_text("\n".join(change(pin)) + "\n", encoding="utf-8")
    other = [*options, "--out", tmp_path / "other", "--pages", f"pins:{given}"]
    said = command(*other)
    assert said.code == 2
    assert sentence in said.err and "Traceback" not in said.err


def test_a_cache_that_cannot_be_is_one_sentence_that_names_the_option(
    options: list[object], tmp_path: Path, command: Command
) -> None:
    (tmp_path / "cache").write_text("a file")
    said = command(*options)
    assert said.code == 2 and "File exists" in said.err and "--cache" in said.err


def test_a_damaged_cache_is_one_sentence_and_the_way_it_names_works(
    wiki: StrictServer, options: list[object], tmp_path: Path, command: Command
) -> None:
    options += ["--limit", 20]
    assert command(*options).code == 0
    before = (tmp_path / "run" / "pages.jsonl").read_bytes()
    store = tmp_path / "cache" / "wiki.sqlite"
    store.write_bytes(store.read_bytes()[:8192] + os.urandom(200_000))
    other = [*options, "--out", tmp_path / "other"]
    said = command(*other)
    assert said.code == 2 and "is damaged" in said.err and "move it away" in said.err
    store.rename(tmp_path / "damaged")
    assert command(*other).code == 0
    assert (tmp_path / "other" / "pages.jsonl").read_bytes() == before
    assert wiki.record.violations == []


@pytest.mark.faults
def test_commands_killed_and_interrupted_write_what_an_undisturbed_one_writes(
    options: list[object], tmp_path: Path, command: Command, record_property: Any,
    full_faults: bool, wiki: StrictServer,
) -> None:  # fmt: skip
    wiki.faults = keyed_faults("429", "500", "reset", "cut", every=9, seed=4)
    quiet = [*options]
    quiet[quiet.index("--cache") + 1] = tmp_path / "quiet cache"
    assert command(*quiet[:-1], tmp_path / "quiet").code == 0
    ended = []
    for turn in range(10 if full_faults else 4):
        moment = keyed_int("moment", turn) / 2**64 * 0.4
        ended.append(_stopped(options, wiki, moment, (signal.SIGKILL, signal.SIGINT)[turn % 2]))
        wiki.referee.died()
    said = command(*options)
    assert said.code == 0, said.err
    for name in ("pages.jsonl", "pins.jsonl"):
        whole = (tmp_path / "quiet" / name).read_bytes()
        assert (tmp_path / "run" / name).read_bytes() == whole, name
    assert wiki.record.violations == []
    record_property("faults", f"{sum(code != 0 for code in ended)} of {len(ended)} stopped early")
    assert ended[:2] == [-signal.SIGKILL, 130] and set(ended) <= {0, -signal.SIGKILL, 130}


def _stopped(options: list[object], wiki: StrictServer, seconds: float, how: signal.Signals) -> int:
    """Run a command, end it soon after its first request, and return its exit code."""
    asked = len(wiki.record.seen)
    with subprocess.Popen(
        [sys.executable, "-m", "imagewikiqa", *map(str, options)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        while len(wiki.record.seen) == asked and process.poll() is None:
            time.sleep(0.01)
        time.sleep(seconds)
        process.send_signal(how)
        _, said = process.communicate(timeout=120)
    assert "Traceback" not in said, said
    if process.returncode == 130:
        assert said.splitlines()[-1].endswith("run the same command again to resume")
    return process.returncode
