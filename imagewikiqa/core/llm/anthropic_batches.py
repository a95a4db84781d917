"""Anthropic's message batches, which carry no name of ours: a lost one is known by its requests."""

import importlib
import json
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from pydantic_core import to_json

from imagewikiqa.core.llm.anthropic_provider import KEY, AnthropicProvider
from imagewikiqa.core.llm.batches import (
    SLACK,
    Batch,
    BatchState,
    Fault,
    NotEndedError,
    Result,
    no_batches,
    unknown_batch,
)
from imagewikiqa.core.llm.client import Request
from imagewikiqa.core.llm.failures import CallError, without_key
from imagewikiqa.core.llm.images import Images
from imagewikiqa.core.llm.wire import LONGEST, Answer

_STATUS = {
    "invalid_request_error": 400, "authentication_error": 401, "billing_error": 402,
    "permission_error": 403, "not_found_error": 404, "rate_limit_error": 429, "api_error": 500,
    "timeout_error": 504, "overloaded_error": 529,
}  # fmt: skip


class AnthropicBatches(AnthropicProvider):
    """The same models and answers as online, asked in batches."""

    most_requests = 100_000
    most_bytes = 256_000_000

    def __init__(self, model: str, images: Images | None = None) -> None:
        super().__init__(model, images)
        import anthropic

        self._client = anthropic.AsyncAnthropic(
            api_key=os.environ.get(KEY),
            max_retries=0,
            # The package's own closes itself in whatever loop runs later, which then fails.
            http_client=anthropic.DefaultAsyncHttpxClient(timeout=LONGEST),
        )

    def line(self, key: str, request: Request) -> bytes:
        """Return a request as one entry of a batch; its id is `key`."""
        said = {"custom_id": key, "params": self._body(request)}
        return json.dumps(said, ensure_ascii=False).encode()

    async def submit(self, tag: str, lines: Sequence[bytes]) -> str:
        """Make a batch of the lines; return its id. The service keeps no tag."""
        faults: list[Fault] = []
        with self._told(faults, lambda words: no_batches("Anthropic", words)):
            requests = [json.loads(line) for line in lines]
            return str((await self._client.messages.batches.create(requests=requests)).id)
        raise faults[0]

    async def find(self, batch: Batch, keys: Collection[str], known: Collection[str]) -> str | None:
        """Return the batch made since then, unknown to the ledger, that holds these requests.

        What a batch holds can be seen once it has ended: NotEndedError while one of the same size
        has not, so that nothing in it is asked for again.
        """
        since = datetime.fromisoformat(batch.started_at) - timedelta(seconds=SLACK)
        waiting = ""
        for one in await self._list(since):
            counts = one.request_counts
            total = sum(
                (counts.processing, counts.succeeded, counts.errored, counts.canceled,
                 counts.expired)
            )  # fmt: skip
            if one.id in known or total != batch.requests:
                continue
            if one.processing_status != "ended":
                waiting = one.id
            elif one.results_url and any(
                result.key in keys for result in await self.results(one.id, self._state(one))
            ):
                return str(one.id)
        if waiting:
            raise NotEndedError(waiting)
        return None

    async def look(self, remote: str) -> BatchState:
        """Return how a batch stands."""
        faults: list[Fault] = []
        with self._told(faults, lambda words: unknown_batch("Anthropic", remote, KEY)):
            return self._state(await self._client.messages.batches.retrieve(remote))
        raise faults[0]

    async def results(self, remote: str, state: BatchState) -> list[Result]:
        """Return what came of every request."""
        if not state.files:
            return []
        found = []
        for number, line in enumerate((await self._download(remote)).split(b"\n"), start=1):
            if line.strip():
                found.append(self._result(line, f"line {number} of the results of {remote}"))
        return found

    async def _list(self, since: datetime) -> list[Any]:
        faults: list[Fault] = []
        with self._told(faults, lambda words: no_batches("Anthropic", words)):
            found = []
            async for one in self._client.messages.batches.list(limit=100):  # newest first
                if one.created_at < since:
                    break
                found.append(one)
            return found
        raise faults[0]

    async def _download(self, remote: str) -> bytes:
        faults: list[Fault] = []
        with self._told(faults, lambda words: unknown_batch("Anthropic", remote, KEY)):
            batches = self._client.messages.batches.with_streaming_response
            async with batches.results(remote) as answer:
                return bytes(await answer.read())
        raise faults[0]

    @contextmanager
    def _told(self, faults: list[Fault], unknown: Callable[[str], Fault]) -> Iterator[None]:
        """Put what a call fails with into `faults`: raised outside, it carries no key along."""
        import anthropic

        cut = _cut_errors(anthropic.DefaultAsyncHttpxClient)
        lost: tuple[type[Exception], ...] = (anthropic.APIConnectionError, *cut)
        try:
            yield
        except anthropic.APIStatusError as error:
            words = without_key(str(error), KEY)
            answer = Answer(error.status_code, error.response.headers, error.response.content)
            faults.append(unknown(words) if error.status_code == 404 else self._fault(answer))
        except lost as error:
            words = without_key(f"{error} {error.__cause__ or ''}", KEY)
            faults.append(CallError("no answer", words))

    def _state(self, batch: Any) -> BatchState:
        gone = batch.archived_at is not None
        status = "archived" if gone else str(batch.processing_status)
        return BatchState(
            status=status,
            ended=gone or status == "ended",
            left=CallError(f"batch {status}", "no result for this request", free=True),
            files=(batch.results_url,) if batch.results_url else (),
        )

    def _result(self, line: bytes, where: str) -> Result:
        """Return what a line of results says."""
        try:
            told = json.loads(line)
            key, result = told["custom_id"], told["result"]
            kind = result["type"]
            if kind == "succeeded":
                body = json.dumps(result["message"], ensure_ascii=False).encode()
                return Result(key=key, body=body, request_id=result["message"].get("id"))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise CallError("results cut", f"{where} cannot be read") from None
        if kind == "errored":
            error = result.get("error") or {}
            inner: Any = error.get("error", error)
            told = inner if isinstance(inner, dict) else {"message": inner}
            status = _STATUS.get(str(told.get("type")), 500)
            answer = Answer(status, {}, to_json({"error": told}))
            return Result(key=key, fault=self._fault(answer))
        reason = f"batch {'cancelled' if kind == 'canceled' else kind}"
        return Result(key=key, fault=CallError(reason, free=True))


def _cut_errors(client: type) -> tuple[type[Exception], ...]:
    """Return what a cut download raises: the package passes on the errors of what it stands on."""
    below = next(base for base in client.__mro__ if base.__module__.startswith("httpx"))
    module = importlib.import_module(below.__module__.partition(".")[0])
    return (module.TransportError,)
