"""One limiter a provider: requests and tokens a minute, calls on their way, a pause for all."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.client import Request

# Both are put right by the usage of the answer.
_CHARACTERS_A_TOKEN = 4  # of English
TOKENS_A_PICTURE = 1600  # Anthropic's most: width x height / 750; OpenAI: 765 for 1024 x 1024
_AHEAD = 2  # one call more for so many places is made ready, to be sent when a place is free
_SAVING = 16  # one place more for so many, while answers are written to the disk; none below
_PAUSE = 1.0  # seconds, for a service that is busy and does not say for how long


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a provider lets one customer do; None is no limit."""

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    in_flight: int = 64

    def __post_init__(self) -> None:
        """Refuse limits under which nothing would ever be sent."""
        for name in ("requests_per_minute", "tokens_per_minute", "in_flight"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ToolkitError(f"the limit {name} is {value}: give more than 0, or none")

    @property
    def callers(self) -> int:
        """Return how many callers keep all places busy while others wait for the ledger's disk."""
        return 3 * self.in_flight


@dataclass(slots=True)
class _Pace:
    """Spaces events so that no more than `per_minute` units begin in a minute."""

    per_minute: float | None
    free_at: float = 0.0

    def book(self, units: float, now: float) -> float:
        """Return when this many units may begin, and keep the time they take."""
        if self.per_minute is None:
            return now
        begin = max(now, self.free_at)
        self.free_at = begin + units * 60 / self.per_minute
        return begin

    def correct(self, units: float) -> None:
        """Add units that were not foreseen, or give back those not used."""
        if self.per_minute is not None:
            self.free_at += units * 60 / self.per_minute


@dataclass(frozen=True, slots=True)
class Slot:
    """A call that may begin."""

    _tokens: _Pace
    _booked: int

    def correct(self, used: int) -> None:
        """Tell how many tokens the call really took, when that is known, at any later time."""
        self._tokens.correct(used - self._booked)


@dataclass(slots=True)
class _Places:
    """A number of places, given in the order in which they were asked for."""

    free: int
    _waiting: deque[asyncio.Future[None]] = field(default_factory=deque)

    async def __aenter__(self) -> None:
        if self.free > 0:
            self.free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn  # whoever leaves hands its place over
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()  # the place was handed over and is not used
            raise

    async def __aexit__(self, *_: object) -> None:
        self._leave()

    def _leave(self) -> None:
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self.free += 1


@dataclass(slots=True)
class Limiter:
    """Lets calls begin in the order they came. One loop at a time; many clients may share it."""

    limits: Limits = field(default_factory=Limits)
    ready: _Places = field(init=False)  # for calls made ready: those on their way and a few more
    unsaved: _Places = field(init=False)  # for calls whose answer is not on the disk: a kill's loss
    _flight: _Places = field(init=False)
    _requests: _Pace = field(init=False)
    _tokens: _Pace = field(init=False)
    _paused_until: float = 0.0

    def __post_init__(self) -> None:
        places = self.limits.in_flight
        self.ready = _Places(places + places // _AHEAD + 1)
        self.unsaved = _Places(places + (places - 1) // _SAVING)
        self._flight = _Places(places)
        self._requests = _Pace(self.limits.requests_per_minute)
        self._tokens = _Pace(self.limits.tokens_per_minute)

    @asynccontextmanager
    async def slot(self, tokens: int) -> AsyncIterator[Slot]:
        """Wait until a call of about this many tokens may begin; hold its place until it ends."""
        async with self._flight:
            now = time.monotonic()
            begin = max(self._requests.book(1, now), self._tokens.book(tokens, now))
            await _until(begin)
            while self._paused_until > time.monotonic():  # it may be made longer meanwhile
                await _until(self._paused_until)
            yield Slot(self._tokens, tokens)

    def pause(self, seconds: float | None) -> None:
        """Let no call begin for some seconds; None is a service that does not say how many."""
        wait = _PAUSE if seconds is None else seconds
        self._paused_until = max(self._paused_until, time.monotonic() + wait)


def about_tokens(request: Request) -> int:
    """Return a rough number of tokens that a request takes, its longest answer included."""
    words = len(request.text) // _CHARACTERS_A_TOKEN
    return words + request.pictures * TOKENS_A_PICTURE + request.max_tokens


async def _until(when: float) -> None:
    wait = when - time.monotonic()
    if wait > 0:
        await asyncio.sleep(wait)
