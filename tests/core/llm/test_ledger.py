"""No answer is paid twice: not by a repeated call, a twin, a crash at any point or a kill."""

import asyncio
import json
import os
import signal
import sqlite3
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.digests import canonical_json, text_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.client import (
    ImagePart,
    Message,
    Reply,
    Request,
    TextPart,
    Usage,
    user_request,
)
from imagewikiqa.core.llm.ledger import Ledger, asked_of
from imagewikiqa.core.llm.ledgered import LedgeredClient, Raw, ShapeError
from imagewikiqa.core.stages import RecordError

CANARY = "sk-canary-1234567890"


@dataclass
class Counting:
    """A provider that counts what it is asked, and fails where it is told to."""

    name: str = "test"
    model: str = "m"
    sent: list[str] = field(default_factory=list)
    answers: dict[str, bytes] = field(default_factory=dict)
    fails: set[str] = field(default_factory=set)
    delay: float = 0.0

    async def send(self, request: Request) -> Raw:
        self.sent.append(request.text)
        await asyncio.sleep(self.delay)
        if request.text in self.fails:
            raise RecordError("no answer", "the line is cut")
        return Raw(self.answers.get(request.text, answer(request.text)), "req-1")

    def read(self, body: bytes) -> Reply:
        try:
            return Reply.model_validate_json(body)
        except ValueError as error:
            raise ShapeError("no reply in it") from error


def answer(text: str, finish: str = "stop") -> bytes:
    usage = {"input_tokens": 3, "output_tokens": 1}
    return json.dumps(
        {"text": text.upper(), "model": "m-1", "finish": finish, "usage": usage}
    ).encode()


def asked(text: str, **options: int) -> Request:
    return user_request("m", "p@1", text, 10, **options)


def price(model: str, usage: Usage) -> float:
    return usage.input_tokens * 0.001


def test_a_stored_answer_is_not_asked_for_again(tmp_path: Path) -> None:
    provider = Counting()

    async def run() -> list[str]:
        with Ledger(tmp_path / "l.sqlite") as ledger:
            client = LedgeredClient(provider, ledger, "r1", price)
            return [(await client.ask(asked(text))).text for text in ("a", "b", "a")]

    assert asyncio.run(run()) == ["A", "B", "A"]
    assert asyncio.run(run()) == ["A", "B", "A"]
    assert provider.sent == ["a", "b"]
    with Ledger(tmp_path / "l.sqlite") as ledger:
        rows = [*ledger.attempts()]
        assert [(r.status, r.answered_by, r.input_tokens, r.usd, r.request_id) for r in rows] == [
            ("ok", "m-1", 3, 0.003, "req-1")
        ] * 2
        body = json.loads(ledger.body(rows[0].key) or "")
        assert body[0] == "test" and body[1]["messages"][0]["content"][0]["text"] == "a"


def test_twins_on_their_way_share_one_attempt_and_other_votes_do_not(tmp_path: Path) -> None:
    provider = Counting(delay=0.05)

    async def run() -> None:
        with Ledger(tmp_path / "l.sqlite") as ledger:
            client = LedgeredClient(provider, ledger, "r")
            calls = [client.ask(asked("a")) for _ in range(5)]
            await asyncio.gather(*calls, client.ask(asked("a", sample=1)))

    asyncio.run(run())
    assert provider.sent == ["a", "a"]


def test_a_cancelled_caller_loses_no_answer(tmp_path: Path) -> None:
    provider = Counting(delay=0.05)

    async def run() -> str:
        with Ledger(tmp_path / "l.sqlite") as ledger:
            client = LedgeredClient(provider, ledger, "r")
            first = asyncio.create_task(client.ask(asked("a")))
            await asyncio.sleep(0.02)
            first.cancel()
            return (await client.ask(asked("a"))).text

    assert asyncio.run(run()) == "A"
    assert provider.sent == ["a"]


def test_cancelled_callers_leave_the_ledger_at_work(tmp_path: Path) -> None:
    async def run() -> None:
        with Ledger(tmp_path / "l.sqlite") as ledger:
            for number in range(20):
                tasks = [
                    asyncio.create_task(
                        ledger.start(asked_of("test", asked(f"{number}-{at}")), "r")
                    )
                    for at in range(10)
                ]
                await asyncio.sleep(0)
                for task in tasks[1:]:
                    task.cancel()
                await asyncio.wait_for(tasks[0], 10)

    asyncio.run(run())  # closing waits for what is on its way to the file
    with Ledger(tmp_path / "l.sqlite") as ledger:
        assert len([*ledger.attempts()]) == 200


@pytest.mark.parametrize(
    ("finish", "status"),
    [("length", "truncated"), ("refusal", "refused"), ("filtered", "filtered")],
)
def test_a_cut_or_refused_answer_is_paid_and_kept(tmp_path: Path, finish: str, status: str) -> None:
    provider = Counting(answers={"a": answer("a", finish)})

    async def run() -> str:
        with Ledger(tmp_path / "l.sqlite") as ledger:
            return (await LedgeredClient(provider, ledger, "r").ask(asked("a"))).finish

    assert [asyncio.run(run()), asyncio.run(run())] == [finish, finish]
    assert provider.sent == ["a"]
    with Ledger(tmp_path / "l.sqlite") as ledger:
        assert [row.status for row in ledger.attempts()] == [status]


def test_an_error_and_an_answer_of_another_shape_are_told_and_asked_again(tmp_path: Path) -> None:
    provider = Counting(fails={"a"}, answers={"b": b"<html>"})

    async def run(text: str) -> str:
        with Ledger(tmp_path / "l.sqlite") as ledger:
            return (await LedgeredClient(provider, ledger, "r").ask(asked(text))).text

    for text, reason in (("a", "no answer"), ("b", "answer of another shape")):
        with pytest.raises(RecordError) as caught:
            asyncio.run(run(text))
        assert caught.value.reason == reason
    provider.fails, provider.answers = set(), {}
    assert [asyncio.run(run("a")), asyncio.run(run("b"))] == ["A", "B"]
    with Ledger(tmp_path / "l.sqlite") as ledger:
        assert [r.status for r in ledger.attempts()] == ["error", "invalid", "ok", "ok"]
        assert [r.status for r in ledger.attempts(asked_of("test", asked("b")).key[:8])] == [
            "invalid", "ok",
        ]  # fmt: skip


SCRIPT = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from imagewikiqa.core.llm.ledger import Ledger
from imagewikiqa.core.llm.ledgered import LedgeredClient, Raw
from tests.core.llm.test_ledger import Counting, asked

class Logged(Counting):
    async def send(self, request):
        with open(sys.argv[3], "a") as log:
            log.write(request.text + "\\n")
        return await super().send(request)

async def main():
    with Ledger(Path(sys.argv[1])) as ledger:
        client = LedgeredClient(Logged(delay=0.01), ledger, "r")
        gate = asyncio.Semaphore(16)
        async def one(n):
            async with gate:
                await client.ask(asked(f"q{n}"))
        await asyncio.gather(*(one(n) for n in range(200)))
asyncio.run(main())
"""


def test_a_killed_run_pays_again_at_most_what_was_on_its_way(
    tmp_path: Path, full_faults: bool
) -> None:
    repo = Path(__file__).parents[3]
    log, kills = tmp_path / "sent.log", 0
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "l.sqlite"), str(repo), str(log)]
    for number in range(100 if full_faults else 3):
        process = subprocess.Popen(command)
        try:
            process.wait(timeout=0.5 + 0.03 * (number % 7))
            break
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
    subprocess.run(command, check=True)
    sent = log.read_text().splitlines()
    assert len(set(sent)) == 200
    assert len(sent) - 200 <= 16 * kills
    with Ledger(tmp_path / "l.sqlite") as ledger:
        answered = [row.key for row in ledger.attempts() if row.status == "ok"]
    assert len(answered) == len(set(answered)) == 200


def test_a_raw_answer_stored_before_a_crash_is_read_and_not_paid_again(tmp_path: Path) -> None:
    provider = Counting()

    async def crash() -> None:
        with Ledger(tmp_path / "l.sqlite") as ledger:
            attempt = await ledger.start(asked_of("test", asked("a")), "r")
            await ledger.keep(attempt, answer("a"))

    async def resume() -> str:
        with Ledger(tmp_path / "l.sqlite") as ledger:
            return (await LedgeredClient(provider, ledger, "r").ask(asked("a"))).text

    asyncio.run(crash())
    assert asyncio.run(resume()) == "A"
    assert provider.sent == []


@pytest.mark.parametrize("content", [b"not a database" * 100, b""])
def test_a_file_that_is_no_ledger_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "l.sqlite"
    file.write_bytes(content)
    if content:
        with pytest.raises(ToolkitError, match="cannot be used"):
            Ledger(file)
    else:
        Ledger(file).close()  # an empty file is a new ledger


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
PARTS = st.one_of(
    st.builds(TextPart, text=TEXTS),
    st.builds(ImagePart, sha256=st.just("a" * 64), media_type=st.sampled_from(["image/png"])),
)
TURNS = st.builds(
    Message,
    role=st.sampled_from(["system", "user", "assistant"]),
    content=st.lists(PARTS, max_size=3).map(tuple),
)


@given(
    provider=TEXTS,
    request=st.builds(
        Request,
        model=TEXTS,
        messages=st.lists(TURNS, max_size=3).map(tuple),
        prompt=TEXTS,
        max_tokens=st.integers(1, 9),
        temperature=st.none() | st.floats(allow_nan=False, allow_infinity=False),
        json_schema=st.none() | st.dictionaries(TEXTS, TEXTS | st.floats(0, 1), max_size=3),
    ),
)
def test_the_quick_form_of_a_request_is_its_canonical_json(provider: str, request: Request) -> None:
    slow = canonical_json([provider, request.model_dump(mode="json")])
    asked = asked_of(provider, request)
    assert asked.body.decode() == slow
    assert asked.key == text_digest(slow)


def test_a_write_that_fails_is_told_to_all_who_wait_for_it(tmp_path: Path) -> None:
    async def run(ledger: Ledger) -> list[BaseException | int]:
        none: Any = None  # the file refuses an attempt of no run
        calls = [ledger.start(asked_of("test", asked(f"{n}")), none) for n in range(3)]
        return await asyncio.gather(*calls, return_exceptions=True)

    with Ledger(tmp_path / "l.sqlite") as ledger:
        found = asyncio.run(run(ledger))
        assert [type(error) for error in found] == [sqlite3.IntegrityError] * 3
        assert list(ledger.attempts()) == []
