"""A client that asks through the ledger: what was answered before is never asked again."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.client import Reply, Request, Usage
from imagewikiqa.core.llm.failures import CallError
from imagewikiqa.core.llm.ledger import Ledger, Status, request_key
from imagewikiqa.core.llm.limits import Limiter, about_tokens

Price = Callable[[str, Usage], float | None]
_STATUS: dict[str, Status] = {
    "stop": "ok", "length": "truncated", "refusal": "refused", "filtered": "filtered",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer as it came over the wire, and the provider's own name for it."""

    body: bytes
    request_id: str | None = None


class ShapeError(Exception):
    """Raw bytes that are no answer of this provider; the sentence says what is wrong in them."""


class Provider(Protocol):
    """One service: it sends a request and reads the raw answer, apart from each other."""

    @property
    def name(self) -> str:
        """Return the provider's name in keys and prices, as in "openai"."""

    @property
    def model(self) -> str:
        """Return the model asked for."""

    async def send(self, request: Request) -> Raw:
        """Return the raw answer; raise RecordError for this request, ToolkitError for all."""

    def read(self, body: bytes) -> Reply:
        """Return what raw bytes say; raise ShapeError when they say nothing."""


def no_price(model: str, usage: Usage) -> float | None:
    """Return that the price of a call is not known."""
    return None


def nothing_to_pay(model: str, usage: Usage) -> float:
    """Return the price of a call that this machine answers."""
    return 0.0


@dataclass(slots=True)
class LedgeredClient:
    """Asks a provider through a ledger. Two calls that ask the same at once share one attempt."""

    provider: Provider
    ledger: Ledger
    run: str
    price: Price = no_price
    limiter: Limiter = field(default_factory=Limiter)
    _asked: dict[str, asyncio.Task[Reply]] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """Return the model asked for."""
        return self.provider.model

    async def ask(self, request: Request) -> Reply:
        """Return the stored answer, or ask; raise as the provider does."""
        key = request_key(self.provider.name, request)
        stored = self.ledger.answer(key)
        if stored is not None:
            if stored.settled:
                return self.provider.read(stored.raw)
            return await self._read(stored.attempt, stored.raw)  # a run was killed before it could
        task = self._asked.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._pay(request))
            self._asked[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        # A caller that is cancelled must not take away the answer of the others.
        return await asyncio.shield(task)

    def _forget(self, key: str, done: asyncio.Task[Reply]) -> None:
        """Let go of a call that ended; its error was told to whoever still waits for it."""
        self._asked.pop(key, None)
        if not done.cancelled():
            done.exception()  # else the loop prints it when every caller was cancelled

    async def _pay(self, request: Request) -> Reply:
        async with self.limiter.slot(about_tokens(request)) as slot:
            attempt = await self.ledger.start(self.provider.name, request, self.run)
            try:
                raw = await self.provider.send(request)
            except Exception as error:
                if isinstance(error, CallError) and error.busy:
                    self.limiter.pause(error.after)
                free = isinstance(error, ToolkitError) or getattr(error, "free", False)
                told = f"{type(error).__name__}: {error}"
                usd = 0.0 if free else None
                await self.ledger.settle(attempt, "error", usd=usd, error=told)
                raise
            await self.ledger.keep(attempt, raw.body, raw.request_id)
            reply = await self._read(attempt, raw.body)
            slot.used = reply.usage.input_tokens + reply.usage.output_tokens
            return reply

    async def _read(self, attempt: int, body: bytes) -> Reply:
        """Read a stored answer for the first time, and write down what it says."""
        try:
            reply = self.provider.read(body)
        except ShapeError as error:
            await self.ledger.settle(attempt, "invalid", error=str(error))
            raise CallError("answer of another shape", str(error)) from error
        usage = reply.usage
        await self.ledger.settle(
            attempt,
            _STATUS[reply.finish],
            answered_by=reply.model,
            tokens=(usage.input_tokens, usage.output_tokens),
            usd=self.price(reply.model, usage),
        )
        return reply
