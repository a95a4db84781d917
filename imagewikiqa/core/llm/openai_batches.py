"""OpenAI's batches: a file of requests goes in, one of answers and one of errors come out."""

import json
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from pydantic_core import to_json

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.batches import (
    SLACK,
    Batch,
    BatchState,
    Fault,
    Result,
    no_batches,
    unknown_batch,
)
from imagewikiqa.core.llm.client import Request
from imagewikiqa.core.llm.failures import CallError, failure, without_key
from imagewikiqa.core.llm.images import Images
from imagewikiqa.core.llm.openai_provider import KEY, OpenAIProvider
from imagewikiqa.core.llm.wire import LONGEST, Answer

_TAG = "imagewikiqa"  # in a batch's metadata: our name for it
_ENDED = ("completed", "failed", "expired", "cancelled")
_CROWDED = "token_limit_exceeded"  # too many tokens wait in other batches of the customer
_NOT_SENT = ("batch_expired", "batch_cancelled")


class OpenAIBatches(OpenAIProvider):
    """The same service, models and answers as online, asked in batches."""

    most_requests = 50_000
    most_bytes = 200_000_000

    def __init__(
        self, model: str, base_url: str | None = None, images: Images | None = None
    ) -> None:
        super().__init__(model, base_url, images)
        import openai

        self._client = openai.AsyncOpenAI(
            api_key=os.environ.get(KEY) or "none",
            base_url=base_url,
            max_retries=0,
            # The package's own closes itself in whatever loop runs later, which then fails.
            http_client=openai.DefaultAsyncHttpxClient(timeout=LONGEST),
        )

    def line(self, key: str, request: Request) -> bytes:
        """Return a request as one line of the file; its id is `key`."""
        body = self._body(request)
        said = {"custom_id": key, "method": "POST", "url": "/v1/chat/completions", "body": body}
        return json.dumps(said, ensure_ascii=False).encode()

    async def submit(self, tag: str, lines: Sequence[bytes]) -> str:
        """Upload the lines and make a batch of them, findable by `tag`; return its id."""
        content = b"".join(line + b"\n" for line in lines)
        faults: list[Fault] = []
        with self._told(faults, lambda words: no_batches(self._at, words)):
            file = await self._client.files.create(
                file=("requests.jsonl", content), purpose="batch"
            )
            made = await self._client.batches.create(
                input_file_id=file.id,
                endpoint="/v1/chat/completions",
                completion_window="24h",
                metadata={_TAG: tag},
            )
            return str(made.id)
        raise faults[0]

    async def find(self, batch: Batch, keys: Collection[str], known: Collection[str]) -> str | None:
        """Return the batch that carries the tag, None when there is none."""
        faults: list[Fault] = []
        with self._told(faults, lambda words: no_batches(self._at, words)):
            since = datetime.fromisoformat(batch.started_at).timestamp() - SLACK
            async for one in self._client.batches.list(limit=100):  # newest first
                if one.created_at < since:
                    break
                if (one.metadata or {}).get(_TAG) == batch.tag:
                    return str(one.id)
            return None
        raise faults[0]

    async def look(self, remote: str) -> BatchState:
        """Return how a batch stands."""
        faults: list[Fault] = []
        with self._told(faults, lambda words: unknown_batch(self._at, remote, KEY)):
            return self._state(await self._client.batches.retrieve(remote))
        raise faults[0]

    async def results(self, remote: str, state: BatchState) -> list[Result]:
        """Return the lines of both files; a batch may have only one of them, or none."""
        found: list[Result] = []
        for file in state.files:
            content = await self._download(file, remote)
            for number, line in enumerate(content.split(b"\n"), start=1):
                if line.strip():
                    found.append(self._result(line, f"line {number} of {file}"))
        return found

    async def _download(self, file: str, remote: str) -> bytes:
        faults: list[Fault] = []
        with self._told(faults, lambda words: unknown_batch(self._at, remote, KEY)):
            return bytes((await self._client.files.content(file)).content)
        raise faults[0]

    @contextmanager
    def _told(self, faults: list[Fault], unknown: Any) -> Iterator[None]:
        """Put what a call fails with into `faults`: raised outside, it carries no key along."""
        import openai

        try:
            yield
        except openai.APIStatusError as error:
            words = without_key(str(error), KEY)
            answer = Answer(error.status_code, error.response.headers, error.response.content)
            faults.append(unknown(words) if error.status_code == 404 else self._fault(answer, {}))
        except openai.APIConnectionError as error:
            words = without_key(f"{error} {error.__cause__ or ''}", KEY)
            faults.append(CallError("no answer", words))

    def _state(self, batch: Any) -> BatchState:
        files = tuple(one for one in (batch.output_file_id, batch.error_file_id) if one)
        problems = (batch.errors.data if batch.errors else None) or []
        by_line = {one.line - 1: self._problem(one) for one in problems if one.line}
        whole = next((one for one in problems if not one.line), None)
        left: Fault = CallError(f"batch {batch.status}", "no result for this request", free=True)
        if whole is not None and batch.status == "failed":
            left = self._problem(whole)
        elif batch.status == "failed" and not by_line:
            left = CallError("batch failed", "the service does not say why", free=True)
        return BatchState(
            status=batch.status,
            ended=batch.status in _ENDED,
            left=left,
            by_line=by_line,
            files=files,
            crowded=whole is not None and whole.code == _CROWDED,
        )

    def _problem(self, problem: Any) -> Fault:
        """Return what an error found in the file of requests means."""
        words = " ".join(filter(None, (problem.code, problem.message)))
        if problem.code == _CROWDED:
            return CallError("batch refused", without_key(words, KEY), free=True)
        status = 404 if problem.code == "model_not_found" else 400
        told = failure(self._at, KEY, self.model, status, words, {})
        if isinstance(told, ToolkitError):
            return told
        return CallError("batch refused", without_key(words, KEY), again=False, free=True)

    def _result(self, line: bytes, where: str) -> Result:
        """Return what a line of results says."""
        try:
            told = json.loads(line)
            key, response, error = told["custom_id"], told.get("response"), told.get("error")
            if response and response["status_code"] == 200:
                body = json.dumps(response["body"], ensure_ascii=False).encode()
                return Result(key=key, body=body, request_id=response.get("request_id"))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise CallError("results cut", f"{where} cannot be read") from None
        if response:
            return Result(key=key, fault=self._line_fault(response))
        code, words = str((error or {}).get("code")), str((error or {}).get("message"))
        reason = code.replace("_", " ") if code in _NOT_SENT else "service failed"
        return Result(key=key, fault=CallError(reason, without_key(words, KEY), free=True))

    def _line_fault(self, response: Any) -> Fault:
        body = response.get("body")
        told = body.get("error", body) if isinstance(body, dict) else body
        names = ("temperature", "seed", "max_completion_tokens", "max_tokens")
        param = told.get("param") if isinstance(told, dict) else None
        sent = [param] if param in names else names  # what was sent may not be sent any more
        answer = Answer(response["status_code"], {}, to_json({"error": told}))
        return self._fault(answer, dict.fromkeys(sent))
