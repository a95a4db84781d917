"""The life of one batch: noted, submitted, looked at until it ends, and all it brought kept."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.batch_ledger import BatchLedger
from imagewikiqa.core.llm.batches import (
    Batch,
    BatchService,
    BatchState,
    NotEndedError,
    Pace,
    Result,
)
from imagewikiqa.core.llm.client import Reply, Request
from imagewikiqa.core.llm.failures import CallError
from imagewikiqa.core.llm.ledger import Answer
from imagewikiqa.core.llm.ledgered import reply_of
from imagewikiqa.core.llm.prices import Price

T = TypeVar("T")
_LOG = logging.getLogger("imagewikiqa")


@dataclass(frozen=True, slots=True)
class Ended:
    """What a batch brought: a reply or an error for each of its keys."""

    outcomes: Mapping[str, Reply | Exception]
    crowded: bool = False


@dataclass(frozen=True, slots=True)
class BatchLife:
    """Carries batches of one service from the ledger and back into it.

    It may be killed between any two lines: what is not in the ledger by then is found again.
    """

    service: BatchService
    book: BatchLedger
    price: Price
    pace: Pace = field(default_factory=Pace)

    async def submit(self, requests: Mapping[str, Request], lines: Sequence[bytes]) -> Batch:
        """Hand requests over as one batch; raise as the service does when it takes none."""
        batch = await self.book.intend(requests)
        try:
            remote = await self._hand_over(batch, lines)
        except (CallError, ToolkitError) as error:
            await self.book.give_up(batch, "refused", str(error))
            raise
        return await self._named(batch, remote)

    async def take_up(self, batch: Batch) -> Batch | None:
        """Return a batch of an earlier run with its name; None when it was never handed over."""
        if batch.remote is not None:
            _LOG.info("taking up batch %s of %d requests", batch.remote, batch.requests)
            return batch
        remote = await self._found(batch)
        if remote is None:
            await self.book.give_up(batch, "lost", "the batch was never submitted")
            return None
        return await self._named(batch, remote)

    async def finish(self, batch: Batch) -> Ended:
        """Wait until a named batch ends, keep all it brought, and return that."""
        remote = batch.remote or ""
        state = await self._until_ended(remote)
        results = await self._patiently(lambda: self.service.results(remote, state))
        keys = self.book.keys(batch)
        outcomes = await self._ingest(self.book.pending(batch), results)
        left = {key: state.by_line.get(at, state.left) for at, key in enumerate(keys)}
        without = self.book.pending(batch)
        for key in without:
            outcomes.setdefault(key, left[key])
        await asyncio.gather(
            *(self._fail(attempt, outcomes[key]) for key, attempt in without.items())
        )
        good = sum(isinstance(one, Reply) for one in outcomes.values())
        error = str(state.left) if state.status == "failed" else None
        await self.book.end(batch, state.status, good, error)
        _LOG.info(
            "batch %s is over (%s): %d of %d requests answered",
            remote, state.status, good, batch.requests,
        )  # fmt: skip
        return Ended(outcomes, state.crowded)

    async def _hand_over(self, batch: Batch, lines: Sequence[bytes]) -> str:
        """Submit until it is sure that the service has the batch once."""
        number = 0
        while True:
            try:
                return await self.service.submit(batch.tag, lines)
            except CallError as error:
                if not error.again:
                    raise
                fault = error
            await asyncio.sleep(max(fault.after or 0.0, self.pace.waits(number)))
            found = await self._found(batch)  # the answer may have been lost, not the batch
            if found is not None:
                return found
            number += 1
            if number >= self.pace.tries:
                raise fault

    async def _named(self, batch: Batch, remote: str) -> Batch:
        await self.book.submitted(batch, remote)
        _LOG.info("submitted %d requests as batch %s", batch.requests, remote)
        return Batch(
            id=batch.id, tag=batch.tag, remote=remote, requests=batch.requests,
            started_at=batch.started_at,
        )  # fmt: skip

    async def _found(self, batch: Batch) -> str | None:
        keys, number = set(self.book.keys(batch)), 0
        while True:
            try:
                return await self._patiently(
                    lambda: self.service.find(batch, keys, self.book.known())
                )
            except NotEndedError as open_one:
                if not number:
                    _LOG.info("batch %s may be a lost one: waiting until it ends", open_one)
            await asyncio.sleep(self.pace.waits(number))
            number += 1

    async def _until_ended(self, remote: str) -> BatchState:
        number = 0
        while True:
            state = await self._patiently(lambda: self.service.look(remote))
            if state.ended:
                return state
            await asyncio.sleep(self.pace.waits(number))
            number += 1

    async def _ingest(
        self, pending: Mapping[str, int], results: Sequence[Result]
    ) -> dict[str, Reply | Exception]:
        """Keep every raw answer, then read them; errors are told only for what has no answer."""
        answers: dict[str, Result] = {}
        outcomes: dict[str, Reply | Exception] = {}
        for result in results:
            if result.key not in pending:
                continue  # kept by a run that was killed after it
            if result.fault is not None:
                outcomes[result.key] = result.fault
            else:
                answers.setdefault(result.key, result)
        kept = await self.book.keep(
            [(pending[key], one.body or b"", one.request_id) for key, one in answers.items()]
        )
        read = await asyncio.gather(  # together they share the commits of the ledger
            *(
                self._read(key, pending[key], one.body or b"", fresh=pending[key] in kept)
                for key, one in answers.items()
            )
        )
        return {**outcomes, **dict(zip(answers, read, strict=True))}

    async def _read(self, key: str, attempt: int, body: bytes, *, fresh: bool) -> Reply | Exception:
        """Read an answer; one that came a second time is not kept, and the first one stands."""
        answer = Answer(attempt, body, settled=False, batched=True)
        if not fresh:
            await self.book.ledger.settle(attempt, "error", error="answered a second time")
            answer = self.book.ledger.answer(key) or answer
        try:
            return await reply_of(answer, self.service, self.book.ledger, self.price)
        except CallError as error:
            return error

    async def _fail(self, attempt: int, fault: Reply | Exception) -> None:
        """Write down why there is no answer."""
        free = isinstance(fault, ToolkitError) or getattr(fault, "free", False)
        told = f"{type(fault).__name__}: {fault}"
        await self.book.ledger.settle(attempt, "error", usd=0.0 if free else None, error=told)

    async def _patiently(self, call: Callable[[], Awaitable[T]]) -> T:
        """Return what a call about batches returns: an error is no reason to lose sight of one."""
        number = 0
        while True:
            try:
                return await call()
            except CallError as error:
                fault = error
            number += 1
            if number >= self.pace.tries or not fault.again:
                raise ToolkitError(
                    f"{self.service.name} tells nothing about its batches ({fault}): they go on "
                    "there; repeat the command later, it takes up where this one stopped"
                )
            await asyncio.sleep(max(fault.after or 0.0, self.pace.waits(number)))
