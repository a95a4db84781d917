"""A stage that asks a model is killed at any moment: what was answered is never paid again."""

import contextlib
import json
import sqlite3
import subprocess
import sys
import time
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.core.digests import keyed_int
from imagewikiqa.core.llm.scripted import Rule
from tests.core.llm.fake_server import FakeModel, serving
from tests.faults.harness import KILLED, REPO

IN_FLIGHT = 16


def words_of(body: bytes) -> str:
    """Return the words of a stored request, as the server counts them."""
    request = json.loads(zlib.decompress(body))[1]
    return "\n".join(part["text"] for turn in request["messages"] for part in turn["content"])


def answered(ledger: Path) -> set[str]:
    """Return the words of every request whose answer is committed."""
    if not ledger.is_file():
        return set()
    with contextlib.closing(sqlite3.connect(ledger)) as db:
        rows = db.execute(
            "select body from requests join attempts using (key) where raw is not null"
        )
        return {words_of(body) for (body,) in rows}


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_kills_of_a_filter_lose_no_answer_and_pay_only_for_what_was_on_its_way(
    tmp_path: Path, record_property: Any, full_faults: bool
) -> None:
    kills, classes, votes = (100, 75, 6) if full_faults else (3, 8, 2)
    errors = tmp_path / "errors"
    server = FakeModel(rules=[Rule(contains=("\nA. ",), reply="A")], delay=0.03)
    with serving(server) as model:

        def filtering(out: Path) -> subprocess.Popen[bytes]:
            words = (
                "filter", "--sample", "--limit", classes, "--judge", "openai:m", "--base-url",
                f"{model.url}/v1", "--in-flight", IN_FLIGHT, "--out", out, "--json", "--set",
                f"filter.votes={votes}", "--set", "filter.votes_with=1", "--set",
                "filter.stop=never", "--set", "filter.second_opinion=off",
            )  # fmt: skip
            return subprocess.Popen(
                [sys.executable, "-m", "imagewikiqa", *map(str, words)], cwd=REPO,
                stdout=subprocess.DEVNULL, stderr=errors.open("ab"),
            )  # fmt: skip

        assert filtering(tmp_path / "quiet").wait() == 0, errors.read_text()
        once = Counter(model.asked)
        assert set(once.values()) == {1}, "each request of this job has other words"
        model.asked.clear()
        again: Counter[str] = Counter()
        most, died = 0, 0
        for turn in range(kills):
            before, seen = Counter(model.asked), sum(model.asked.values())
            enough = seen + 10 + keyed_int("kill", turn) % (len(once) // kills)
            process = filtering(tmp_path / "run")
            while sum(model.asked.values()) < enough and process.poll() is None:
                time.sleep(0.001)
            process.kill()
            died += process.wait() == KILLED
            time.sleep(0.1)  # what is on its way arrives at the server
            now = set(model.asked - before)  # asked by this one, again or for the first time
            lost = now - answered(tmp_path / "run" / "ledger.sqlite")
            again.update(lost)
            most = max(most, len(lost))
        assert filtering(tmp_path / "run").wait() == 0, errors.read_text()
        assert most <= IN_FLIGHT
        assert model.asked == Counter({words: 1 + again[words] for words in once})
    for name in ("filter.jsonl", "filter.rejects.jsonl"):
        one, two = (tmp_path / run / "work" / name for run in ("quiet", "run"))
        assert one.read_bytes() == two.read_bytes(), name
    record_property(
        "faults",
        f"{died} of {kills} killed, {sum(again.values())} of {len(once)} calls paid twice, "
        f"{most} at most for one kill",
    )
    assert died >= kills - 1
