"""Pictures in requests: found by digest, sent in each dialect, never in the ledger."""

import asyncio
import hashlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.anthropic_provider import AnthropicProvider
from imagewikiqa.core.llm.client import ImagePart, Message, Request, TextPart
from imagewikiqa.core.llm.failures import CallError
from imagewikiqa.core.llm.images import Images, index_files
from imagewikiqa.core.llm.ledger import Ledger
from imagewikiqa.core.llm.ledgered import LedgeredClient, Provider
from imagewikiqa.core.llm.limits import about_tokens
from imagewikiqa.core.llm.openai_provider import OpenAIProvider
from imagewikiqa.core.llm.patient import PatientClient

from .fake_server import FakeModel, serving

BOTH = pytest.mark.parametrize("kind", ["openai", "anthropic"])
PNG = b"\x89PNG\r\n\x1a\n" + b"pixels" * 20
FILES = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0" + b"pixels" * 9,
    "image/webp": b"RIFF\x10\x00\x00\x00WEBPVP8 " + b"pixels" * 9,
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModel]:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    with serving(FakeModel()) as model:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", model.url)
        yield model


def provider(kind: str, server: FakeModel, images: Images | None) -> Provider:
    if kind == "anthropic":
        return AnthropicProvider("m", images)
    return OpenAIProvider("m", f"{server.url}/v1", images)


def sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def part(raw: bytes, media_type: Any = "image/png") -> ImagePart:
    return ImagePart(sha256=sha256(raw), media_type=media_type)


def about(*parts: ImagePart | TextPart, role: Any = "user") -> Request:
    turn = Message(role=role, content=(*parts, TextPart(text="what is it?")))
    return Request(model="m", messages=(turn,), prompt="p", max_tokens=9)


def ask(one: Provider, request: Request, file: Path) -> str:
    async def run() -> str:
        with Ledger(file) as ledger:
            client = PatientClient(LedgeredClient(one, ledger, "r"), first_wait=0.001)
            return (await client.ask(request)).text

    return asyncio.run(run())


@BOTH
def test_pictures_arrive_as_they_lie_in_files_and_the_ledger_keeps_their_digests(
    kind: str, server: FakeModel, tmp_path: Path
) -> None:
    paths = [tmp_path / name.replace("/", ".") for name in FILES]
    for path, raw in zip(paths, FILES.values(), strict=True):
        path.write_bytes(raw)
    request = about(TextPart(text="look"), *(part(raw, name) for name, raw in FILES.items()))
    file = tmp_path / "l.sqlite"
    one = provider(kind, server, index_files(paths))
    assert ask(one, request, file) == ask(one, request, file) == "echo: look\nwhat is it?"
    assert server.pictures == [(name, sha256(raw)) for name, raw in FILES.items()]
    types = [found["type"] for found in server.bodies[0]["messages"][0]["content"]]
    assert types == ["text", *["image_url" if kind == "openai" else "image"] * 3, "text"]
    with Ledger(file) as ledger:
        (row,) = ledger.attempts()
        body = ledger.body(row.key) or ""
    assert sha256(PNG) in body and "base64" not in body and "pixels" not in body


@BOTH
def test_a_picture_of_many_megabytes_is_sent_without_a_warning(
    kind: str, server: FakeModel, tmp_path: Path
) -> None:
    raw = PNG * 20_000
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ask(
            provider(kind, server, {sha256(raw): raw}.__getitem__), about(part(raw)), tmp_path / "l"
        )
    assert server.pictures == [("image/png", sha256(raw))]


@BOTH
@pytest.mark.parametrize(
    ("found", "media_type", "reason"),
    [
        ({}, "image/png", "image missing"),
        ({sha256(PNG): b"other"}, "image/png", "image changed"),
        ({sha256(PNG): PNG}, "image/jpeg", "image of another type"),
        ({sha256(b"GIF89a"): b"GIF89a"}, "image/png", "image of another type"),
    ],
)
def test_a_picture_that_is_not_what_the_request_says_costs_its_record_and_nothing_else(
    kind: str, found: dict[str, bytes], media_type: str, reason: str, server: FakeModel,
    tmp_path: Path,
) -> None:  # fmt: skip
    name = next(iter(found), sha256(PNG))
    request = about(ImagePart.model_validate({"sha256": name, "media_type": media_type}))
    with pytest.raises(CallError) as caught:
        ask(provider(kind, server, found.__getitem__), request, tmp_path / "l.sqlite")
    assert caught.value.reason == reason
    assert server.bodies == []
    with Ledger(tmp_path / "l.sqlite") as ledger:
        assert [(row.status, row.usd) for row in ledger.attempts()] == [("error", 0.0)]


@BOTH
@pytest.mark.parametrize("role", ["system", "assistant"])
def test_a_picture_that_no_user_sends_is_refused(
    kind: str, role: str, server: FakeModel, tmp_path: Path
) -> None:
    images = {sha256(PNG): PNG}.__getitem__
    with pytest.raises(ToolkitError, match="pictures of users only"):
        ask(provider(kind, server, images), about(part(PNG), role=role), tmp_path / "l.sqlite")
    assert server.bodies == []


def test_a_gif_cannot_be_named_and_a_lost_file_is_a_missing_picture(tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        part(PNG, "image/gif")
    (tmp_path / "a.png").write_bytes(PNG)
    images = index_files([tmp_path / "a.png"])
    assert images(sha256(PNG)) == PNG
    (tmp_path / "a.png").unlink()
    with pytest.raises(OSError):
        images(sha256(PNG))


def test_a_picture_counts_in_the_tokens_that_are_booked() -> None:
    assert about_tokens(about(part(PNG), part(PNG))) - about_tokens(about()) == 3200
