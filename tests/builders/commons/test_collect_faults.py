"""A collector that is killed over and over fetches no stored picture again."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from imagewikiqa.core.digests import keyed_int

from .commons_site import CommonsServer, CommonsSite
from .world import RULES, article, file, gather, tree

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]
Note = Callable[[str, object], None]
PER_CLASS = 100
REPO = Path(__file__).resolve().parents[3]


def world(count: int) -> CommonsSite:
    """Return two classes with so many photographs each."""
    pages = [article(1, "Tiger", "[[File:Tiger 1.jpg]]"), article(2, "Lion", "[[File:Lion 1.jpg]]")]
    files = [
        file(f"{name} {at}.jpg", 100 * at + seed, name)
        for seed, name in enumerate(("Tiger", "Lion"))
        for at in range(count)
    ]
    return CommonsSite(pages, files)


def start(server: CommonsServer, folder: Path, out: str = "out") -> "subprocess.Popen[bytes]":
    folder.mkdir(exist_ok=True)
    with (folder / f"{out}.log").open("ab") as log:
        told = [server.api, str(folder), out, str(PER_CLASS)]
        return subprocess.Popen(
            [sys.executable, "-m", "tests.builders.commons.collecting", *told],
            cwd=REPO, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip


def stored(folder: Path) -> set[str]:
    """Return the sha1 of the originals that a collector has stored."""
    names = (path.name for path in (folder / "media").glob("??/*"))
    return {name.partition("-")[0] for name in names if not name.startswith(".")}


def kill_over_and_over(
    server: CommonsServer,
    folder: Path,
    kills: int,
    *,
    longest: float = 0.4,
    forgetful: bool = False,
) -> int:
    """Kill the collector at keyed-random moments; return how often it was in the middle."""
    made = 0
    for turn in range(kills):
        seen = len(server.record.seen)
        if forgetful:
            shutil.rmtree(folder / "media", ignore_errors=True)
        process = start(server, folder)
        # Starting takes a second that says nothing: the clock runs from the first new request.
        while process.poll() is None and len(server.record.seen) == seen:
            time.sleep(0.01)
        time.sleep(keyed_int("moment", turn) / 2**64 * longest)
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            made += 1
        process.wait()
        server.stored |= stored(folder)
    return made


def test_killed_collectors_fetch_nothing_twice_and_write_the_same_bytes(
    tmp_path: Path, full_faults: bool, record_property: Note
) -> None:
    count, kills = (100, 30) if full_faults else (15, 4)
    delay = 0.2 if full_faults else 0.05
    site = world(count)
    with CommonsServer(site, RULES) as server:
        gather(server, tmp_path / "whole", per_class=PER_CLASS)
    with CommonsServer(site, RULES, delay=delay) as server:
        folder = tmp_path / "killed"
        made = kill_over_and_over(server, folder, kills)
        ends = [start(server, folder), start(server, folder, "second")]
        assert [process.wait(600) for process in ends] == [0, 0]
    twice = sum(server.sent.values()) - len(server.sent)
    record_property(
        "faults", f"{made} kills, {len(server.refetched)} refetches, {twice} on the way"
    )
    assert server.record.violations == [] and server.refetched == []
    assert made > 0 and twice <= 3 * kills
    whole = {k: v for k, v in tree(tmp_path / "whole/out").items() if k.startswith("images/")}
    assert {k: v for k, v in tree(folder / "out").items() if k.startswith("images/")} == whole
    assert tree(folder / "out") == tree(folder / "second")
    assert len(whole) == 2 * count


def test_a_collector_that_forgets_is_noticed(tmp_path: Path, record_property: Note) -> None:
    with CommonsServer(world(10), RULES) as server:
        kill_over_and_over(server, tmp_path / "killed", 1)
        assert start(server, tmp_path / "killed").wait(600) == 0
        server.stored |= stored(tmp_path / "killed")
        assert server.refetched == []
        kill_over_and_over(server, tmp_path / "killed", 1, forgetful=True)
        shutil.rmtree(tmp_path / "killed/media")
        assert start(server, tmp_path / "killed").wait(600) == 0
    found = len(server.refetched)
    record_property("faults", f"{found} refetches seen (control: a collector that forgets)")
    assert found > 0
