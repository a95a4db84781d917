"""What the tests of batches share: services over HTTP, a quick pace, and what must always hold."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from imagewikiqa.core.llm.anthropic_batches import AnthropicBatches
from imagewikiqa.core.llm.batch_ledger import open_batches
from imagewikiqa.core.llm.batched import BatchedClient
from imagewikiqa.core.llm.batches import BatchService, Pace
from imagewikiqa.core.llm.client import Reply, Request, Usage, user_request
from imagewikiqa.core.llm.ledger import Ledger, asked_of
from imagewikiqa.core.llm.openai_batches import OpenAIBatches
from tests.core.llm.fake_server import FakeModel

QUICK = Pace(quiet=0.01, first=0.005, longest=0.02)
NAMES = {"openai": "openai-compatible", "anthropic": "anthropic"}  # in keys
PRICE = 1.0  # of a call that is asked alone


def price(model: str, usage: Usage) -> float:
    return PRICE


def service(kind: str, server: FakeModel) -> BatchService:
    """Return a service at the fake server; the address of Anthropic is in the environment."""
    return OpenAIBatches("m", f"{server.url}/v1") if kind == "openai" else AnthropicBatches("m")


def requests(count: int) -> list[Request]:
    return [user_request("m", "p@1", f"q{number}", 10) for number in range(count)]


def ask_all(
    kind: str, server: FakeModel, file: Path, asked: Sequence[Request], pace: Pace = QUICK
) -> list[Reply | BaseException]:
    """Ask in a fresh client and a fresh loop; return replies and errors in order."""

    async def run() -> list[Reply | BaseException]:
        with Ledger(file) as ledger:
            client = BatchedClient(service(kind, server), ledger, "run", price, pace)
            return await asyncio.gather(*(client.ask(one) for one in asked), return_exceptions=True)

    return asyncio.run(run())


def check_nothing_paid_twice(kind: str, server: FakeModel, asked: Sequence[Request]) -> None:
    """Check that what was answered once was never sent again, and nobody sent a request twice."""
    answered: set[str] = set()
    for made in server.batches.made.values():
        for at, (key, _) in enumerate(made.entries):
            assert key not in answered, f"{key[:8]} was answered and sent again in {made.id}"
            if made.ended and made.plan.answered(at):
                answered.add(key)
    assert set(server.batches.paid.values()) <= {1}
    assert set(server.batches.paid) <= {asked_of(NAMES[kind], one).key for one in asked}


def check_ledger(file: Path, server: FakeModel) -> Counter[str]:
    """Check that the ledger holds every answer that was paid; return its statuses."""
    with Ledger(file) as ledger:
        rows = list(ledger.attempts())
        paid = {row.key for row in rows if row.status in ("ok", "invalid")}
        assert paid >= set(server.batches.paid), "a finished answer was not ingested"
        for row in rows:
            assert row.batch is not None
            assert row.usd == {"ok": PRICE / 2, "error": 0.0}.get(row.status), row
        (name,) = {row.provider for row in rows}
        (model,) = {row.model for row in rows}
        assert open_batches(ledger, name, model) == []
        return Counter(row.status for row in rows)
