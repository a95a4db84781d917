"""What is sent over our own connections is what the services' packages send, and reads the same."""

import asyncio
import hashlib
from typing import Any

import anthropic
import openai
import pytest

from imagewikiqa.core.llm.anthropic_provider import AnthropicProvider
from imagewikiqa.core.llm.client import ImagePart, Message, Request, TextPart
from imagewikiqa.core.llm.openai_provider import OpenAIProvider
from imagewikiqa.qa.llm_reply import QuestionDrafts

from .fake_server import FakeModel, serving

PICTURE = b"\xff\xd8\xff\xe0 some picture"
SHA = hashlib.sha256(PICTURE).hexdigest()


def pictures(sha256: str) -> bytes:
    return {SHA: PICTURE}[sha256]


def turn(role: Any, *parts: Any) -> Message:
    return Message(role=role, content=parts)


WORDS = TextPart(text="Which one is it? “Ä”\n\u2028 \U0001f600")
REQUESTS = {
    "words": Request(
        model="m", messages=(turn("user", WORDS),), prompt="p@1", max_tokens=20, seed=4
    ),
    "a system turn": Request(
        model="m", messages=(turn("system", TextPart(text="Be short.")), turn("user", WORDS)),
        prompt="p@1", max_tokens=20, temperature=0.5,
    ),
    "a schema": Request(
        model="m", messages=(turn("user", WORDS),), prompt="p@1", max_tokens=20,
        json_schema=QuestionDrafts.model_json_schema(),
    ),
    "a picture": Request(
        model="m", messages=(turn("user", ImagePart(sha256=SHA, media_type="image/jpeg"), WORDS),),
        prompt="p@1", max_tokens=20,
    ),
}  # fmt: skip


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS.keys())
@pytest.mark.parametrize("kind", ["openai", "anthropic"])
def test_the_same_body_goes_out_and_the_same_words_come_back(
    kind: str, request_: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    with serving(FakeModel(key="k")) as model:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", model.url)
        ours = (
            OpenAIProvider("m", f"{model.url}/v1", pictures)
            if kind == "openai"
            else AnthropicProvider("m", pictures)
        )
        body = ours._body(request_)

        async def both() -> tuple[str, str | None]:
            said = ours.read((await ours.send(request_)).body).text
            if kind == "openai":
                client = openai.AsyncOpenAI(base_url=f"{model.url}/v1", max_retries=0)
                made: Any = await client.chat.completions.create(**body)
                return said, made.choices[0].message.content
            other = anthropic.AsyncAnthropic(max_retries=0)
            answer: Any = await other.messages.create(**body)
            return said, answer.content[0].text

        said, theirs = asyncio.run(both())
        first, second = model.bodies
        assert said == theirs
        assert first == second == body
