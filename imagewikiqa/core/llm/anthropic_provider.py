"""Anthropic's messages."""

import os
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from imagewikiqa.core.errors import MissingExtraError, ToolkitError
from imagewikiqa.core.llm.client import Reply, Request, Usage
from imagewikiqa.core.llm.failures import CallError, failure, without_key
from imagewikiqa.core.llm.ledgered import Raw, ShapeError
from imagewikiqa.core.llm.turns import words_of

KEY = "ANTHROPIC_API_KEY"
_TIMEOUT = 600.0  # seconds
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
    """Asks over the anthropic package, which retries nothing here; the key stays in its client.

    The service takes no temperature and no seed: what a request says of them is not sent.
    """

    name = "anthropic"

    def __init__(self, model: str) -> None:
        self.model = model
        self._client = self._connect()

    def _connect(self) -> Any:
        try:
            import anthropic
        except ImportError as error:
            raise MissingExtraError("anthropic", "llm") from error
        key = os.environ.get(KEY)
        if not key:
            raise ToolkitError(
                f"anthropic:{self.model} needs a key: put it into the environment variable {KEY}"
            )
        return anthropic.AsyncAnthropic(
            api_key=key,
            max_retries=0,
            timeout=_TIMEOUT,
            # The package's own closes itself in whatever loop runs later, which then fails.
            http_client=anthropic.DefaultAsyncHttpxClient(timeout=_TIMEOUT),
        )

    async def send(self, request: Request) -> Raw:
        """Return the raw answer; CallError for this request, ToolkitError for all of them."""
        import anthropic

        body = self._body(request)
        fault: Exception
        try:
            answer = await self._client.messages.with_raw_response.create(**body)
            return Raw(await answer.read(), answer.headers.get("request-id"))
        except anthropic.APIStatusError as error:
            fault = self._fault(error)
        except anthropic.APIConnectionError as error:
            fault = CallError("no answer", without_key(f"{error} {error.__cause__ or ''}", KEY))
        # Raised here, the error carries no request, and so no key, along with it.
        raise fault

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
        from anthropic import transform_schema

        turns = [(turn.role, words_of(turn, self.name)) for turn in request.messages]
        body: dict[str, Any] = {
            "model": request.model,
            "max_tokens": request.max_tokens,
            "messages": [
                {"role": role, "content": said} for role, said in turns if role != "system"
            ],
        }
        if system := "\n\n".join(said for role, said in turns if role == "system"):
            body["system"] = system
        if request.json_schema is not None:
            form = {"type": "json_schema", "schema": transform_schema(request.json_schema)}
            body["output_config"] = {"format": form}
        return body

    def _fault(self, error: Any) -> Exception:
        """Return what a status means; not in `send`, whose variables a traceback may show."""
        told = error.body if isinstance(error.body, dict) else {"error": error.body}
        told = told["error"] if isinstance(told.get("error"), dict) else {"message": told}
        words = " ".join(str(told.get(name) or "") for name in ("type", "message")).strip()
        return failure(
            "Anthropic", KEY, self.model, error.status_code, words or str(error),
            error.response.headers,
        )  # fmt: skip
