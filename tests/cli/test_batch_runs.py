"""`--batch` builds the same set at half the price, and is picked up wherever the ledger is."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.core.llm.batches import Pace
from imagewikiqa.core.llm.ledger import Ledger
from imagewikiqa.core.runs import verify_manifest
from tests.cli.test_services import BOTH, CANARY, line, rules, two_classes
from tests.conftest import REPO
from tests.core.llm.fake_batches import Plan
from tests.core.llm.fake_server import FakeModel, serving

__all__ = ["two_classes"]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModel]:
    for name, seconds in (("quiet", 0.02), ("first", 0.01), ("longest", 0.05)):
        monkeypatch.setitem(Pace.__init__.__kwdefaults__ or {}, name, seconds)
    with serving(FakeModel(rules=rules(), key=CANARY)) as model:
        monkeypatch.setenv("OPENAI_API_KEY", CANARY)
        monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
        monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", model.url)
        yield model


@BOTH
def test_a_batched_run_gives_the_same_set_at_half_the_price(
    service: str, tmp_path: Path, server: FakeModel, two_classes: Path, command: Callable[..., Any]
) -> None:
    def run(name: str, *more: object) -> Any:
        words = line(service, server, two_classes, tmp_path / name)
        known = [
            "anthropic:claude-sonnet-4-6" if str(one).startswith("anthropic:") else one
            for one in words
        ]
        said = command(*known, *more)
        assert said.code == 0, said.err
        assert verify_manifest(tmp_path / name) == []
        return said, json.loads((tmp_path / name / "cost.json").read_text(encoding="utf-8"))

    _, alone = run("alone")
    server.batches.plans = [Plan("expired", lambda at: at == 0)]
    said, batched = run("batched", "--batch")
    for name in ("questions.jsonl", "items.jsonl", "rejects.jsonl", "pages.jsonl", "config.yaml"):
        one, two = ((tmp_path / out / name).read_bytes() for out in ("alone", "batched"))
        assert one == two, name
    assert "submitted 2 requests as batch batch-0" in said.err
    assert "1 of 2 requests answered" in said.err
    assert set(server.batches.paid.values()) == {1}
    assert len(server.batches.paid) == alone["calls"]
    (one,), (two,) = alone["models"].values(), batched["models"].values()
    assert (one["batched"], two["batched"]) == (0, batched["calls"])
    assert one["input_tokens"] == two["input_tokens"]
    if service == "anthropic":  # a server of one's own has no price
        assert batched["usd"] == pytest.approx(alone["usd"] / 2)
    assert CANARY not in said.out + said.err
    for file in (tmp_path / "batched").rglob("*"):
        assert not file.is_file() or CANARY.encode() not in file.read_bytes(), file


@BOTH
def test_a_stopped_batch_is_taken_up_by_the_same_command_and_not_asked_alone(
    service: str, tmp_path: Path, server: FakeModel, two_classes: Path, command: Callable[..., Any]
) -> None:
    words = line(service, server, two_classes, tmp_path / "run")
    server.batches.fails = {("look", 0): 401}
    said = command(*words, "--batch")
    assert said.code == 2
    assert "go on at" in said.err and "the same command takes them up" in said.err
    said = command(*words)
    assert said.code == 2
    assert "2 requests" in said.err and "--batch" in said.err and not server.bodies
    own = ("--base-url", f"{server.url}/v1") if service == "openai" else ()
    said = command("rebuild", "--out", tmp_path / "run", "--batch", "--json", *own)
    assert said.code == 0, said.err
    assert "taking up batch batch-0" in said.err
    assert set(server.batches.paid.values()) == {1}
    with Ledger(tmp_path / "run" / "ledger.sqlite") as ledger:
        assert {row.status for row in ledger.attempts()} == {"ok"}


def test_an_interrupt_tells_that_batches_go_on_and_the_next_run_takes_them_up(
    tmp_path: Path, server: FakeModel, two_classes: Path, command: Callable[..., Any]
) -> None:
    server.batches.plans = [Plan("expired", lambda at: at == 0, looks=10**6)]
    words = [*map(str, line("anthropic", server, two_classes, tmp_path / "run")), "--batch"]
    process = subprocess.Popen(
        [sys.executable, "-m", "imagewikiqa", *words], stderr=subprocess.PIPE, text=True, cwd=REPO
    )
    until = time.monotonic() + 60
    while not server.batches.calls["look"] and time.monotonic() < until:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "batches that go on at anthropic: 1; the same command takes them up" in err
    assert "Traceback" not in err and CANARY not in err
    for made in server.batches.made.values():
        made.looks = 10**6
    said = command(*words)
    assert said.code == 0, said.err
    assert set(server.batches.paid.values()) == {1}
    first, second, *_ = ([key for key, _ in one.entries] for one in server.batches.made.values())
    assert len(first) == 2 and first[1] in second and first[0] not in second


def test_a_server_without_batches_is_one_sentence(
    tmp_path: Path, server: FakeModel, two_classes: Path, command: Callable[..., Any]
) -> None:
    server.batches.offered = False
    words = line("openai", server, two_classes, tmp_path / "run")
    said = command(*words, "--batch")
    assert said.code == 2
    assert "has no batches" in said.err and "leave out --batch" in said.err
    assert command(*words).code == 0


def test_batches_without_a_model_that_takes_them_are_refused(
    tmp_path: Path, command: Callable[..., Any]
) -> None:
    said = command("rebuild", "--sample", "--out", tmp_path / "run", "--batch")
    assert said.code == 2
    assert "--batch is given" in said.err
