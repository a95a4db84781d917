"""A client that asks in batches: it collects what is asked, submits it, and waits for the answers.

The callers must all be on their way at once: only what has been asked can share a batch. All of
them are held in memory, with their requests, until their batch has ended.
"""

import asyncio
import copy
import logging
from dataclasses import dataclass, field

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.batch_ledger import BatchLedger
from imagewikiqa.core.llm.batch_life import BatchLife, Ended
from imagewikiqa.core.llm.batches import BatchService, Pace
from imagewikiqa.core.llm.budget import Meter
from imagewikiqa.core.llm.client import Reply, Request
from imagewikiqa.core.llm.failures import CallError
from imagewikiqa.core.llm.ledger import Ledger, asked_of
from imagewikiqa.core.llm.ledgered import reply_of
from imagewikiqa.core.llm.prices import Price, no_price

_LOG = logging.getLogger("imagewikiqa")


@dataclass(slots=True)
class _Waiting:
    """A request that callers wait for, and how many batches have left it unanswered."""

    request: Request
    future: asyncio.Future[Reply]
    rounds: int = 0


@dataclass(slots=True)
class BatchedClient:
    """Asks a service in batches, through a ledger. One event loop at a time.

    Batches that an earlier run left open are ingested before anything is submitted. Requests that
    a batch leaves unanswered go into the next one, `pace.rounds` times at most.
    """

    service: BatchService
    ledger: Ledger
    run: str
    price: Price = no_price
    pace: Pace = field(default_factory=Pace)
    meter: Meter = field(default_factory=Meter)
    _held: dict[str, float] = field(default_factory=dict)  # reserved, by key
    _waiting: dict[str, _Waiting] = field(default_factory=dict)
    _queue: dict[str, None] = field(default_factory=dict)  # keys that are in no batch, in order
    _last: float = 0.0  # when the last request came
    _most: int = field(init=False)  # requests in a batch; less once a service finds it too many
    _crowded: bool = False
    _more: asyncio.Event = field(default_factory=asyncio.Event)
    _driver: asyncio.Task[None] | None = None

    def __post_init__(self) -> None:
        self._most = self.pace.most_requests or self.service.most_requests

    @property
    def model(self) -> str:
        """Return the model asked for."""
        return self.service.model

    async def ask(self, request: Request) -> Reply:
        """Return the stored answer, or that of a batch; raise RecordError or ToolkitError."""
        key = asked_of(self.service.name, request).key
        stored = self.ledger.answer(key)
        if stored is not None:
            return await reply_of(stored, self.service, self.ledger, self.price)
        if key not in self._waiting:
            self._collect(key, request)
        # A caller that is cancelled must not take away the answer of the others.
        return await asyncio.shield(self._waiting[key].future)

    def _collect(self, key: str, request: Request) -> None:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._waiting[key] = _Waiting(request, future)
        self._queue[key] = None
        self._last = loop.time()
        if self._driver is None or self._driver.done():
            self._more = asyncio.Event()
            self._driver = loop.create_task(self._drive())
        self._more.set()

    async def _drive(self) -> None:
        """Work until nobody waits; what stops it is told to everybody who does."""
        running: set[asyncio.Task[Ended]] = set()
        try:
            await self._take_up()
            while self._queue or running:
                if self._queue and not (self._crowded and running):
                    await self._quiet()
                    await self._submit(running)
                else:
                    self._more.clear()
                running = await self._next(running)
        except BaseException as error:
            self._tell_all(error)
            if count := len(self._book().open()):
                _LOG.info(
                    "batches that go on at %s: %d; the same command takes them up",
                    self.service.name, count,
                )  # fmt: skip
            if not isinstance(error, Exception):
                raise
        finally:
            for task in running:
                task.cancel()

    def _tell_all(self, error: BaseException) -> None:
        waiting, self._waiting, self._queue = self._waiting, {}, {}
        for one in waiting.values():
            if not one.future.done():
                if isinstance(error, Exception):
                    one.future.set_exception(error)
                else:
                    one.future.cancel()

    async def _take_up(self) -> None:
        """Ingest all batches of earlier runs."""
        life = self._life()
        named = [await life.take_up(batch) for batch in self._book().open()]
        for batch in named:
            if batch is not None:
                self._hand_out(await life.finish(batch))

    async def _quiet(self) -> None:
        """Wait until no new request has come for a while, or a batch is full."""
        loop = asyncio.get_running_loop()
        while len(self._queue) < self._most:
            left = self._last + self.pace.quiet - loop.time()
            if left <= 0:
                return
            await asyncio.sleep(left)

    async def _submit(self, running: set[asyncio.Task[Ended]]) -> None:
        """Submit all that was collected, in as many batches as the limits ask for."""
        life = self._life()
        while self._queue:
            requests, lines = self._chunk()
            if not requests:
                continue
            for key, request in requests.items():
                self._held[key] = self.meter.take(request, self.price, share=0.5)
            try:
                batch = await life.submit(requests, lines)
            except CallError as error:
                for key in requests:
                    self._settle(key, error)
                    self._give(key, error)
                continue
            running.add(asyncio.create_task(life.finish(batch)))

    def _chunk(self) -> tuple[dict[str, Request], list[bytes]]:
        """Take from the queue what fits into one batch."""
        most = self.pace.most_bytes or self.service.most_bytes
        requests: dict[str, Request] = {}
        lines: list[bytes] = []
        size = 0
        for key in list(self._queue):
            request = self._waiting[key].request
            line = self.service.line(key, request)
            if len(line) + 1 > most:
                detail = f"{len(line)} bytes, above the {most} of a batch"
                self._give(key, CallError("request too large", detail, again=False, free=True))
                continue
            if requests and (size + len(line) + 1 > most or len(requests) >= self._most):
                break
            del self._queue[key]
            requests[key] = request
            lines.append(line)
            size += len(line) + 1
        return requests, lines

    async def _next(self, running: set[asyncio.Task[Ended]]) -> set[asyncio.Task[Ended]]:
        """Wait for a batch to end or a request to come; return the batches still open."""
        if not running:
            return running
        arrival = asyncio.create_task(self._more.wait())
        try:
            await asyncio.wait({*running, arrival}, return_when="FIRST_COMPLETED")
        finally:
            arrival.cancel()
        for task in [one for one in running if one.done()]:
            running.discard(task)
            self._crowded = False
            self._hand_out(task.result(), others=len(running))
        return running

    def _hand_out(self, ended: Ended, others: int = 0) -> None:
        """Give every outcome to its callers, or the request to the next batch."""
        stop: ToolkitError | None = None
        for key, outcome in ended.outcomes.items():
            self._settle(key, outcome)
            if isinstance(outcome, ToolkitError):
                stop = stop or outcome
            elif isinstance(outcome, CallError) and outcome.again:
                self._again(key, outcome, free=ended.crowded and others > 0)
            else:
                self._give(key, outcome)
        if ended.crowded:
            self._crowded = others > 0
            self._most = self._most if others else max(1, len(ended.outcomes) // 2)
        if stop is not None:
            raise stop

    def _settle(self, key: str, outcome: Reply | Exception) -> None:
        """Put the price of a call in the place of what was reserved for it."""
        held = self._held.pop(key, None)
        if held is None:
            return  # of a batch that an earlier run submitted, and counted from the ledger
        if isinstance(outcome, Reply):
            usd = self.price(outcome.model, outcome.usage)
            self.meter.settle(held, None if usd is None else usd / 2)
        else:
            free = isinstance(outcome, ToolkitError) or getattr(outcome, "free", False)
            self.meter.settle(held, 0.0 if free else None)

    def _again(self, key: str, error: CallError, *, free: bool) -> None:
        """Put a request into the next batch; `free` is a try that does not count."""
        one = self._waiting.get(key)
        if one is None:
            return  # of an earlier run, and not asked for in this one
        one.rounds += not free
        if one.rounds >= self.pace.rounds:
            self._give(key, error)
        else:
            self._queue[key] = None

    def _give(self, key: str, outcome: Reply | Exception) -> None:
        self._queue.pop(key, None)
        one = self._waiting.pop(key, None)
        if one is None or one.future.done():
            return
        if isinstance(outcome, Exception):
            # Each caller gets its own: raised, an error grows by the traceback of who raised it.
            one.future.set_exception(copy.copy(outcome))
        else:
            one.future.set_result(outcome)

    def _book(self) -> BatchLedger:
        return BatchLedger(self.ledger, self.service.name, self.service.model, self.run)

    def _life(self) -> BatchLife:
        return BatchLife(self.service, self._book(), self.price, self.pace)
