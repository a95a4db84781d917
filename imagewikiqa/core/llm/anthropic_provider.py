"""Anthropic's messages."""

import os
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError
from pydantic_core import to_json

from imagewikiqa.core.errors import MissingExtraError, ToolkitError
from imagewikiqa.core.llm.client import Reply, Request, Usage
from imagewikiqa.core.llm.failures import failure, told_error
from imagewikiqa.core.llm.images import Images
from imagewikiqa.core.llm.ledgered import Raw, ShapeError
from imagewikiqa.core.llm.turns import content_of, words_of
from imagewikiqa.core.llm.wire import Answer, Wire

KEY = "ANTHROPIC_API_KEY"
_FINISH: dict[str, Literal["stop", "length", "refusal"]] = {
    "end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length",
    "model_context_window_exceeded": "length", "refusal": "refusal",
}  # fmt: skip


class _Block(BaseModel):
    type: str
    text: str = ""


class _Spent(BaseModel):
    input_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)


class _Body(BaseModel):
    """The part of a message that is read."""

    type: Literal["message"]
    model: str
    content: tuple[_Block, ...]
    stop_reason: Literal[
        "end_turn", "stop_sequence", "max_tokens", "model_context_window_exceeded", "refusal"
    ]
    usage: _Spent


class AnthropicProvider:
    """Asks where and as whom the anthropic package says; `images` finds the pictures of requests.

    The service takes no temperature and no seed: what a request says of them is not sent.
    """

    name = "anthropic"

    def __init__(self, model: str, images: Images | None = None) -> None:
        self.model = model
        self._images = images
        self._wire = self._connect()

    def _connect(self) -> Wire:
        try:
            import anthropic
        except ImportError as error:
            raise MissingExtraError("anthropic", "llm") from error
        key = os.environ.get(KEY)
        if not key:
            raise ToolkitError(
                f"anthropic:{self.model} needs a key: put it into the environment variable {KEY}"
            )
        client = anthropic.Anthropic(api_key=key)
        url = f"{str(client.base_url).rstrip('/')}/v1/messages"
        headers = {**client.default_headers, **client.auth_headers}
        client.close()
        return Wire(url, headers, KEY)

    async def send(self, request: Request) -> Raw:
        """Return the raw answer; CallError for this request, ToolkitError for all of them."""
        answer = await self._wire.post(to_json(self._body(request)))
        if answer.status >= 300:
            raise self._fault(answer)
        return Raw(answer.body, answer.headers.get("request-id"))

    def read(self, body: bytes) -> Reply:
        """Return what a message says; raise ShapeError for other bytes."""
        try:
            found = _Body.model_validate_json(body)
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"])) or "its first bytes"
            raise ShapeError(f"no message: wrong at {where}") from None
        return Reply(
            text="".join(block.text for block in found.content if block.type == "text"),
            model=found.model,
            finish=_FINISH[found.stop_reason],
            usage=Usage(
                input_tokens=found.usage.input_tokens, output_tokens=found.usage.output_tokens
            ),
        )

    def _body(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": request.model,
            "max_tokens": request.max_tokens,
            "messages": [
                {"role": turn.role, "content": content_of(turn, self._images, _picture)}
                for turn in request.messages
                if turn.role != "system"
            ],
        }
        if system := [words_of(turn) for turn in request.messages if turn.role == "system"]:
            body["system"] = "\n\n".join(system)
        if request.json_schema is not None:
            from anthropic import transform_schema

            form = {"type": "json_schema", "schema": transform_schema(request.json_schema)}
            body["output_config"] = {"format": form}
        return body

    def _fault(self, answer: Answer) -> Exception:
        """Return what a status means."""
        told = told_error(answer.body)
        words = " ".join(str(told.get(name) or "") for name in ("type", "message")).strip()
        return failure("Anthropic", KEY, self.model, answer.status, words, answer.headers)


def _picture(media_type: str, encoded: str) -> dict[str, Any]:
    source = {"type": "base64", "media_type": media_type, "data": encoded}
    return {"type": "image", "source": source}
