"""Two scrapers that share a store and are killed over and over fetch no stored revision again."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from imagewikiqa.builders.wiki.scrape import read_pins
from imagewikiqa.builders.wiki.source import scrape
from imagewikiqa.core.digests import keyed_int

from .action_api import Site as Served
from .referee import Rules
from .scraping import files_in, site_at
from .site_pages import made_up
from .strict_server import KINDS, StrictServer, keyed_faults
from .test_scrape_strict import asked_of, check_texts

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]
Note = Callable[[str, object], None]
REPO = Path(__file__).resolve().parents[3]
TWO = ("one", "two")


@dataclass(slots=True)
class Scrapers:
    """Two processes that scrape the same titles into one store; a context manager."""

    api: str
    folder: Path
    titles: list[str]
    per_second: float
    forgetful: bool = False  # lose the store at each start: the broken scraper of the control
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    starts: int = 0

    def __enter__(self) -> "Scrapers":
        self.folder.mkdir()
        asked = json.dumps(self.titles)
        (self.folder / "titles.json").write_text(asked, encoding="utf-8")
        for name in TWO:
            self.start(name)
        return self

    def __exit__(self, *_: object) -> None:
        for name in [*self.running]:
            self.kill(name)

    def start(self, name: str) -> None:
        """Start one of the two."""
        if self.forgetful:
            for file in self.folder.glob("store.sqlite*"):
                file.unlink()
        self.starts += 1
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", "tests.builders.wiki.scraping", self.api,
                 str(self.folder), name, str(self.per_second), str(self.folder / "titles.json")],
                cwd=REPO, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip

    def kill(self, name: str) -> bool:
        """Kill one of the two; say whether it was still at work."""
        process = self.running.pop(name)
        at_work = process.poll() is None
        if at_work:
            os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
        if code not in (0, -signal.SIGKILL):
            words = (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")
            raise AssertionError(f"a scraper ended with {code}: {words[-2000:]}")
        return at_work

    def finish(self) -> None:
        """Let both come to their end."""
        for process in self.running.values():
            process.wait(600)

    def stored(self) -> set[int]:
        """Return the revisions that a reader of the store finds now."""
        path = self.folder / "store.sqlite"
        if not path.exists():
            return set()
        with sqlite3.connect(path, timeout=60) as store:
            try:
                return {row[0] for row in store.execute("select revision_id from revisions")}
            except sqlite3.OperationalError as error:
                if "no such table" in str(error):  # killed before it was made
                    return set()
                raise


def kill_in_turns(scrapers: Scrapers, server: StrictServer, kills: int, longest: float) -> int:
    """Kill one of the two at keyed-random moments and start it again; return the kills made
    while there was still something to fetch."""
    articles = [page for page in server.site.revisions.values() if page.is_article]
    made = 0
    for turn in range(kills):
        time.sleep(keyed_int("moment", turn) / 2**64 * longest)
        name = TWO[keyed_int("who", turn) % 2]
        at_work = scrapers.kill(name)
        server.referee.died()
        server.record.stored |= scrapers.stored()
        made += at_work and len(server.record.stored) < len(articles)
        scrapers.start(name)
    return made


def test_scrapers_killed_in_turns_fetch_nothing_twice_and_break_no_rule(
    tmp_path: Path, full_faults: bool, record_property: Note
) -> None:
    count, kills = (1_000, 30) if full_faults else (100, 3)
    # The two may be asking the same when one of them is told to wait.
    rules = Rules(minute=60.0 if full_faults else 12.0, retry_grace=1.0)
    per_second = 3.0 * 60 / rules.minute
    served = Served(made_up(count, seed=9), result_limit=100_000 if full_faults else 30_000)
    titles = asked_of(served.titles.values())
    faults = keyed_faults(*KINDS, every=10, seed=9, retry_after=3)
    with (
        StrictServer(served, rules, faults=faults, delay=0.05) as server,
        Scrapers(server.api, tmp_path / "both", titles, per_second) as scrapers,
    ):
        made = kill_in_turns(scrapers, server, kills, longest=3.0)
        scrapers.finish()
        scraped = scrape(titles, site_at(server.api), files_in(scrapers.folder, "one"))
    record = server.record
    twice = sum(record.texts.values()) - len(record.texts)
    words = f"{made} kills, {len(record.seen)} requests, {len(record.violations)} violations"
    record_property("faults", f"{words}, {twice} texts lost in a kill")
    assert record.violations == []
    assert made == kills
    assert twice <= made * 50  # a text that was on its way when its reader died
    assert check_texts(scraped, served, titles) > count * 0.8
    one, two = (read_pins(files_in(scrapers.folder, name).pins) for name in TWO)
    assert one == two and len(one) == len(set(titles))
    assert sum(record.faults.values()) > 0


def test_a_scraper_that_forgets_is_noticed(tmp_path: Path, record_property: Note) -> None:
    rules = Rules(minute=6.0)
    served = Served(made_up(100, seed=9), result_limit=100_000)
    titles = asked_of(served.titles.values())
    with (
        StrictServer(served, rules) as server,
        Scrapers(server.api, tmp_path / "both", titles, 30.0, forgetful=True) as scrapers,
    ):
        scrapers.kill("two")
        for _ in range(600):
            if server.record.texts or scrapers.running["one"].poll() is not None:
                break
            time.sleep(0.05)
        scrapers.finish()
        server.record.stored |= scrapers.stored()
        scrapers.start("two")
        scrapers.finish()
    found = server.record.broke("refetch")
    record_property("faults", f"{len(found)} refetches seen (control: a scraper that forgets)")
    assert found and server.record.violations == found
