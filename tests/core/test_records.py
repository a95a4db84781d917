"""Records are closed and frozen, and refuse what contradicts itself."""

import copy
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from imagewikiqa.core import records
from imagewikiqa.core.errors import MissingExtraError, ToolkitError
from imagewikiqa.core.records import LETTERS, ImageRef, Item, JudgeScore, Trial

ITEM: dict[str, Any] = {
    "item_id": "q1-0",
    "question_id": "q1",
    "class_id": "n1",
    "image": None,
    "question": "What does this object eat?",
    "choices": ("a", "b", "c", "d"),
    "answer": 2,
    "letter": "C",
}
PARTS = [
    value
    for value in vars(records).values()
    if isinstance(value, type) and issubclass(value, records.Part)
]


def test_there_are_records_to_look_at() -> None:
    assert len(PARTS) >= 15


@pytest.mark.parametrize("model", PARTS, ids=lambda model: model.__name__)
def test_every_record_is_closed_and_frozen(model: type[BaseModel]) -> None:
    assert model.model_config.get("extra") == "forbid"
    assert model.model_config.get("frozen") is True


def test_a_record_cannot_be_changed_or_widened() -> None:
    record = ImageRef(id="a", class_id="n1")
    with pytest.raises(ValidationError, match="frozen"):
        record.id = "b"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="Extra inputs"):
        ImageRef.model_validate({"id": "a", "class_id": "n1", "extra": 1})


@pytest.mark.parametrize("value", ["", "A" * 64, "0" * 63, "0" * 65, "g" * 64])
def test_a_digest_has_64_small_hex_digits(value: str) -> None:
    assert ImageRef(id="a", class_id="n1", sha256="0" * 64).sha256
    with pytest.raises(ValidationError):
        ImageRef(id="a", class_id="n1", sha256=value)


@pytest.mark.parametrize("letter", LETTERS)
def test_an_item_has_the_letter_of_its_answer(letter: str) -> None:
    if letter == "C":
        assert Item.model_validate({**ITEM, "letter": letter}).id == "q1-0"
    else:
        with pytest.raises(ValidationError, match="letter of its answer"):
            Item.model_validate({**ITEM, "letter": letter})


@pytest.mark.parametrize("choices", [("a", "b", "c"), ("a", "b", "c", "d", "e")])
def test_an_item_has_four_choices(choices: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError):
        Item.model_validate({**ITEM, "choices": choices})


@pytest.mark.parametrize("state", ["answered", "ambiguous", "refused", "empty"])
@pytest.mark.parametrize("pick", [None, 0, 3])
def test_a_trial_has_a_pick_exactly_when_answered(state: Any, pick: int | None) -> None:
    if (pick is None) == (state != "answered"):
        assert Trial(order=(0, 1, 2, 3), state=state, pick=pick).pick == pick
    else:
        with pytest.raises(ValidationError, match="exactly when"):
            Trial(order=(0, 1, 2, 3), state=state, pick=pick)


def test_an_unparsed_trial_stays_in_the_rate() -> None:
    score = JudgeScore(judge="j", right=1, trials=4, unparsed=2, picks=(0, None, None, 1))
    assert score.rate == 0.25


def test_a_missing_extra_survives_the_way_out_of_a_worker_process() -> None:
    error = copy.copy(MissingExtraError("openai", "llm"))  # as pickling does
    assert isinstance(error, ToolkitError)
    assert "pip install 'imagewikiqa[llm]'" in str(error)
