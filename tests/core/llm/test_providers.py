"""The real packages speak to the fake server: mapping, quirks, faults and what is never shown."""

import asyncio
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.anthropic_provider import AnthropicProvider
from imagewikiqa.core.llm.client import ImagePart, Message, Reply, Request, TextPart, user_request
from imagewikiqa.core.llm.failures import CallError
from imagewikiqa.core.llm.ledger import Ledger
from imagewikiqa.core.llm.ledgered import LedgeredClient, Provider, Raw, ShapeError
from imagewikiqa.core.llm.openai_provider import OpenAIProvider
from imagewikiqa.core.llm.patient import PatientClient
from imagewikiqa.core.llm.scripted import Rule
from imagewikiqa.qa.llm_reply import QuestionDrafts

from .fake_server import FakeModel, Fault, Kind, serving

CANARY = "sk-canary-0123456789abcdef"
BOTH = pytest.mark.parametrize("kind", ["openai", "anthropic"])
MODEL = "m-1"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModel]:
    model = FakeModel(rules=[Rule(contains=("hello",), reply="hi")], key=CANARY)
    monkeypatch.setenv("OPENAI_API_KEY", CANARY)
    monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
    with serving(model):
        monkeypatch.setenv("ANTHROPIC_BASE_URL", model.url)
        yield model


def provider(kind: str, server: FakeModel, model: str = MODEL) -> Provider:
    if kind == "anthropic":
        return AnthropicProvider(model)
    return OpenAIProvider(model, f"{server.url}/v1")


def asked(words: str = "hello", **options: object) -> Request:
    return user_request(MODEL, "p@1", words, 50, **options)


def send(one: Provider, request: Request) -> tuple[Raw, Reply]:
    async def run() -> Raw:
        return await one.send(request)

    raw = asyncio.run(run())
    return raw, one.read(raw.body)


@BOTH
def test_an_answer_is_kept_as_it_came_and_read_apart(kind: str, server: FakeModel) -> None:
    raw, reply = send(provider(kind, server), asked())
    assert raw.request_id == "req-1"
    assert raw.body.startswith(b"{") and b"hi" in raw.body
    assert (reply.text, reply.model, reply.finish) == ("hi", MODEL, "stop")
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (11, 7)


@BOTH
def test_the_schema_of_questions_is_sent_in_the_form_that_each_service_takes(
    kind: str, server: FakeModel
) -> None:
    schema = QuestionDrafts.model_json_schema()
    assert send(provider(kind, server), asked(json_schema=schema))[1].text == "hi"
    body = server.bodies[0]
    if kind == "openai":
        assert body["response_format"]["json_schema"]["schema"] == schema
    else:
        drafts = body["output_config"]["format"]["schema"]["$defs"]["QuestionDraft"]
        assert "4" in drafts["properties"]["choices"]["description"]


@BOTH
def test_system_words_go_where_the_service_looks_for_them(kind: str, server: FakeModel) -> None:
    turns = tuple(
        Message(role=role, content=(TextPart(text=text),))
        for role, text in (("system", "be short"), ("user", "hello"), ("assistant", "so"))
    )
    send(provider(kind, server), Request(model=MODEL, messages=turns, prompt="p", max_tokens=9))
    roles = [turn["role"] for turn in server.bodies[0]["messages"]]
    if kind == "openai":
        assert roles == ["system", "user", "assistant"]
    else:
        assert roles == ["user", "assistant"]
        assert server.bodies[0]["system"] == "be short"


@BOTH
def test_a_picture_is_refused_before_anything_is_sent(kind: str, server: FakeModel) -> None:
    picture = ImagePart(sha256="a" * 64, media_type="image/png")
    turn = Message(role="user", content=(picture, TextPart(text="hello")))
    with pytest.raises(ToolkitError, match="leave pictures out"):
        send(
            provider(kind, server),
            Request(model=MODEL, messages=(turn,), prompt="p", max_tokens=9),
        )
    assert server.bodies == []


@BOTH
@pytest.mark.parametrize(
    ("fault", "finish"), [("length", "length"), ("refusal", "refusal"), ("filter", "filtered")]
)
def test_a_cut_or_refused_answer_says_so(
    kind: str, fault: Kind, finish: str, server: FakeModel
) -> None:
    server.faults = lambda words, attempt: Fault(fault)
    expected = "refusal" if kind == "anthropic" and fault == "filter" else finish
    assert send(provider(kind, server), asked())[1].finish == expected


@BOTH
@pytest.mark.parametrize("fault", ["junk", "cut_json"])
def test_bytes_of_another_shape_are_told_by_reading(
    kind: str, fault: Kind, server: FakeModel
) -> None:
    server.faults = lambda words, attempt: Fault(fault)
    with pytest.raises(ShapeError, match="wrong at"):
        send(provider(kind, server), asked())


@BOTH
@pytest.mark.parametrize(
    ("fault", "busy", "after"),
    [
        (Fault("429", 120), True, 120), (Fault("429"), True, None), (Fault("500", 3), False, 3),
        (Fault("reset"), False, None), (Fault("cut"), False, None),
    ],
)  # fmt: skip
def test_what_may_pass_is_one_sentence_that_tells_how_long_to_wait(
    kind: str, fault: Fault, busy: bool, after: float | None, server: FakeModel
) -> None:
    server.faults = lambda words, attempt: fault
    with pytest.raises(CallError) as caught:
        send(provider(kind, server), asked())
    error = caught.value
    assert (error.again, error.busy, error.after) == (True, busy, after)
    assert error.free == (fault.kind in ("429", "500"))
    assert sum(server.asked.values()) == 1, "the package itself must not try again"


@BOTH
@pytest.mark.parametrize(("fault", "says"), [("401", "API_KEY"), ("quota", "spending")])
def test_a_wrong_key_and_spent_money_stop_everything(
    kind: str, fault: Kind, says: str, server: FakeModel
) -> None:
    server.faults = lambda words, attempt: Fault(fault, 1)
    with pytest.raises(ToolkitError, match=says) as caught:
        send(provider(kind, server), asked())
    assert "ledger" in str(caught.value)


@BOTH
def test_a_plain_refusal_is_about_one_request_and_is_not_repeated(
    kind: str, server: FakeModel
) -> None:
    schema: dict[str, object] = {"type": "object", "properties": {"a": {"type": "string"}}}
    schema |= {"additionalProperties": False, "required": []}
    client = PatientClient(_Plain(provider(kind, server)), first_wait=0.001)
    with pytest.raises(CallError) as caught:
        asyncio.run(_ask(client, asked(json_schema=schema)))
    assert caught.value.reason == "request refused by the service"
    assert not caught.value.again
    assert sum(server.asked.values()) == 1


class _Plain:
    """Sends and reads, without a ledger."""

    def __init__(self, inner: Provider) -> None:
        self.inner = inner
        self.model = inner.model

    async def ask(self, request: Request) -> Reply:
        return self.inner.read((await self.inner.send(request)).body)


async def _ask(client: PatientClient, request: Request) -> Reply:
    return await client.ask(request)


@pytest.mark.parametrize(
    ("model", "sent", "left"),
    [
        ("o9", {"temperature", "max_tokens", "seed"}, {"max_completion_tokens", "seed"}),
        ("m-1", {"temperature", "max_tokens", "seed"}, {"temperature", "max_tokens", "seed"}),
    ],
)
def test_a_parameter_that_the_model_refuses_is_left_out_from_then_on_and_written_down(
    model: str, sent: set[str], left: set[str], server: FakeModel, tmp_path: Path
) -> None:
    optional = {"temperature", "seed", "max_tokens", "max_completion_tokens"}

    async def run() -> None:
        with Ledger(tmp_path / "l.sqlite") as ledger:
            inner = LedgeredClient(provider("openai", server, model), ledger, "r")
            client = PatientClient(inner, first_wait=0.001)
            for words in ("hello", "hello again"):
                request = user_request(model, "p@1", words, 50, temperature=0.0, seed=3)
                assert (await client.ask(request)).text == "hi"

    asyncio.run(run())
    assert set(server.bodies[0]) & optional == sent
    assert set(server.bodies[-1]) & optional == left
    with Ledger(tmp_path / "l.sqlite") as ledger:
        errors = [row.error or "" for row in ledger.attempts() if row.status == "error"]
    refused = sorted(sent - left)
    assert len(errors) == len(refused)
    for name in refused:
        assert any(f"o9 takes no {name}" in error for error in errors)


def test_an_older_service_gets_the_older_name_of_the_length(server: FakeModel) -> None:
    one = OpenAIProvider("old-1", f"{server.url}/v1")
    one._length = "max_completion_tokens"  # as for OpenAI's own address
    with pytest.raises(CallError, match="takes no max_completion_tokens"):
        send(one, user_request("old-1", "p@1", "hello", 50))
    assert one._length == "max_tokens"


def test_anthropic_is_never_sent_a_temperature_or_a_seed(server: FakeModel) -> None:
    assert send(provider("anthropic", server), asked(temperature=0.0, seed=1))[1].text == "hi"
    assert not {"temperature", "seed"} & set(server.bodies[0])


@pytest.mark.parametrize(
    ("make", "variable"),
    [
        (lambda: OpenAIProvider("m"), "OPENAI_API_KEY"),
        (lambda: AnthropicProvider("m"), "ANTHROPIC_API_KEY"),
    ],
)
def test_without_a_key_the_sentence_names_the_variable(
    make: Callable[[], Provider], variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(variable, raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(ToolkitError, match=variable):
        make()


def test_a_server_of_ones_own_needs_no_key_and_its_answers_are_kept_apart(
    server: FakeModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert OpenAIProvider("m").name == "openai"
    monkeypatch.delenv("OPENAI_API_KEY")
    server.key = ""
    one = provider("openai", server)
    assert one.name == "openai-compatible"
    assert send(one, asked())[1].text == "hi"


def _with_locals(error: BaseException) -> str:
    """Return an error and all it came from, with the variables of our own and the packages' code.

    This test's own variables are left out: they hold the key.
    """
    parts: list[str] = []
    while error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        frames = [frame for frame in told.stack if frame.filename != __file__]
        parts += [str(told), *(f"{frame.name} {frame.locals}" for frame in frames)]
        assert any("imagewikiqa" in frame.filename for frame in frames)
        if error.__context__ is None:
            break
        error = error.__context__
    return "\n".join(parts)


@BOTH
def test_a_key_is_in_no_file_no_error_and_no_traceback(
    kind: str, server: FakeModel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    kinds: tuple[Kind, ...] = ("429", "500", "reset", "cut", "junk", "401", "quota")
    shown = []

    async def run(name: Kind) -> None:
        server.faults = lambda words, attempt: Fault(name)
        with Ledger(tmp_path / "l.sqlite") as ledger:
            await LedgeredClient(provider(kind, server), ledger, "r").ask(asked(name))

    for name in kinds:
        server.key = "another" if name == "401" else CANARY  # it repeats the key it was given
        with pytest.raises((CallError, ToolkitError)) as caught:
            asyncio.run(run(name))
        shown += [_with_locals(caught.value), repr(caught.value), str(vars(caught.value))]
    shown.append(repr(provider(kind, server)) + repr(vars(provider(kind, server))))
    files = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    with Ledger(tmp_path / "l.sqlite") as ledger:
        shown += [repr(row) for row in ledger.attempts()]
    assert CANARY.encode() not in files
    assert CANARY not in "\n".join([*shown, caplog.text])
    assert "wrong key [key]" in "\n".join(shown)
