"""A client that asks through the ledger: what was answered before is never asked again."""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.budget import Meter
from imagewikiqa.core.llm.client import Reply, Request
from imagewikiqa.core.llm.failures import CallError
from imagewikiqa.core.llm.ledger import Answer, Asked, Ledger, Status, asked_of
from imagewikiqa.core.llm.limits import Limiter, about_tokens
from imagewikiqa.core.llm.prices import Price, no_price

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


class Reader(Protocol):
    """Whatever reads the raw answers of one service."""

    def read(self, body: bytes) -> Reply:
        """Return what raw bytes say; raise ShapeError when they say nothing."""


@dataclass(slots=True)
class LedgeredClient:
    """Asks a provider through a ledger. Two calls that ask the same at once share one attempt."""

    provider: Provider
    ledger: Ledger
    run: str
    price: Price = no_price
    limiter: Limiter = field(default_factory=Limiter)
    meter: Meter = field(default_factory=Meter)
    _asked: dict[str, asyncio.Task[Reply]] = field(default_factory=dict)

    @property
    def model(self) -> str:
        """Return the model asked for."""
        return self.provider.model

    async def ask(self, request: Request) -> Reply:
        """Return the stored answer, or ask; raise as the provider does."""
        asked = asked_of(self.provider.name, request)
        key = asked.key
        stored = self.ledger.answer(key)
        if stored is not None:
            return await reply_of(stored, self.provider, self.ledger, self.price)
        task = self._asked.get(key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._pay(asked))
            self._asked[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        # A caller that is cancelled must not take away the answer of the others.
        return await asyncio.shield(task)

    def _forget(self, key: str, done: asyncio.Task[Reply]) -> None:
        """Let go of a call that ended; its error was told to whoever still waits for it."""
        self._asked.pop(key, None)
        if not done.cancelled():
            done.exception()  # else the loop prints it when every caller was cancelled

    async def _pay(self, asked: Asked) -> Reply:
        """Send a request; its place goes to the next one when the answer is there."""
        async with self.limiter.ready:
            held = await self.meter.hold(asked.request, self.price)
            attempt = await self.ledger.start(asked, self.run)
            async with self.limiter.unsaved:
                async with self.limiter.slot(about_tokens(asked.request)) as slot:
                    raw = await self._send(attempt, asked.request, held)
                await self.ledger.keep(attempt, raw.body, raw.request_id)
        answer = Answer(attempt, raw.body, settled=False, batched=False)
        try:
            reply, usd = await read_answer(answer, self.provider, self.ledger, self.price)
        except CallError:
            self.meter.settle(held, None)
            raise
        self.meter.settle(held, usd)
        slot.correct(reply.usage.input_tokens + reply.usage.output_tokens)
        return reply

    async def _send(self, attempt: int, request: Request, held: float) -> Raw:
        try:
            return await self.provider.send(request)
        except Exception as error:
            if isinstance(error, CallError) and error.busy:
                self.limiter.pause(error.after)
            free = isinstance(error, ToolkitError) or getattr(error, "free", False)
            told = f"{type(error).__name__}: {error}"
            usd = 0.0 if free else None
            self.meter.settle(held, usd)
            await self.ledger.settle(attempt, "error", usd=usd, error=told)
            raise


async def reply_of(answer: Answer, reader: Reader, ledger: Ledger, price: Price) -> Reply:
    """Return what a stored answer says; write it down if no run lived to do so."""
    if answer.settled:
        return reader.read(answer.raw)
    return (await read_answer(answer, reader, ledger, price))[0]


async def read_answer(
    answer: Answer, reader: Reader, ledger: Ledger, price: Price
) -> tuple[Reply, float | None]:
    """Read an answer for the first time, write down what it says, and return it and its price.

    An answer of a batch costs half, whoever reads it first. Raises CallError for bytes of another
    shape.
    """
    try:
        reply = reader.read(answer.raw)
    except ShapeError as error:
        await ledger.settle(answer.attempt, "invalid", error=str(error))
        raise CallError("answer of another shape", str(error), came=True) from error
    usage = reply.usage
    usd = price(reply.model, usage)
    usd = usd / 2 if usd is not None and answer.batched else usd
    await ledger.settle(
        answer.attempt,
        _STATUS[reply.finish],
        answered_by=reply.model,
        tokens=(usage.input_tokens, usage.output_tokens),
        usd=usd,
    )
    return reply, usd
