"""OpenAI's chat completions, and every server that speaks the same."""

import os
import re
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import to_json

from imagewikiqa.core.errors import MissingExtraError, ToolkitError
from imagewikiqa.core.llm.client import Reply, Request, Usage
from imagewikiqa.core.llm.failures import CallError, failure, told_error, without_key
from imagewikiqa.core.llm.images import Images
from imagewikiqa.core.llm.ledgered import Raw, ShapeError
from imagewikiqa.core.llm.turns import content_of
from imagewikiqa.core.llm.wire import Answer, Wire

KEY = "OPENAI_API_KEY"
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
    """Asks where and as whom the openai package says; `images` finds the pictures of requests.

    With a `base_url` (or OPENAI_BASE_URL) it asks that server, which may need no key, and whose
    answers are kept apart from OpenAI's own.
    """

    def __init__(
        self, model: str, base_url: str | None = None, images: Images | None = None
    ) -> None:
        self.model = model
        self._images = images
        base_url = base_url or os.environ.get("OPENAI_BASE_URL") or None
        self.name = "openai-compatible" if base_url else "openai"
        self._at = base_url or "OpenAI"
        self._length = _LENGTHS[1] if base_url else _LENGTHS[0]
        self._refused: set[str] = set()
        self._wire = self._connect(base_url)

    def _connect(self, base_url: str | None) -> Wire:
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
        client = openai.OpenAI(api_key=key or "none", base_url=base_url)
        url = f"{str(client.base_url).rstrip('/')}/chat/completions"
        headers = {**client.default_headers, **client.auth_headers}
        client.close()
        return Wire(url, headers, KEY)

    async def send(self, request: Request) -> Raw:
        """Return the raw answer; CallError for this request, ToolkitError for all of them."""
        body = self._body(request)
        answer = await self._wire.post(to_json(body))
        if answer.status >= 300:
            raise self._fault(answer, body)
        return Raw(answer.body, answer.headers.get("x-request-id"))

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
            {"role": turn.role, "content": content_of(turn, self._images, _picture)}
            for turn in request.messages
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

    def _fault(self, answer: Answer, body: dict[str, Any]) -> Exception:
        """Return what a refusal means, and learn from it which parameters this model takes."""
        told = told_error(answer.body)
        words = " ".join(str(told.get(name) or "") for name in ("code", "message")).strip()
        if answer.status == 400 and _NOT_TAKEN.search(words):
            for name in (*_OPTIONAL, *_LENGTHS):
                if name in body and (told.get("param") == name or name in words):
                    return self._without(name, words)
        return failure(self._at, KEY, self.model, answer.status, words, answer.headers)

    def _without(self, name: str, words: str) -> CallError:
        """Note that a parameter is not taken; the error stands in the ledger and asks again."""
        if name in _OPTIONAL:
            self._refused.add(name)
        else:
            self._length = _LENGTHS[1 - _LENGTHS.index(name)]
        said = f"{self.model} takes no {name} ({without_key(words, KEY)})"
        return CallError("parameter refused", said, free=True)


def _picture(media_type: str, encoded: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": f"data:{media_type};base64,{encoded}"}}
