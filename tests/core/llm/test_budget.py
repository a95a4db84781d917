"""A budget is never overrun: prices are reserved before a call and put right after it."""

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.budget import Meter, most_usd, parse_budget
from imagewikiqa.core.llm.client import Request, Usage, user_request
from imagewikiqa.core.llm.failures import CallError
from imagewikiqa.core.llm.ledger import Ledger
from imagewikiqa.core.llm.ledgered import LedgeredClient, Raw
from imagewikiqa.core.llm.limits import Limiter, Limits

from .test_ledger import Counting


def price(model: str, usage: Usage) -> float:
    """Return a dollar for each token that is written, and nothing for those that are read."""
    return float(usage.output_tokens)


def asked(text: str, most: int = 10) -> Request:
    return user_request("m", "p@1", text, most)


@pytest.mark.parametrize(
    ("text", "usd"), [("25usd", 25), ("0.5 USD", 0.5), ("$3", 3), ("7", 7), (" 1.25 usd ", 1.25)]
)
def test_a_budget_is_read_in_dollars(text: str, usd: float) -> None:
    assert parse_budget(text) == usd


@pytest.mark.parametrize("text", ["", "25 eur", "-1", "0", "0usd", "nan", "1e400", "much", "$$3"])
def test_another_budget_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(ToolkitError, match="25usd"):
        parse_budget(text)


@given(st.text(min_size=1, max_size=200))
def test_no_words_have_more_tokens_than_bytes(text: str) -> None:
    def read(model: str, usage: Usage) -> float:
        return float(usage.input_tokens)

    most = most_usd(asked(text), read)
    assert most is not None and most > len(text.encode())


def test_the_most_that_a_call_costs_counts_its_longest_answer() -> None:
    assert most_usd(asked("a b c", 10), price) == 10
    assert most_usd(asked("a b c", 10), lambda model, usage: None) is None


def ask(
    meter: Meter, file: Path, texts: list[str], provider: Counting | None = None, run: str = "r"
) -> list[object]:
    """Ask all at once, eight on their way; return the words of each answer or its error."""

    async def go() -> list[object]:
        with Ledger(file) as ledger:
            meter.begin(ledger, run, "test", price)
            one = LedgeredClient(
                provider or Counting(delay=0.01), ledger, run, price,
                Limiter(Limits(in_flight=8)), meter,
            )  # fmt: skip
            found = await asyncio.gather(
                *(one.ask(asked(text)) for text in texts), return_exceptions=True
            )
        return [reply if isinstance(reply, BaseException) else reply.text for reply in found]

    return asyncio.run(go())


def test_calls_that_do_not_fit_are_not_sent(tmp_path: Path) -> None:
    provider = Counting(delay=0.01)
    meter = Meter(35.0)
    found = ask(meter, tmp_path / "l", [f"t{n}" for n in range(40)], provider)
    refused = [one for one in found if isinstance(one, ToolkitError)]
    assert refused and "35 usd is used up" in str(refused[0]) and "--budget" in str(refused[0])
    assert len(provider.sent) + len(refused) == 40
    assert meter.usd <= 35.0
    assert meter.usd == len(provider.sent), "one token was written by each"
    assert meter.held == 0


def test_a_call_waits_for_room_that_others_give_back(tmp_path: Path) -> None:
    meter = Meter(15.0)  # each call costs 1 and reserves 10: they go one after another
    found = ask(meter, tmp_path / "l", [f"t{n}" for n in range(5)])
    assert not [one for one in found if isinstance(one, BaseException)]
    assert meter.usd == 5.0


def test_what_earlier_commands_spent_counts_once(tmp_path: Path) -> None:
    ask(Meter(100.0), tmp_path / "l", ["a", "b", "c"])
    meter = Meter(100.0)
    assert ask(meter, tmp_path / "l", ["a", "d"]) == ["A", "D"]
    assert (meter.calls, meter.usd) == (4, 4.0)
    another = Meter(100.0)
    ask(another, tmp_path / "l", ["e"], run="another run")
    assert another.usd == 1.0


def test_a_run_that_goes_on_without_a_budget_reads_no_stored_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(Meter(), tmp_path / "l", ["a", "b"], Counting(fails={"b"}))
    monkeypatch.setattr(Ledger, "body", lambda self, key: pytest.fail("a request was unpacked"))
    heard: list[tuple[int, float, bool]] = []
    meter = Meter(None, lambda *told: heard.append(told))
    ask(meter, tmp_path / "l", ["a"])
    assert heard == [(2, 1.0, True)], "told once of both: the failed one may have been billed"


def test_a_call_of_an_earlier_command_that_was_cut_off_counts_in_full(tmp_path: Path) -> None:
    async def die() -> None:
        from imagewikiqa.core.llm.ledger import asked_of

        with Ledger(tmp_path / "l") as ledger:
            await ledger.start(asked_of("test", asked("a", 10)), "r")

    asyncio.run(die())
    meter = Meter(12.0)
    found = ask(meter, tmp_path / "l", ["b"])
    assert isinstance(found[0], ToolkitError)
    assert meter.usd == 10


def test_a_failure_that_may_have_been_billed_counts_in_full(tmp_path: Path) -> None:
    meter = Meter(100.0)
    found = ask(meter, tmp_path / "l", ["a"], Counting(fails={"a"}))
    assert isinstance(found[0], Exception)
    assert (meter.usd, meter.held) == (10.0, 0.0)


def test_a_failure_that_cost_nothing_counts_as_nothing(tmp_path: Path) -> None:
    class Busy(Counting):
        async def send(self, request: Request) -> Raw:
            raise CallError("service busy", busy=True, after=0.0, free=True)

    meter = Meter(100.0)
    ask(meter, tmp_path / "l", ["a"], Busy())
    assert (meter.calls, meter.usd, meter.held) == (1, 0.0, 0.0)


def test_a_model_without_a_price_is_not_asked_under_a_budget() -> None:
    with pytest.raises(ToolkitError, match="no price is known for m"):
        Meter(1.0).take(asked("a"), lambda model, usage: None)
    assert Meter().take(asked("a"), lambda model, usage: None) == 0.0


def test_a_meter_tells_calls_dollars_and_that_a_price_is_unknown() -> None:
    heard: list[tuple[int, float, bool]] = []
    meter = Meter(None, lambda *told: heard.append(told))
    meter.settle(0.0, 2.5)
    meter.settle(0.0, None)
    assert heard == [(1, 2.5, False), (2, 2.5, True)]


@given(st.lists(st.tuples(st.integers(1, 9), st.floats(0, 1)), max_size=40), st.integers(1, 60))
@settings(max_examples=200, deadline=None)
def test_spent_and_held_never_pass_the_budget(calls: list[tuple[int, float]], most: int) -> None:
    meter = Meter(float(most))
    waiting: list[tuple[float, float]] = []
    for size, share in calls:
        try:
            held = meter.take(asked("x", size), price)
        except ToolkitError:
            while waiting:
                meter.settle(*waiting.pop())
            continue
        waiting.append((held, held * share))
        assert meter.usd + meter.held <= most + 1e-9
