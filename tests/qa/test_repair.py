"""Repaired drafts: new wrong options that fit, every misfit with its reason, judged again."""

import asyncio
import json
from collections.abc import Callable, Sequence

import pytest

from imagewikiqa.cli.filter_steps import QuotedDraft, RepairStep
from imagewikiqa.core.llm.client import Reply, Request, Usage
from imagewikiqa.core.records import ClassEntry, Repaired
from imagewikiqa.qa.filter import GUESSED, KEPT, FilterSettings
from imagewikiqa.qa.leaks import LeakChecker
from imagewikiqa.qa.llm_reply import Unfit
from imagewikiqa.qa.page_truth import TRUE_BY_PAGE
from imagewikiqa.qa.protocols import Answer, Ask
from imagewikiqa.qa.repair import Repairer, RepairSettings, length_bounds
from tests.qa.quoted import draft, page
from tests.qa.scripted_judges import Scripted, says

CLASSES = [ClassEntry(id="reed_panda", name="reed panda")]
GOOD = ("Seagrass", "Lichen", "Moss")


class Model:
    """A client that gives one reply after another by sample, and remembers requests."""

    model = "m"

    def __init__(self, *replies: str, finish: str = "stop") -> None:
        self.asked: list[Request] = []
        self._replies, self._finish = replies, finish

    async def ask(self, request: Request) -> Reply:
        self.asked.append(request)
        usage = Usage(input_tokens=1, output_tokens=1)
        text = self._replies[request.sample]
        return Reply.model_validate(
            {"text": text, "model": "m", "finish": self._finish, "usage": usage}
        )


def wrong(*options: object) -> str:
    return json.dumps({"wrong": options})


def repairer(*replies: str, finish: str = "stop") -> tuple[Repairer, Model]:
    model = Model(*replies, finish=finish)
    return Repairer(model, LeakChecker(CLASSES)), model


def test_new_options_replace_the_old_ones_and_the_rest_stays() -> None:
    made, model = repairer(wrong(*GOOD))
    old = draft()
    new = asyncio.run(made.repair(old, page()))
    assert [choice.text for choice in new.choices] == ["Bamboo", *GOOD]
    assert new.author.repairs == 1
    same = {"choices": old.choices, "author": old.author}
    assert new.model_copy(update=same) == old
    (request,) = model.asked
    low, high = length_bounds("Bamboo", RepairSettings())
    assert f"be {low} to {high} characters long" in request.text
    assert "Frogs; Beetles; Urchins" in request.text and request.sample == 0


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("no", "reply is not JSON"),
        (wrong("Moss"), "not three new options"),
        (json.dumps(["a"]), "not three new options"),
        (wrong("Moss", "Moss", "Lichen"), "choices not distinct"),
        (wrong("Moss", "Bamboo", "Lichen"), "choices not distinct"),
        (wrong("Moss", 3, "Lichen"), "empty choice"),
        (wrong("Moss", "None of the above", "Lichen"), "choice speaks of other choices"),
        (wrong("Moss", "frogs", "Lichen"), "a new option was tried before"),
        (wrong("Moss", "Reed panda", "Lichen"), "name leak in a new option"),
        (wrong("Moss", "A " + "very " * 9 + "old tree", "Lichen"),
         "a new option is too short or too long"),
        (wrong("Moss", "Eggs", "Lichen"), TRUE_BY_PAGE),
    ],
)  # fmt: skip
def test_options_that_do_not_fit_have_a_reason(reply: str, reason: str) -> None:
    made, _ = repairer(reply)
    with pytest.raises(Unfit) as fault:
        asyncio.run(made.repair(draft(), page()))
    assert fault.value.reason == reason


@pytest.mark.parametrize(
    ("finish", "reason"), [("length", "reply cut short"), ("refusal", "author refused")]
)
def test_a_cut_or_refused_reply_has_a_reason(finish: str, reason: str) -> None:
    made, _ = repairer(wrong(*GOOD), finish=finish)
    with pytest.raises(Unfit) as fault:
        asyncio.run(made.repair(draft(), page()))
    assert fault.value.reason == reason


def blind_to(*texts: str) -> Callable[[Ask], Answer]:
    """Return a guesser that is right while one of some wrong options is shown, else wrong."""

    def guess(ask: Ask) -> Answer:
        easy = any(text in ask.choices for text in texts)
        shown = ask.choices.index("Bamboo") if easy else (ask.choices.index("Bamboo") + 1) % 4
        return Answer(state="answered", position=shown)

    return guess


def repaired(replies: Sequence[str], rounds: int, *easy: str) -> tuple[Repaired, Model]:
    made, model = repairer(*replies)
    judge = Scripted(with_name=says("Bamboo"), without_name=blind_to("Frogs", *easy))
    step = RepairStep(made, [judge], FilterSettings(), rounds)
    outcome = asyncio.run(step(QuotedDraft(draft(), page())))
    (row,) = outcome.rows
    return row, model


def test_a_guessed_draft_is_kept_with_options_that_are_not_guessed() -> None:
    row, model = repaired([wrong(*GOOD)], 2)
    assert row.kept and row.tries == (KEPT,) and len(model.asked) == 1
    assert [choice.text for choice in row.draft.choices] == ["Bamboo", *GOOD]


def test_rounds_are_bounded_and_each_is_another_request() -> None:
    row, model = repaired([wrong(*GOOD), wrong("Kelp", "Algae", "Clover")], 2, "Moss", "Kelp")
    assert not row.kept and row.tries == (GUESSED, GUESSED)
    assert [request.sample for request in model.asked] == [0, 1]
    assert "Seagrass; Lichen; Moss" in model.asked[1].text


def test_a_misfit_uses_up_a_round_and_the_next_may_succeed() -> None:
    row, model = repaired(["no", wrong(*GOOD)], 2)
    assert row.kept and row.tries == ("reply is not JSON", KEPT)
    assert [request.sample for request in model.asked] == [0, 1]
    row, _ = repaired(["no"], 1)
    assert row.judged is None and row.tries == ("reply is not JSON",)
