"""A run that dies at any step of a batch goes on elsewhere, with the ledger alone."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from imagewikiqa.core.llm.anthropic_batches import AnthropicBatches
from imagewikiqa.core.llm.batch_ledger import BatchLedger
from imagewikiqa.core.llm.client import Reply
from imagewikiqa.core.llm.ledger import Ledger
from imagewikiqa.core.llm.openai_batches import OpenAIBatches
from tests.core.llm.batch_bench import (
    ask_all,
    check_ledger,
    check_nothing_paid_twice,
    requests,
)
from tests.core.llm.fake_batches import Plan
from tests.core.llm.fake_server import FakeModel, serving

COUNT = 6
DEAD = 9
SERVICES = {"openai": OpenAIBatches, "anthropic": AnthropicBatches}
# The step at which it dies, which time it comes to it, and before or after it is done.
STEPS: list[tuple[str, int, Literal["before", "after"]]] = [
    ("intend", 0, "before"),
    ("intend", 0, "after"),
    ("submit", 0, "after"),
    ("submitted", 0, "after"),
    ("look", 0, "after"),
    ("look", 1, "after"),
    ("results", 0, "before"),
    ("results", 0, "after"),
    ("keep", 0, "after"),
    ("settle", 0, "before"),
    ("settle", 2, "after"),
    ("end", 0, "before"),
    ("end", 0, "after"),
    ("intend", 1, "after"),
    ("submit", 1, "after"),
    ("end", 1, "before"),
]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModel]:
    with serving(FakeModel()) as model:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test")
        monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-test")
        monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", model.url)
        yield model


def dying(method: Callable[..., Any], time: int, when: str) -> Callable[..., Any]:
    """Return a method that ends the process when it is called for the given time."""
    left = [time]

    async def die(self: Any, *values: Any, **options: Any) -> Any:
        last = left[0] == 0
        left[0] -= 1
        if last and when == "before":
            os._exit(DEAD)
        result = await method(self, *values, **options)
        if last:
            os._exit(DEAD)
        return result

    return die


def run_until_dead(kind: str, server: FakeModel, file: Path, step: tuple[str, int, str]) -> None:
    """Ask in a process of its own that dies at a step; no line of ours is run after that."""
    name, time, when = step
    child = os.fork()
    if not child:
        try:
            owner: type = next(
                one for one in (SERVICES[kind], BatchLedger, Ledger) if hasattr(one, name)
            )
            setattr(owner, name, dying(getattr(owner, name), time, when))
            ask_all(kind, server, file, requests(COUNT))
        finally:
            os._exit(1)  # it must not come so far, nor into the test runner
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == DEAD


def elsewhere(file: Path) -> Path:
    """Copy the ledger, with what SQLite keeps beside it, as to another machine."""
    folder = file.parent / "elsewhere"
    folder.mkdir(exist_ok=True)
    for one in file.parent.glob(f"{file.name}*"):
        shutil.copy(one, folder / one.name)
        one.unlink()
    return folder / file.name


@pytest.mark.parametrize("kind", SERVICES)
@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step[2]} {step[0]} {step[1]}")
def test_a_run_that_dies_at_any_step_goes_on_from_a_copy_of_the_ledger(
    kind: str, step: tuple[str, int, str], server: FakeModel, tmp_path: Path
) -> None:
    server.batches.plans = [Plan("expired", lambda at: at % 2 == 0)]
    file, asked = tmp_path / "l.sqlite", requests(COUNT)
    run_until_dead(kind, server, file, step)
    file = elsewhere(file)
    said = ask_all(kind, server, file, asked)
    assert [one.text for one in said if isinstance(one, Reply)] == [f"echo: q{n}" for n in range(6)]
    assert [len(made.entries) for made in server.batches.made.values()] == [6, 3]
    check_nothing_paid_twice(kind, server, asked)
    assert set(server.batches.paid.values()) == {1} and len(server.batches.paid) == COUNT
    assert check_ledger(file, server)["ok"] == COUNT


@pytest.mark.parametrize("kind", SERVICES)
def test_a_run_that_dies_again_and_again_pays_once(
    kind: str, server: FakeModel, tmp_path: Path
) -> None:
    server.batches.plans = [Plan("expired", lambda at: at % 2 == 0, looks=0)]
    file, asked = tmp_path / "l.sqlite", requests(COUNT)
    for step in (("submit", 0, "after"), ("keep", 0, "before"), ("settle", 1, "after")):
        run_until_dead(kind, server, file, step)
        file = elsewhere(file)
    assert all(isinstance(one, Reply) for one in ask_all(kind, server, file, asked))
    assert [len(made.entries) for made in server.batches.made.values()] == [6, 3]
    check_nothing_paid_twice(kind, server, asked)
    assert check_ledger(file, server)["ok"] == COUNT


def test_a_batch_of_others_of_the_same_size_is_not_taken_for_a_lost_one(
    server: FakeModel, tmp_path: Path
) -> None:
    foreign = [(f"{number:064x}", {"messages": [], "model": "m"}) for number in range(COUNT)]
    theirs = server.batches.create(False, foreign, {})
    theirs.results = []  # it has ended, and holds nothing
    file, asked = tmp_path / "l.sqlite", requests(COUNT)
    run_until_dead("anthropic", server, file, ("submit", 0, "before"))
    assert all(isinstance(one, Reply) for one in ask_all("anthropic", server, file, asked))
    assert len(server.batches.made) == 2
    with Ledger(file) as ledger:
        ended = [*ledger.rows("select status, remote from batches order by id")]
    assert ended == [("lost", None), ("ended", "batch-1")]
