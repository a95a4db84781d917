"""Replies without a clear letter are asked for again, a bounded number of times."""

import asyncio
from collections.abc import Callable

import pytest

from imagewikiqa.core.llm.client import Reply, Request, Usage
from imagewikiqa.core.records import Judged
from imagewikiqa.qa.filter import (
    ASKED_AGAIN,
    UNCLEAR_WITH,
    UNCLEAR_WITHOUT,
    FilterSettings,
    judge_draft,
)
from imagewikiqa.qa.llm_judge import JudgeSettings, LLMJudge
from imagewikiqa.qa.protocols import Answer, Ask, State
from tests.qa.quoted import draft
from tests.qa.scripted_judges import Scripted, says


def unread(state: State, until: int) -> Callable[[Ask], Answer]:
    """Say nothing readable before the given attempt, then the right option."""

    def answer(ask: Ask) -> Answer:
        if ask.sample // ASKED_AGAIN < until:
            return Answer(state=state)
        return says("Bamboo")(ask)

    return answer


def wrongly(ask: Ask) -> Answer:
    return says("Frogs")(ask)


def judged(judge: Scripted, retries: int = 2) -> Judged:
    settings = FilterSettings(stop="never", retries=retries)
    return asyncio.run(judge_draft(draft(), [judge], settings))


@pytest.mark.parametrize("state", ["empty", "ambiguous"])
def test_an_unread_reply_is_asked_for_again_as_another_sample(state: State) -> None:
    judge = Scripted(with_name=unread(state, 2), without_name=wrongly)
    made = judged(judge)
    assert made.keep and made.judges[0].with_name.unparsed == 0
    samples = [ask.sample for ask in judge.asks if ask.condition == "with_name"]
    assert sorted(samples) == [0] * 4 + [ASKED_AGAIN] * 4 + [2 * ASKED_AGAIN] * 4


@pytest.mark.parametrize("state", ["empty", "ambiguous"])
def test_what_stays_unread_is_dropped_with_its_reason(state: State) -> None:
    made = judged(Scripted(with_name=unread(state, 3), without_name=wrongly))
    assert made.reason == UNCLEAR_WITH and made.judges[0].with_name.unparsed == 4
    made = judged(Scripted(with_name=says("Bamboo"), without_name=unread(state, 3)))
    assert made.reason == UNCLEAR_WITHOUT


def test_a_refusal_is_an_answer_and_a_judge_that_repeats_itself_is_not_asked_again() -> None:
    judge = Scripted(with_name=unread("refused", 1), without_name=wrongly)
    assert judged(judge).reason == UNCLEAR_WITH and len(judge.asks) == 8

    class Same(Scripted):
        repeats = True

    same = Same(with_name=unread("empty", 1), without_name=wrongly)
    assert judged(same).reason == UNCLEAR_WITH and len(same.asks) == 8


class Thinker:
    """A client whose model thinks longer than a letter takes."""

    model = "m"

    def __init__(self, needs: int) -> None:
        self.limits: list[int] = []
        self._needs = needs

    async def ask(self, request: Request) -> Reply:
        self.limits.append(request.max_tokens)
        usage = Usage(input_tokens=1, output_tokens=1)
        done = request.max_tokens >= self._needs
        return Reply(
            text="B" if done else "", model="m", finish="stop" if done else "length", usage=usage
        )


@pytest.mark.parametrize(
    ("needs", "limits", "state"),
    [(16, [16], "answered"), (500, [16, 2048], "answered"), (9999, [16, 2048], "empty")],
)
def test_a_cut_reply_is_asked_for_once_more_with_room(
    needs: int, limits: list[int], state: State
) -> None:
    client = Thinker(needs)
    ask = Ask(
        question="?", choices=("a", "b", "c", "d"), condition="without_name", class_id=None,
        class_name=None,
    )  # fmt: skip
    said = asyncio.run(LLMJudge(client).answer(ask))
    assert (client.limits, said.state) == (limits, state)


def test_a_judge_with_room_from_the_start_is_asked_once() -> None:
    client = Thinker(9999)
    judge = LLMJudge(client, JudgeSettings(max_tokens=4096))
    ask = Ask(
        question="?", choices=("a", "b", "c", "d"), condition="without_name", class_id=None,
        class_name=None,
    )  # fmt: skip
    assert asyncio.run(judge.answer(ask)).state == "empty"
    assert client.limits == [4096]
