"""However a batch ends, every finished answer is kept and only the rest is asked again (F7)."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.batched import BatchedClient
from imagewikiqa.core.llm.batches import Pace
from imagewikiqa.core.llm.client import Reply, user_request
from imagewikiqa.core.llm.failures import CallError
from imagewikiqa.core.llm.ledger import Ledger
from imagewikiqa.core.llm.ledgered import LedgeredClient
from tests.core.llm.batch_bench import (
    PRICE,
    QUICK,
    ask_all,
    check_ledger,
    check_nothing_paid_twice,
    price,
    requests,
    service,
)
from tests.core.llm.fake_batches import FakeBatches, Lost, Plan
from tests.core.llm.fake_server import FakeModel, serving

CANARY = "sk-canary-0123456789abcdef"
BOTH = pytest.mark.parametrize("kind", ["openai", "anthropic"])
COUNT = 6


def half(at: int) -> bool:
    return at % 2 == 0


def none(at: int) -> bool:
    return False


def only(*places: int) -> Callable[[int], bool]:
    return lambda at: at in places


def but(*places: int) -> Callable[[int], bool]:
    return lambda at: at not in places


@dataclass(frozen=True)
class Case:
    """How the batches end; `sizes` are those of the batches, `refused` requests without a reply."""

    plans: tuple[Plan, ...] = ()
    sizes: tuple[int, ...] = (COUNT,)
    refused: tuple[int, ...] = ()
    reason: str = ""
    lost: dict[tuple[str, int], Lost] = field(default_factory=dict)
    fails: dict[tuple[str, int], int] = field(default_factory=dict)
    pace: Pace = QUICK


ALL = tuple(range(COUNT))
REFUSED = "request refused by the service"
CASES = {
    "all answered": Case(),
    "expired with none answered": Case((Plan("expired", none),), (6, 6)),
    "expired with one answered": Case((Plan("expired", only(2)),), (6, 5)),
    "expired with half answered": Case((Plan("expired", half),), (6, 3)),
    "expired with all but one answered": Case((Plan("expired", but(5)),), (6, 1)),
    "expired with all answered": Case((Plan("expired"),)),
    "expired twice": Case((Plan("expired", half), Plan("expired", half)), (6, 3, 1)),
    "expired without lines for the rest": Case((Plan("expired", half, "missing"),), (6, 3)),
    "cancelled with none answered": Case((Plan("cancelled", none, "cancelled"),), (6, 6)),
    "cancelled with half answered": Case((Plan("cancelled", half, "cancelled"),), (6, 3)),
    "cancelled without lines for the rest": Case((Plan("cancelled", half, "missing"),), (6, 3)),
    "cancelled, then expired": Case(
        (Plan("cancelled", half, "cancelled"), Plan("expired", only(0))), (6, 3, 2)
    ),
    "completed with errors alone": Case((Plan("completed", none, "500 try again"),), (6, 6)),
    "completed with some errors": Case((Plan("completed", half, "500 try again"),), (6, 3)),
    "completed with some busy": Case((Plan("completed", half, "429 slow down"),), (6, 3)),
    "completed with some overloaded": Case((Plan("completed", half, "529 overloaded"),), (6, 3)),
    "completed without some lines": Case((Plan("completed", half, "missing"),), (6, 3)),
    "completed without any line": Case((Plan("completed", none, "missing"),), (6, 6)),
    "completed with one refused": Case(
        (Plan("completed", but(1), "400 bad words"),), (6,), (1,), REFUSED
    ),
    "completed with all refused": Case(
        (Plan("completed", none, "400 bad words"),), (6,), ALL, REFUSED
    ),
    "every answer twice in the file": Case((Plan("expired", half, repeat=True),), (6, 3)),
    "a line that nobody asked for": Case((Plan("expired", half, foreign=True),), (6, 3)),
    "failed without a reason": Case((Plan("failed", none, "500 try again"),), (6, 6)),
    "failed, then expired": Case(
        (Plan("failed", none, "500 try again"), Plan("expired", only(1, 4))), (6, 6, 4)
    ),
    "never answered": Case(
        tuple(Plan("expired", none) for _ in range(9)), (6, 6, 6), ALL, "batch expired",
        pace=replace(QUICK, rounds=3),
    ),
    "two batches, one expires": Case(
        (Plan("expired", half), Plan("completed")), (4, 2, 2), pace=replace(QUICK, most_requests=4)
    ),
    "two batches by bytes": Case((Plan("expired", half),), (), pace=replace(QUICK, most_bytes=500)),
    "submitting lost on its way": Case(lost={("create", 0): "before"}),
    "submitting lost on its way back": Case(lost={("create", 0): "after"}),
    "submitting fails with 500": Case(fails={("create", 0): 500}),
    "looking for a lost batch fails": Case(
        (Plan("expired", half),), (6, 3), lost={("create", 0): "after", ("list", 0): "before"},
        fails={("list", 1): 500},
    ),
    "looks lost": Case(
        (Plan("expired", half, looks=4),), (6, 3),
        lost={("look", 0): "before", ("look", 1): "after", ("look", 3): "before"},
    ),
    "service busy at a look": Case(fails={("look", 0): 429, ("look", 1): 529}),
    "results lost": Case(
        (Plan("expired", half),), (6, 3), lost={("results", 0): "before", ("results", 1): "after"}
    ),
    "results cut": Case((Plan("expired", half),), (6, 3), lost={("results", 0): "within"}),
    "a look cut": Case((Plan("expired", half),), (6, 3), lost={("look", 0): "within"}),
    "the answer to submitting cut": Case(lost={("create", 0): "within"}),
    "results fail with 500": Case((Plan("cancelled", half),), (6, 3), fails={("results", 0): 500}),
}  # fmt: skip
PROBLEM = {"code": "invalid_json_line", "message": "This line is not parseable", "line": 2}
CROWDED = {"code": "token_limit_exceeded", "message": "Enqueued token limit reached"}
OPENAI_CASES = {
    "failed by one line": Case((Plan("failed", none, problems=(PROBLEM,)),), (6, 5), (1,),
                               "batch refused"),
    "failed as too much waits": Case((Plan("failed", none, problems=(CROWDED,)),), (6, 3, 3)),
    "failed as another batch is enough": Case(
        (Plan("expired", half, looks=6), Plan("failed", none, problems=(CROWDED,))), (3, 3, 4, 1),
        pace=replace(QUICK, most_requests=3),
    ),
    "upload lost": Case(lost={("upload", 0): "before", ("upload", 1): "after"}),
}  # fmt: skip
assert len(CASES) >= 30


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModel]:
    with serving(FakeModel(key=CANARY)) as model:
        monkeypatch.setenv("OPENAI_API_KEY", CANARY)
        monkeypatch.setenv("ANTHROPIC_API_KEY", CANARY)
        monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
        monkeypatch.setenv("ANTHROPIC_BASE_URL", model.url)
        yield model


def try_case(kind: str, case: Case, server: FakeModel, file: Path) -> None:
    batches = server.batches
    batches.plans, batches.lost, batches.fails = list(case.plans), case.lost, case.fails
    asked = requests(COUNT)
    said = ask_all(kind, server, file, asked, case.pace)
    for at, one in enumerate(said):
        if at in case.refused:
            assert isinstance(one, CallError) and one.reason == case.reason, one
        else:
            assert isinstance(one, Reply) and one.text == f"echo: q{at}", one
    if case.sizes:
        assert sorted(len(made.entries) for made in batches.made.values()) == sorted(case.sizes)
    check_nothing_paid_twice(kind, server, asked)
    assert sum(batches.paid.values()) == COUNT - len(case.refused)
    assert check_ledger(file, server)["ok"] == COUNT - len(case.refused)
    before = len(batches.made)
    again = [one for at, one in enumerate(asked) if at not in case.refused]
    assert all(isinstance(one, Reply) for one in ask_all(kind, server, file, again))
    assert len(batches.made) == before, "a stored answer was asked for again"


@BOTH
@pytest.mark.parametrize("name", CASES)
def test_every_finished_answer_is_kept_and_only_the_rest_is_sent_again(
    kind: str, name: str, server: FakeModel, tmp_path: Path
) -> None:
    try_case(kind, CASES[name], server, tmp_path / "l.sqlite")


@pytest.mark.parametrize("name", OPENAI_CASES)
def test_a_file_that_openai_refuses_loses_nothing(
    name: str, server: FakeModel, tmp_path: Path
) -> None:
    case = OPENAI_CASES[name]
    if "another" in name:
        case = replace(case, sizes=())
    try_case("openai", case, server, tmp_path / "l.sqlite")


@BOTH
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_endings_pay_each_answer_once(
    kind: str, server: FakeModel, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    ends = st.sampled_from(["expired", "cancelled", "completed"])
    others = st.sampled_from(["expired", "cancelled", "missing", "500 x", "429 x"])
    places = st.sets(st.integers(0, COUNT - 1))
    drawn = data.draw(st.lists(st.tuples(ends, places, others), max_size=4))
    server.batches = batches = FakeBatches()
    batches.plans = [Plan(end, only(*at), other) for end, at, other in drawn]
    size = data.draw(st.integers(1, COUNT))
    pace = replace(QUICK, most_requests=size, quiet=0.001, first=0.001, rounds=6)
    file = tmp_path_factory.mktemp("run") / "l.sqlite"
    asked = requests(COUNT)
    said = ask_all(kind, server, file, asked, pace)
    assert [one.text for one in said if isinstance(one, Reply)] == [f"echo: q{n}" for n in range(6)]
    assert set(batches.paid.values()) == {1} and len(batches.paid) == COUNT
    check_nothing_paid_twice(kind, server, asked)
    assert check_ledger(file, server)["ok"] == COUNT


@BOTH
@pytest.mark.parametrize(
    ("other", "says"), [("402 credit balance is too low", "spending"), ("401 no", "API_KEY")]
)
def test_spent_money_stops_everything_and_keeps_what_was_answered(
    kind: str, other: str, says: str, server: FakeModel, tmp_path: Path
) -> None:
    server.batches.plans = [Plan("completed", half, other)]
    asked, file = requests(COUNT), tmp_path / "l.sqlite"
    for at, one in enumerate(ask_all(kind, server, file, asked)):
        assert isinstance(one, Reply) if half(at) else isinstance(one, ToolkitError)
        assert half(at) or says in str(one)
    assert check_ledger(file, server) == {"ok": 3, "error": 3}
    assert all(isinstance(one, Reply) for one in ask_all(kind, server, file, asked))
    check_nothing_paid_twice(kind, server, asked)


@BOTH
@pytest.mark.parametrize("call", ["create", "look", "results"])
def test_a_refused_key_stops_and_the_next_command_takes_the_batch_up(
    kind: str, call: str, server: FakeModel, tmp_path: Path
) -> None:
    server.batches.fails = {(call, 0): 401}
    asked, file = requests(COUNT), tmp_path / "l.sqlite"
    for one in ask_all(kind, server, file, asked):
        assert isinstance(one, ToolkitError) and "_API_KEY" in str(one)
    assert all(isinstance(one, Reply) for one in ask_all(kind, server, file, asked))
    assert len(server.batches.made) == 1
    check_nothing_paid_twice(kind, server, asked)


@BOTH
def test_a_service_that_stays_away_is_one_sentence_and_loses_no_batch(
    kind: str, server: FakeModel, tmp_path: Path
) -> None:
    server.batches.fails = {("look", number): 500 for number in range(4)}
    asked, file = requests(2), tmp_path / "l.sqlite"
    for one in ask_all(kind, server, file, asked, replace(QUICK, tries=4)):
        assert isinstance(one, ToolkitError) and "repeat the command" in str(one)
    assert all(isinstance(one, Reply) for one in ask_all(kind, server, file, asked))
    assert len(server.batches.made) == 1


@BOTH
def test_a_service_without_batches_is_one_sentence(
    kind: str, server: FakeModel, tmp_path: Path
) -> None:
    server.batches.offered = False
    for one in ask_all(kind, server, tmp_path / "l.sqlite", requests(2)):
        assert isinstance(one, ToolkitError) and "leave out --batch" in str(one)


@BOTH
def test_a_request_above_the_limit_is_refused_alone(
    kind: str, server: FakeModel, tmp_path: Path
) -> None:
    asked = [*requests(2), user_request("m", "p@1", "long " * 200, 10)]
    one, two, large = ask_all(
        kind, server, tmp_path / "l.sqlite", asked, replace(QUICK, most_bytes=900)
    )
    assert isinstance(one, Reply) and isinstance(two, Reply)
    assert isinstance(large, CallError) and large.reason == "request too large"


@BOTH
def test_answers_of_another_shape_are_told_and_asked_again(
    kind: str, server: FakeModel, tmp_path: Path
) -> None:
    server.batches.plans = [Plan("completed", half, "200 junk")]
    said = ask_all(kind, server, tmp_path / "l.sqlite", requests(COUNT))
    assert all(isinstance(one, Reply) for one in said)
    assert check_ledger(tmp_path / "l.sqlite", server) == {"ok": 6, "invalid": 3}


def test_a_parameter_that_the_model_refuses_is_left_out_of_the_next_batch(
    server: FakeModel, tmp_path: Path
) -> None:
    asked = [user_request("o9", "p@1", f"q{n}", 10, temperature=0.0) for n in range(3)]
    said = ask_all("openai", server, tmp_path / "l.sqlite", asked)
    assert all(isinstance(one, Reply) for one in said)
    last = [*server.batches.made.values()][-1]
    assert len(last.entries) == 3
    for _, body in last.entries:
        assert "temperature" not in body and "max_completion_tokens" in body


@BOTH
def test_answers_of_batches_and_of_single_calls_are_one_and_the_same(
    kind: str, server: FakeModel, tmp_path: Path
) -> None:
    asked = requests(3)

    async def alone(file: Path) -> list[Reply]:
        with Ledger(file) as ledger:
            client = LedgeredClient(service(kind, server), ledger, "run", price)  # type: ignore[arg-type]
            return [await client.ask(one) for one in asked]

    batched = ask_all(kind, server, tmp_path / "batch.sqlite", asked)
    assert asyncio.run(alone(tmp_path / "alone.sqlite")) == batched
    before = sum(server.asked.values())
    assert asyncio.run(alone(tmp_path / "batch.sqlite")) == batched
    assert ask_all(kind, server, tmp_path / "alone.sqlite", asked) == batched
    assert sum(server.asked.values()) == before
    raws = []
    for name, usd in (("batch", PRICE / 2), ("alone", PRICE)):
        with Ledger(tmp_path / f"{name}.sqlite") as ledger:
            rows = list(ledger.attempts())
            assert {row.usd for row in rows} == {usd}
            found = [ledger.answer(row.key) for row in rows]
            raws.append([json.loads(one.raw) for one in found if one])
            (line,) = ledger.cost("run").values()
            assert line["batched"] == (3 if name == "batch" else 0)
    assert raws[0] == raws[1]


@BOTH
def test_twins_share_a_request_and_other_votes_do_not(
    kind: str, server: FakeModel, tmp_path: Path
) -> None:
    twin = user_request("m", "p@1", "q", 10)
    vote = user_request("m", "p@1", "q", 10, sample=1)
    said = ask_all(kind, server, tmp_path / "l.sqlite", [twin, twin, vote])
    assert all(isinstance(one, Reply) for one in said)
    assert [len(made.entries) for made in server.batches.made.values()] == [2]


@BOTH
def test_an_interrupt_tells_that_batches_go_on(
    kind: str, server: FakeModel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "imagewikiqa")
    server.batches.plans = [Plan(looks=10**6)]

    async def run() -> None:
        with Ledger(tmp_path / "l.sqlite") as ledger:
            client = BatchedClient(service(kind, server), ledger, "run", price, QUICK)
            task = asyncio.create_task(client.ask(requests(1)[0]))
            while not server.batches.calls["look"]:
                await asyncio.sleep(0.01)
            left = asyncio.all_tasks() - {asyncio.current_task()}
            for one in left:
                one.cancel()
            await asyncio.wait(left)
            assert task.cancelled()

    asyncio.run(run())
    assert "submitted 1 requests as batch batch-0" in caplog.text
    assert "go on at" in caplog.text and "the same command" in caplog.text


@BOTH
def test_no_key_is_in_the_ledger_the_log_or_an_error(
    kind: str, server: FakeModel, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    shown = []
    for number, call in enumerate(("create", "look", "results", "list", "upload")):
        server.batches.fails = {(call, server.batches.calls[call]): 401}
        server.batches.lost = {("create", server.batches.calls["create"]): "after"}
        shown += ask_all(kind, server, tmp_path / f"{number}.sqlite", requests(2))
    server.key = "another"  # and the server repeats the one it was given
    shown += ask_all(kind, server, tmp_path / "wrong.sqlite", requests(2))
    assert any(isinstance(one, ToolkitError) for one in shown)
    files = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert CANARY.encode() not in files
    told = [f"{one!r} {one} {vars(one) if isinstance(one, Exception) else ''}" for one in shown]
    assert CANARY not in "\n".join([*told, caplog.text])
