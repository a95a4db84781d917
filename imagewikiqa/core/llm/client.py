"""One request, one reply: what every provider, local model and test double offers."""

from typing import Any, Literal, Protocol

from pydantic import Field

from imagewikiqa.core.digests import digest
from imagewikiqa.core.records import Part, Sha256

MediaType = Literal["image/jpeg", "image/png", "image/webp"]  # what every service takes


class TextPart(Part):
    """Words in a message."""

    kind: Literal["text"] = "text"
    text: str


class ImagePart(Part):
    """A picture in a message, by content; the client finds its bytes by digest."""

    kind: Literal["image"] = "image"
    sha256: Sha256
    media_type: MediaType


class Message(Part):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: tuple[TextPart | ImagePart, ...]


class Request(Part):
    """Everything that decides a reply; its digest is the key under which a reply is stored."""

    model: str
    messages: tuple[Message, ...]
    prompt: str = Field(description="template and digest")
    max_tokens: int = Field(gt=0)
    temperature: float | None = None
    seed: int | None = None
    json_schema: dict[str, Any] | None = Field(None, description="closed output schema")
    sample: int = Field(0, ge=0, description="which of several votes on the same question")

    @property
    def key(self) -> str:
        """Return the sha256 of the canonical JSON of the whole request."""
        return digest(self)

    @property
    def text(self) -> str:
        """Return all words of the request, for scripted rules and estimates."""
        parts = (part for message in self.messages for part in message.content)
        return "\n".join(part.text for part in parts if isinstance(part, TextPart))

    @property
    def pictures(self) -> int:
        """Return how many pictures are sent along."""
        parts = (part for message in self.messages for part in message.content)
        return sum(isinstance(part, ImagePart) for part in parts)


class Usage(Part):
    """Tokens billed for a call."""

    input_tokens: int = Field(ge=0)
    output_tokens: int = Field(ge=0)


class Reply(Part):
    """What a model answered."""

    text: str
    model: str = Field(description="the model that answered, which may not be the one asked")
    finish: Literal["stop", "length", "refusal", "filtered"]
    usage: Usage


class Client(Protocol):
    """Ask a model. Retries, limits, caching and cost belong to wrappers with the same method."""

    @property
    def model(self) -> str:
        """Return the model asked for."""

    async def ask(self, request: Request) -> Reply:
        """Return the reply; raise RecordError for this request, ToolkitError for all of them."""


def user_request(model: str, prompt: str, text: str, max_tokens: int, **options: Any) -> Request:
    """Return a request of one user turn in words."""
    message = Message(role="user", content=(TextPart(text=text),))
    return Request(
        model=model, messages=(message,), prompt=prompt, max_tokens=max_tokens, **options
    )
