"""What a server or an export file holds, as answers: joined, checked, the shown order undone."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from pydantic import BaseModel, ValidationError

from imagewikiqa.core.records import Reject
from imagewikiqa.qa.rounds.label_config import (
    ANSWER,
    ANSWERABLE,
    COMMENT,
    FLAG,
    PICTURE,
    REVIEW,
    RIGHT,
    WORDING,
)
from imagewikiqa.qa.rounds.plan import RoundPlan
from imagewikiqa.qa.rounds.records import FLAGS, Answer, Assignment, Kind, Review, Task
from imagewikiqa.qa.rounds.tasks import NONE_RIGHT, POSITIONS, task_data

STAGE = "verify"
Row = Mapping[str, Any]


class _Result(BaseModel):
    """What one control of the page says, as the server stores it."""

    from_name: str
    value: dict[str, Any] = {}
    origin: str | None = None


class _Annotation(BaseModel):
    """One answer as the API lists or an export holds it; what else is in it is of no use here."""

    id: int | None = None
    completed_by: int | dict[str, Any] | None = None
    lead_time: float | None = None
    was_cancelled: bool = False
    skipped: bool = False  # its name in versions before 1.0
    result: tuple[_Result, ...] = ()
    updated_at: str = ""

    @property
    def account(self) -> int | None:
        """Return the account that answered: an id, or an object with one in some exports."""
        by = self.completed_by
        found = by.get("id") if isinstance(by, dict) else by
        return found if isinstance(found, int) else None

    @property
    def seconds(self) -> float | None:
        """Return the time taken, where there is one that can be."""
        time = self.lead_time
        return time if time is not None and isfinite(time) and time >= 0 else None


class _UnusableError(Exception):
    """One task or annotation that cannot count: a short countable reason, and a detail."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What one rater was asked, and what decides which annotations are theirs."""

    plan: RoundPlan
    rater: str
    tasks: Mapping[str, Task]  # by ext_id
    assignments: Mapping[str, Assignment]
    image_of: Callable[[Task], str | None]
    account: int | None = None  # the only one whose answers count; None: any


@dataclass(slots=True)
class Pulled:
    """Answers and rejects of one rater, in the order of their tasks."""

    answers: list[Answer] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)  # ext_ids found on the server
    accounts: set[int] = field(default_factory=set)


def read_answers(rows: Iterable[Row], asked: Asked) -> Pulled:
    """Return what a rater answered.

    A row is a task with its annotations as the API lists or any JSON export holds it (1.x:
    `annotations`; 0.x: `completions`). Everything that cannot count is a reject with its reason.
    """
    pulled = Pulled()
    found: dict[str, list[_Annotation]] = {}
    for at, row in enumerate(rows):
        try:
            key = _key_of(row, asked)
        except _UnusableError as error:
            pulled.rejects.append(_reject(asked.rater, f"task {row.get('id', at)}", error))
            continue
        pulled.seen.add(key)
        for one in _list(row.get("annotations", row.get("completions"))):
            try:
                found.setdefault(key, []).append(_Annotation.model_validate(one))
            except ValidationError as error:
                shape = _UnusableError("no annotation", error.errors()[0]["msg"])
                pulled.rejects.append(_reject(asked.rater, key, shape))
    for key in asked.tasks:
        annotations = sorted(found.get(key, ()), key=lambda one: (one.updated_at, one.id or 0))
        _read_task(key, annotations, asked, pulled)
    return pulled


def _read_task(key: str, annotations: Sequence[_Annotation], asked: Asked, pulled: Pulled) -> None:
    """Add the last usable annotation of a task as its answer, all others as rejects."""
    last: Answer | None = None
    for one in annotations:
        try:
            answer = _answer(key, one, asked)
        except _UnusableError as error:
            pulled.rejects.append(_reject(asked.rater, f"{key}/{one.id}", error))
            continue
        if answer.account is not None:
            pulled.accounts.add(answer.account)
        if last is not None:
            later = _UnusableError("answered again later")
            pulled.rejects.append(_reject(asked.rater, f"{key}/{last.annotation}", later))
        last = answer
    if last is not None:
        pulled.answers.append(last)


def _key_of(row: Row, asked: Asked) -> str:
    """Return a row's ext_id. Raises _UnusableError when it is not the task that was asked."""
    data = row.get("data")
    if not isinstance(data, Mapping) or not isinstance(data.get("ext_id"), str):
        raise _UnusableError("no task of ours", "it has no ext_id")
    key: str = data["ext_id"]
    if data.get("round") != asked.plan.round:
        raise _UnusableError("task of another round", f"round {data.get('round')}")
    if key not in asked.tasks:
        raise _UnusableError("no task of this rater", key)
    task = asked.tasks[key]
    if changed := changed_fields(data, task, asked.image_of(task)):
        raise _UnusableError("task changed on the server", f"{key}: {', '.join(changed)}")
    return key


def changed_fields(data: Mapping[str, Any], task: Task, image: str | None) -> list[str]:
    """Return the names of what differs between a task on the server and as it was made."""
    wanted = task_data(task, image)
    return [name for name in sorted({*wanted, *data}) if wanted.get(name) != data.get(name)]


def _answer(key: str, given: _Annotation, asked: Asked) -> Answer:
    account = given.account
    if asked.account is not None and account is not None and account != asked.account:
        raise _UnusableError("answered from another account", f"account {account}")
    assignment = asked.assignments[key]
    common: dict[str, Any] = {
        "id": key,
        "rater": asked.rater,
        "question_id": assignment.question_id,
        "kind": asked.plan.kind,
        "gold": assignment.gold,
        "seconds": given.seconds,
        "account": account,
        "annotation": given.id,
    }
    if given.was_cancelled or given.skipped:
        return Answer(**common, state="skipped", by_hand=True)
    said = _controls(given.result, asked.plan.kind)
    by_hand = any(one.origin == "manual" for one in given.result)
    common |= {"comment": "\n".join(said.pop(COMMENT, ())), "by_hand": by_hand}
    if asked.plan.kind == "review":
        return Answer(**common, state="reviewed", review=_review(said, assignment.order))
    return Answer(**common, **_pick(said, assignment.order), flags=tuple(said.get(FLAG, ())))


def _controls(result: Sequence[_Result], kind: Kind) -> dict[str, list[str]]:
    """Return the values by control. Raises _UnusableError on one that our page does not have."""
    known = known_values(kind)
    said: dict[str, list[str]] = {}
    for one in result:
        name = one.from_name
        if name not in known:
            raise _UnusableError("a result our page does not have", f"from {name[:60]}")
        if name in said:
            raise _UnusableError("one control answered twice", name)
        values = one.value.get("text" if name == COMMENT else "choices", [])
        values = [values] if isinstance(values, str) else values
        allowed = known[name]
        if not isinstance(values, list) or not all(
            isinstance(each, str) and (allowed is None or each in allowed) for each in values
        ):
            raise _UnusableError("a value our page does not have", f"{name}: {str(values)[:60]}")
        said[name] = values if allowed is None else sorted(set(values))
    return said


def known_values(kind: Kind) -> dict[str, frozenset[str] | None]:
    """Return every control of a kind's page with its values; None where any text is allowed."""
    known: dict[str, frozenset[str] | None] = {COMMENT: None}
    if kind == "review":
        known[RIGHT] = frozenset(POSITIONS)
        return known | {name: frozenset(values) for name, (_, values) in REVIEW.items()}
    known[FLAG] = frozenset(FLAGS[kind])
    known[ANSWER] = frozenset({*POSITIONS, *([NONE_RIGHT] if kind == "article" else [])})
    return known


def _pick(said: Mapping[str, list[str]], order: Sequence[int]) -> dict[str, Any]:
    chosen = said.get(ANSWER, [])
    if len(chosen) != 1:
        raise _UnusableError("not exactly one option picked", f"{len(chosen)} picked")
    if chosen[0] == NONE_RIGHT:
        return {"state": "none_right"}
    shown = POSITIONS.index(chosen[0])
    return {"state": "picked", "pick": order[shown], "shown": shown}


def _review(said: Mapping[str, list[str]], order: Sequence[int]) -> Review:
    single = {name: said.get(name, []) for name in (ANSWERABLE, WORDING, PICTURE)}
    if any(len(values) > 1 for values in single.values()):
        raise _UnusableError("two answers to one question of the review")
    if not single[ANSWERABLE] or not single[WORDING]:
        raise _UnusableError("an unfinished review")
    right = sorted(order[POSITIONS.index(letter)] for letter in said.get(RIGHT, []))
    return Review.model_validate({
        "answerable": single[ANSWERABLE][0] == "yes",
        "right": tuple(right),
        "wording": single[WORDING][0],
        "picture": single[PICTURE][0] if single[PICTURE] else None,
    })  # fmt: skip


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _reject(rater: str, which: str, error: _UnusableError) -> Reject:
    return Reject(
        id=f"{STAGE}:{rater}:{which}",
        stage=STAGE,
        input=f"{rater}:{which}",
        reason=error.reason,
        detail=error.detail,
    )
