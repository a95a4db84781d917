"""B5 of the reliability notes: 300 replies with known faults, each accepted or rejected exactly."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest

from imagewikiqa.core.digests import canonical_json, keyed_choice
from imagewikiqa.core.stages import RecordError
from imagewikiqa.qa.leaks import LeakChecker
from imagewikiqa.qa.llm_author import AuthorSettings, LLMAuthor
from imagewikiqa.qa.protocols import Drafted, Subject
from tests.qa.strict_authors import GOOD, PANDA, Rounds, Row, author, finished, page

ACCEPTED = ""
Mode = Literal["paper", "strict"]


def _list(one: Row) -> str:
    return json.dumps({"questions": [one]})


# How a model wraps its reply: all of these are read.
WRAPS: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "json fence": lambda text: f"```json\n{text}\n```",
    "bare fence": lambda text: f"```\n{text}\n```",
    "prose around": lambda text: f"Here are the questions:\n\n{text}\n\nGood luck!",
    "prose and fence": lambda text: f"Sure!\n```json\n{text}\n```\nDone.",
}
# What a model gets wrong, as (changes of a good question, reason); "" is accepted.
SLIPS: dict[str, tuple[Callable[[Row], Row], str]] = {
    "sound": (lambda one: one, ACCEPTED),
    "1-based": (lambda one: one | {"answer": 4}, "answer out of range"),
    "a letter": (lambda one: one | {"answer": "C"}, "answer is not a whole number"),
    "the text": (lambda one: one | {"answer": one["choices"][0]}, "answer is not a whole number"),
    "five options": (lambda one: one | {"choices": [*one["choices"], "Soap"]}, "not four choices"),
    "three options": (lambda one: one | {"choices": one["choices"][:3]}, "not four choices"),
    "options by letter": (
        lambda one: one | {"choices": dict(zip("ABCD", one["choices"], strict=True))},
        "not four choices",
    ),
    "lettered options": (
        lambda one: one | {
            "choices": [f"{x}. {y}" for x, y in zip("ABCD", one["choices"], strict=True)]
        },
        ACCEPTED,
    ),
    "twice the same option": (
        lambda one: one | {"choices": [*one["choices"][:3], f"{one['choices'][0]}."]},
        "choices not distinct",
    ),
    "all of the above": (
        lambda one: one | {"choices": [*one["choices"][:3], "All of the above"]},
        "choice speaks of other choices",
    ),
    "leak": (
        lambda one: one | {"question": f"{one['question'][:-1]}, a reed panda?"},
        "name leak in the question",
    ),
    "no placeholder": (
        lambda one: one | {"question": "What is it like?"}, "no placeholder in the question",
    ),
    "no quote": (lambda one: one | {"reference": ""}, "no reference"),
    "made-up quote": (
        lambda one: one | {"reference": "It is known to all."}, "evidence not in the page",
    ),
    "no question": (
        lambda one: {key: one[key] for key in one if key != "question"}, "no question text",
    ),
    "extra fields": (lambda one: one | {"explanation": "Because.", "class_id": "n2"}, ACCEPTED),
}  # fmt: skip
# Faults of a whole reply.
BROKEN: dict[str, tuple[Callable[[str], str], str]] = {
    "cut in the middle": (lambda text: text[: len(text) * 2 // 3], "reply is not JSON"),
    "an apology": (lambda _: "I am sorry, but I cannot do that.", "reply is not JSON"),
    "nothing": (lambda _: " \n", "empty reply"),
    "an empty list": (lambda _: '{"questions": []}', "no questions in the reply"),
    "one bare question": (lambda text: json.dumps(json.loads(text)["questions"][0]),
                          "no questions in the reply"),
    "single quotes": (lambda text: str(json.loads(text)), "reply is not JSON"),
}  # fmt: skip


def replies() -> Iterator[tuple[str, str, str]]:
    """Yield (name, reply, reason): every slip in every wrap, every broken reply, for questions."""
    for at in range(len(GOOD)):
        for slip, (change, why) in SLIPS.items():
            wraps = [*WRAPS] if at < 3 else [keyed_choice(sorted(WRAPS), 5, slip, at)]
            for wrap in wraps:
                text = WRAPS[wrap](_list(change(dict(GOOD[at]))))
                yield f"{slip}, {wrap}, {at}", text, why
        for fault, (breaking, why) in BROKEN.items():
            yield f"{fault}, {at}", breaking(_list(GOOD[at])), why


REPLIES = [*replies()][:300]


def answered(text: str, mode: Mode) -> Drafted:
    model, subject = Rounds([text]), Subject(entry=PANDA, pages=(page(),))
    if mode == "strict":
        return asyncio.run(author(model, rounds=1).draft(subject))
    return asyncio.run(LLMAuthor(model, LeakChecker([PANDA]), AuthorSettings()).draft(subject))


def outcome(text: str, mode: Mode) -> str:
    """Return "" for an accepted question, else the one reason it was rejected with."""
    try:
        made = answered(text, mode)
    except RecordError as error:
        return error.reason
    assert len(made.drafts) + len(made.rejects) == 1
    for record in (*made.drafts, *made.rejects):
        canonical_json(record).encode()
    return made.rejects[0].reason if made.rejects else ACCEPTED


@pytest.mark.parametrize("mode", ["paper", "strict"])
def test_three_hundred_replies_are_each_accepted_or_rejected_with_the_reason(mode: Mode) -> None:
    wrong = {name: (found, why) for name, text, why in REPLIES
             if (found := outcome(text, mode)) != why}  # fmt: skip
    assert wrong == {}


def test_there_are_three_hundred_of_all_sorts() -> None:
    assert len(REPLIES) == len({name for name, _, _ in REPLIES}) == 300
    reasons = Counter(why for _, _, why in REPLIES)
    assert len(reasons) >= 14 and min(reasons.values()) >= 4


@pytest.mark.parametrize("mode", ["paper", "strict"])
@pytest.mark.parametrize(
    ("finish", "why"),
    [("length", "reply cut short"), ("refusal", "author refused"),
     ("filtered", "reply filtered by the provider")],
)  # fmt: skip
def test_a_reply_that_did_not_end_well_is_no_reply(mode: Mode, finish: Any, why: str) -> None:
    model = Rounds([finished(_list(GOOD[0]), finish)])
    subject = Subject(entry=PANDA, pages=(page(),))
    asked = (author(model) if mode == "strict" else LLMAuthor(model, LeakChecker([PANDA]))).draft(
        subject
    )
    with pytest.raises(RecordError) as error:
        asyncio.run(asked)
    assert error.value.reason == why
    assert len(model.seen) == (2 if finish == "length" else 1)
