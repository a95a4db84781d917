"""Many prompts through every fault: one state each, no early retry, no second payment."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.core.digests import keyed_int
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.anthropic_provider import AnthropicProvider
from imagewikiqa.core.llm.client import Usage, user_request
from imagewikiqa.core.llm.failures import failure, retry_after
from imagewikiqa.core.llm.ledger import Ledger
from imagewikiqa.core.llm.ledgered import LedgeredClient, Provider
from imagewikiqa.core.llm.limits import Limiter, Limits
from imagewikiqa.core.llm.openai_provider import OpenAIProvider
from imagewikiqa.core.llm.patient import PatientClient
from imagewikiqa.core.llm.prices import price_of
from imagewikiqa.core.stages import RecordError

from .fake_server import FakeModel, Fault, Kind, serving

BOTH = pytest.mark.parametrize("kind", ["openai", "anthropic"])
SCALE = 0.0005  # of the seconds that a service would ask to wait: 1, 20, 120
SHARES: tuple[tuple[Kind, int], ...] = (
    ("429", 30), ("500", 10), ("reset", 5), ("cut", 5), ("cut_json", 5), ("refusal", 5),
    ("junk", 5),
)  # fmt: skip


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")


def faults(words: str, attempt: int) -> Fault | None:
    """Return what goes wrong, the same in every run; the sixth try always works."""
    if attempt == 5:
        return None
    drawn = keyed_int("fault", words, attempt) % 100
    for kind, share in SHARES:
        if 0 <= drawn < share:
            after = (1, 20, 120)[keyed_int("after", words, attempt) % 3] * SCALE
            return Fault(kind, after if kind == "429" else None)
        drawn -= share
    return None


def provider(kind: str, model: FakeModel, monkeypatch: pytest.MonkeyPatch) -> Provider:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", model.url)
    if kind == "anthropic":
        return AnthropicProvider("m-1")
    return OpenAIProvider("m-1", f"{model.url}/v1")


async def ask_all(
    one: Provider, file: Path, prompts: int, limiter: Limiter, tries: int = 6
) -> list[Any]:
    """Ask prompts side by side; return the finish of each answer, or the error."""
    with Ledger(file) as ledger:
        inner = LedgeredClient(one, ledger, "r", limiter=limiter)
        client = PatientClient(inner, tries, first_wait=0.002)
        requests = [user_request("m-1", "p@1", f"prompt {n:03}", 20) for n in range(prompts)]
        found = await asyncio.gather(*map(client.ask, requests), return_exceptions=True)
    return [one if isinstance(one, BaseException) else one.finish for one in found]


@BOTH
def test_every_prompt_ends_in_one_state_and_none_comes_back_too_early(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_faults: bool
) -> None:
    prompts, file = 1000 if full_faults else 300, tmp_path / "l.sqlite"
    with serving(FakeModel(faults=faults)) as model:
        limiter = Limiter(Limits(in_flight=16))
        one = provider(kind, model, monkeypatch)
        found = asyncio.run(ask_all(one, file, prompts, limiter))
        seen, sent = Counter(model.asked), sum(model.asked.values())
        assert set(found) == {"stop", "refusal"}
        assert found.count("refusal") > prompts // 100
        assert model.early == []
        assert model.most_at_once <= 16
        fresh = provider(kind, model, monkeypatch)
        again = asyncio.run(ask_all(fresh, file, prompts, limiter))
    assert again == found
    assert seen == model.asked, "answers are served by the ledger"
    with Ledger(file) as ledger:
        rows = list(ledger.attempts())
    assert len(rows) == sent
    ends = Counter(row.key for row in rows if row.status in ("ok", "refused"))
    assert set(ends.values()) == {1} and len(ends) == prompts
    assert {row.status for row in rows} == {"ok", "refused", "error", "invalid"}
    least = sum(_least(f"prompt {n:03}") for n in range(prompts))
    assert sent == least, "each prompt is sent until the first answer that can be read"


@BOTH
def test_the_server_sees_a_client_that_comes_back_too_early(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def twice(one: Provider) -> None:
        for _ in range(2):
            with pytest.raises(RecordError):
                await one.send(user_request("m-1", "p@1", "hurry", 20))

    with serving(FakeModel(faults=lambda words, attempt: Fault("429", 30))) as model:
        asyncio.run(twice(provider(kind, model, monkeypatch)))
    ((words, seconds),) = model.early
    assert (words, 20 < seconds < 30) == ("hurry", True)


def _least(words: str) -> int:
    attempt = 0
    while (fault := faults(words, attempt)) and fault.kind != "refusal":
        attempt += 1
    return attempt + 1


@BOTH
def test_no_money_left_stops_all_and_what_was_answered_stays(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def spent(words: str, attempt: int) -> Fault | None:
        return Fault("quota", 1) if words > "prompt 019" else None

    file = tmp_path / "l.sqlite"
    with serving(FakeModel(faults=spent)) as model:
        one = provider(kind, model, monkeypatch)
        found = asyncio.run(ask_all(one, file, 40, Limiter(Limits(in_flight=4))))
        assert found[:20] == ["stop"] * 20
        assert all(isinstance(error, ToolkitError) for error in found[20:])
        assert max(model.asked.values()) == 1, "nothing is asked again without money"
        model.faults = lambda words, attempt: None
        fresh = provider(kind, model, monkeypatch)
        assert asyncio.run(ask_all(fresh, file, 40, Limiter())) == ["stop"] * 40
    assert sorted(model.asked.values()) == [1] * 20 + [2] * 20


@BOTH
def test_a_service_that_never_answers_is_given_up_after_some_tries(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(FakeModel(faults=lambda words, attempt: Fault("500"))) as model:
        one = provider(kind, model, monkeypatch)
        (error,) = asyncio.run(ask_all(one, tmp_path / "l.sqlite", 1, Limiter(), tries=3))
    assert isinstance(error, RecordError)
    assert error.reason == "service failed"
    assert sum(model.asked.values()) == 3


def test_a_bucket_on_this_side_keeps_the_rate_and_the_places(tmp_path: Path) -> None:
    begun: list[float] = []
    together = 0

    async def run() -> int:
        nonlocal together
        limiter = Limiter(Limits(requests_per_minute=60 * 200, in_flight=3))
        now = most = 0

        async def call() -> None:
            nonlocal now, most
            async with limiter.slot(10):
                begun.append(asyncio.get_running_loop().time())
                now += 1
                most = max(most, now)
                await asyncio.sleep(0.001)
                now -= 1

        await asyncio.gather(*(call() for _ in range(40)))
        return most

    assert asyncio.run(run()) <= 3
    assert len(begun) == 40
    assert begun[-1] - begun[0] >= 39 / 200 - 0.001


def test_tokens_a_minute_count_what_was_really_used() -> None:
    async def run(used: int) -> float:
        limiter = Limiter(Limits(tokens_per_minute=60_000))
        start = asyncio.get_running_loop().time()
        for _ in range(3):
            async with limiter.slot(10) as slot:
                slot.correct(used)
        return asyncio.get_running_loop().time() - start

    assert asyncio.run(run(100)) >= 0.199  # 2 x 100 of 1000 a second


def test_a_place_of_a_cancelled_call_is_given_on() -> None:
    async def run() -> str:
        limiter = Limiter(Limits(in_flight=1))

        async def call(seconds: float) -> None:
            async with limiter.slot(1):
                await asyncio.sleep(seconds)

        first = asyncio.create_task(call(9))
        second = asyncio.create_task(call(9))
        third = asyncio.create_task(call(0))
        await asyncio.sleep(0)
        second.cancel()
        first.cancel()
        await asyncio.wait_for(third, 5)
        return "done"

    assert asyncio.run(run()) == "done"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "120"}, 120.0), ({"retry-after": "0.5"}, 0.5), ({}, None),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5), ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0), ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None), ({"retry-after": "inf"}, None),
    ],
)  # fmt: skip
def test_the_wait_is_read_in_each_way_to_say_it(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert retry_after(headers) == seconds


def test_a_plain_rate_limit_that_speaks_of_billing_is_no_end_of_money() -> None:
    said = "Rate limit reached for gpt. Add a payment method at /account/billing."
    error = failure("OpenAI", "OPENAI_API_KEY", "gpt", 429, said, {})
    assert not isinstance(error, ToolkitError) and error.busy


def test_prices_are_known_for_known_models_alone() -> None:
    used = Usage(input_tokens=1000, output_tokens=1000)
    assert price_of("openai")("gpt-4.1-mini", used) == pytest.approx(0.0004 + 0.0016)
    assert price_of("anthropic")("claude-sonnet-4-6", used) == pytest.approx(0.003 + 0.015)
    assert price_of("openai")("nobody-knows-it", used) is None
    assert price_of("openai-compatible")("gpt-4.1-mini", used) is None
