"""A client that asks again when a service was busy, failed or said nothing that can be read."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential

from imagewikiqa.core.llm.client import Client, Reply, Request
from imagewikiqa.core.llm.failures import CallError

_LONGEST_JITTER = 60.0  # seconds, on top of what the service asks for


@dataclass(frozen=True, slots=True)
class PatientClient:
    """Asks up to `tries` times, and up to `busy_tries` times a service that is only busy.

    The wait is never shorter than the service asks for, however long that is. Each try is an
    attempt of its own in the ledger of the client within. How long it waits changes no answer.
    """

    client: Client
    tries: int = 6
    busy_tries: int = 60
    first_wait: float = field(default=0.5, kw_only=True)  # seconds; doubles from try to try

    @property
    def model(self) -> str:
        """Return the model asked for."""
        return self.client.model

    async def ask(self, request: Request) -> Reply:
        """Return the reply; raise the last CallError, or at once what no waiting can mend."""
        try:
            return await self.client.ask(request)  # most end here, above all stored answers
        except CallError as error:
            if not error.again:
                raise
            failed = [error]

        async def once() -> Reply:
            if failed:
                raise failed.pop()
            return await self.client.ask(request)

        return await self._patiently(once)

    async def _patiently(self, once: Callable[[], Awaitable[Reply]]) -> Reply:
        jitter = wait_random_exponential(multiplier=self.first_wait, max=_LONGEST_JITTER)
        counts = {True: 0, False: 0}

        def wait(state: RetryCallState) -> float:
            return (_error(state).after or 0.0) + jitter(state)

        def stop(state: RetryCallState) -> bool:
            busy = _error(state).busy
            counts[busy] += 1
            return counts[busy] >= (self.busy_tries if busy else self.tries)

        again = retry_if_exception(lambda error: isinstance(error, CallError) and error.again)
        retrying = AsyncRetrying(wait=wait, stop=stop, retry=again, reraise=True)
        reply: Reply = await retrying(once)
        return reply


def _error(state: RetryCallState) -> CallError:
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, CallError):
        raise TypeError(f"{error!r} is not tried again")
    return error
