"""OpenAI's chat completions, and every server that speaks the same."""

import os
import re
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from imagewikiqa.core.errors import MissingExtraError, ToolkitError
from imagewikiqa.core.llm.client import Reply, Request, Usage
from imagewikiqa.core.llm.failures import CallError, failure, without_key
from imagewikiqa.core.llm.ledgered import Raw, ShapeError
from imagewikiqa.core.llm.turns import words_of

KEY = "OPENAI_API_KEY"
_TIMEOUT = 600.0  # seconds
_LENGTHS = ("max_completion_tokens", "max_tokens")  # services differ in which one they take
_OPTIONAL = ("temperature", "seed")  # models that think refuse them
_NOT_TAKEN = re.compile(r"unsupported|not support|unrecognized|unknown|not permitted", re.I)


class _Said(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Said
    finish_reason: Literal["stop", "length", "content_filter"]


class _Spent(BaseModel):
    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)


class _Body(BaseModel):
    """The part of a chat completion that is read."""

    model: str
    choices: tuple[_Choice, ...] = Field(min_length=1)
    usage: _Spent


class OpenAIProvider:
    """Asks over the openai package, which retries nothing here; the key stays in its client.

    With a `base_url` (or OPENAI_BASE_URL) it asks that server, which may need no key, and whose
    answers are kept apart from OpenAI's own.
    """

    def __init__(self, model: str, base_url: str | None = None) -> None:
        self.model = model
        base_url = base_url or os.environ.get("OPENAI_BASE_URL") or None
        self.name = "openai-compatible" if base_url else "openai"
        self._at = base_url or "OpenAI"
        self._length = _LENGTHS[1] if base_url else _LENGTHS[0]
        self._refused: set[str] = set()
        self._client = self._connect(base_url)

    def _connect(self, base_url: str | None) -> Any:
        try:
            import openai
        except ImportError as error:
            raise MissingExtraError("openai", "llm") from error
        key = os.environ.get(KEY)
        if not key and not base_url:
            raise ToolkitError(
                f"openai:{self.model} needs a key: put it into the environment variable {KEY}, or "
                "name a server of your own with --base-url"
            )
        return openai.AsyncOpenAI(
            api_key=key or "none",
            base_url=base_url,
            max_retries=0,
            timeout=_TIMEOUT,
            # The package's own closes itself in whatever loop runs later, which then fails.
            http_client=openai.DefaultAsyncHttpxClient(timeout=_TIMEOUT),
        )

    async def send(self, request: Request) -> Raw:
        """Return the raw answer; CallError for this request, ToolkitError for all of them."""
        import openai

        body = self._body(request)
        completions = self._client.chat.completions.with_raw_response
        fault: Exception
        try:
            answer = await completions.create(**body)
            return Raw(answer.content, answer.headers.get("x-request-id"))
        except openai.APIStatusError as error:
            fault = self._fault(error, body)
        except openai.APIConnectionError as error:
            fault = CallError("no answer", without_key(f"{error} {error.__cause__ or ''}", KEY))
        # Raised here, the error carries no request, and so no key, along with it.
        raise fault

    def read(self, body: bytes) -> Reply:
        """Return what a chat completion says; raise ShapeError for other bytes."""
        try:
            found = _Body.model_validate_json(body)
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"])) or "its first bytes"
            raise ShapeError(f"no chat completion: wrong at {where}") from None
        choice = found.choices[0]
        finish: dict[str, Any] = {"content_filter": "filtered"}
        return Reply(
            text=choice.message.content or choice.message.refusal or "",
            model=found.model,
            finish="refusal"
            if choice.message.refusal
            else finish.get(choice.finish_reason, choice.finish_reason),
            usage=Usage(
                input_tokens=found.usage.prompt_tokens,
                output_tokens=found.usage.completion_tokens,
            ),
        )

    def _body(self, request: Request) -> dict[str, Any]:
        messages = [
            {"role": turn.role, "content": words_of(turn, self.name)} for turn in request.messages
        ]
        body: dict[str, Any] = {"model": request.model, "messages": messages}
        body[self._length] = request.max_tokens
        for name in _OPTIONAL:
            value = getattr(request, name)
            if value is not None and name not in self._refused:
                body[name] = value
        if request.json_schema is not None:
            form = {"name": "reply", "strict": True, "schema": request.json_schema}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
        return body

    def _fault(self, error: Any, body: dict[str, Any]) -> Exception:
        """Return what a refusal means, and learn from it which parameters this model takes."""
        told = error.body if isinstance(error.body, dict) else {"message": error.body}
        words = " ".join(str(told.get(name) or "") for name in ("code", "message")).strip()
        if error.status_code == 400 and _NOT_TAKEN.search(words):
            for name in (*_OPTIONAL, *_LENGTHS):
                if name in body and (told.get("param") == name or name in words):
                    return self._without(name, words)
        return failure(
            self._at, KEY, self.model, error.status_code, words or str(error),
            error.response.headers,
        )  # fmt: skip

    def _without(self, name: str, words: str) -> CallError:
        """Note that a parameter is not taken; the error stands in the ledger and asks again."""
        if name in _OPTIONAL:
            self._refused.add(name)
        else:
            self._length = _LENGTHS[1 - _LENGTHS.index(name)]
        said = f"{self.model} takes no {name} ({without_key(words, KEY)})"
        return CallError("parameter refused", said, free=True)
