"""Questions in a language model's reply: read as JSON, each one checked for shape."""

import json
import re
import reprlib
import unicodedata
from collections.abc import Sequence
from typing import Annotated, Literal, get_args

from pydantic import Field

from imagewikiqa.core.llm.client import Client, Reply, Request
from imagewikiqa.core.records import Part
from imagewikiqa.core.stages import RecordError
from imagewikiqa.qa.kinds import KINDS, KindName
from imagewikiqa.qa.leaks import fold

Position = Literal[0, 1, 2, 3]
FINISHES = {
    "length": "reply cut short",
    "refusal": "author refused",
    "filtered": "reply filtered by the provider",
}
_KEYS = ("questions", "quiz_questions")  # the second is what GPT-4 sometimes wrote upstream
_LETTERED = re.compile(r"\(?([A-Da-d])[.):]\s+(.*\S)")
_LETTERS = r"[A-D](?:(?:,|,? (?:and|or|nor|&)) [A-D])+"
_OTHERS = re.compile(
    r"(?i:\b(?:all|any|both|neither|none) of (?:the|these|those) (?:above|answers|choices|options))"
    rf"|^(?i:both |neither |either )?{_LETTERS}(?: only)?\.?$"
)
_SHOWN = 200  # characters of a reply that a reject row quotes
_PREVIEW = reprlib.Repr()
_PREVIEW.maxstring = _PREVIEW.maxother = _SHOWN


class QuestionDraft(Part):
    """One multiple-choice question."""

    question: str = Field(description='says "this object" and never names the class')
    choices: Annotated[tuple[str, ...], Field(min_length=4, max_length=4)]
    answer: Position = Field(description="index of the right choice, starting from 0")
    reference: str = Field(description="original sentences of the article, word for word")


class QuestionDrafts(Part):
    """Questions about one class, as a model must write them."""

    questions: tuple[QuestionDraft, ...]


class KindDraft(QuestionDraft):
    """One multiple-choice question of a named kind."""

    kind: KindName = Field(description="which kind of question it is")


class KindDrafts(Part):
    """Questions about one class in mode strict, as a model must write them."""

    questions: tuple[KindDraft, ...]


class Unfit(Exception):
    """One question of a reply cannot be used, for a short and countable reason."""

    def __init__(self, reason: str, detail: object = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = shown(detail)


def shown(value: object) -> str:
    """Return the start of anything a model wrote as one line that can always be stored."""
    text = value if isinstance(value, str) else _PREVIEW.repr(value)
    return " ".join(text.encode(errors="backslashreplace").decode().split())[:_SHOWN]


async def ask_uncut(client: Client, request: Request) -> Reply:
    """Return the reply; ask once more for a reply cut by its length, with twice the room.

    What a model thinks counts as its reply, so that a long thought may leave no room for words.
    """
    reply = await client.ask(request)
    if reply.finish != "length":
        return reply
    return await client.ask(request.model_copy(update={"max_tokens": 2 * request.max_tokens}))


def raw_questions(reply: Reply, *, none_left: bool = False) -> list[object]:
    """Return the unchecked questions of a reply: under a key, or a bare list, fenced or not.

    Raises RecordError, with the reason, when the reply was cut, refused, or holds no questions;
    with `none_left` an empty list is an answer.
    """
    if reply.finish != "stop":
        raise RecordError(FINISHES[reply.finish], shown(reply.text))
    if not reply.text.strip():
        raise RecordError("empty reply")
    value = reply_json(reply.text)
    if isinstance(value, dict):
        value = next((value[key] for key in _KEYS if key in value), None)
    if not isinstance(value, list) or not (value or none_left):
        raise RecordError("no questions in the reply", shown(reply.text))
    return value


def checked(raw: object) -> QuestionDraft:
    """Return one question as a closed record with bare choices; raise Unfit with the reason.

    Keys beyond the four are ignored: models without a schema add explanations.
    """
    if not isinstance(raw, dict):
        raise Unfit("not an object", raw)
    return QuestionDraft(
        question=_text(raw.get("question"), "no question text"),
        choices=_choices(raw.get("choices")),
        answer=_answer(raw.get("answer")),
        reference=_text(raw.get("reference"), "no reference"),
    )


def counts_from_one(raws: Sequence[object]) -> bool:
    """Return whether a reply's answers are places from 1 to 4: the keys of all would be wrong."""
    answers = [raw.get("answer") for raw in raws if isinstance(raw, dict)]
    return 4 in answers and 0 not in answers


def kind_of(raw: object) -> KindName | None:
    """Return the kind that a raw question says it is of; None when it names none of ours."""
    said = raw.get("kind") if isinstance(raw, dict) else None
    folded = said.strip().lower() if isinstance(said, str) else ""
    return next((name for name in KINDS if name == folded), None)


def reply_json(text: str) -> object:
    """Parse what stands in a fence, else the whole, else from the first bracket to the last.

    Raises RecordError when none of them is JSON.
    """
    candidates = [text]
    if len(fenced := text.split("```")) == 3:
        candidates.insert(0, fenced[1].removeprefix("json"))
    starts = [at for bracket in "[{" if (at := text.find(bracket)) >= 0]
    if starts:
        candidates.append(text[min(starts) : max(map(text.rfind, "]}")) + 1])
    for candidate in candidates:
        try:
            value: object = json.loads(candidate)
        except (ValueError, RecursionError):  # also a number of thousands of digits
            continue
        return value
    raise RecordError("reply is not JSON", shown(text))


def _text(value: object, missing: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise Unfit(missing, value)
    text = " ".join(value.split())
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise Unfit("broken characters", text)  # half an emoji cannot be written as UTF-8
    return text


def _choices(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) != 4:
        raise Unfit("not four choices", value)
    choices = _bare([_text(choice, "empty choice") for choice in value])
    compared = [fold(choice).strip(" .,;:!?'\"") for choice in choices]
    if not all(compared):
        raise Unfit("empty choice", value)
    if len(set(compared)) != 4:
        raise Unfit("choices not distinct", value)
    if any(_OTHERS.search(choice) for choice in choices):
        raise Unfit("choice speaks of other choices", value)  # it depends on the order shown
    return choices


def _bare(choices: list[str]) -> tuple[str, ...]:
    """Strip 'A. ' to 'D. ' when all four have one: 'A. mellifera' alone is a name."""
    matches = [match for choice in choices if (match := _LETTERED.fullmatch(choice))]
    if len(matches) < 4:
        return tuple(choices)
    if "".join(match[1] for match in matches).upper() != "ABCD":
        raise Unfit("letters before the choices out of order", choices)
    return tuple(match[2] for match in matches)


def _answer(value: object) -> Position:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unfit("answer is not a whole number", value)
    for position in get_args(Position):
        if value == position:
            return position  # type: ignore[no-any-return]
    raise Unfit("answer out of range", value)
