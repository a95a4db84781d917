"""Keep the questions that judges answer with the class name and cannot guess without it."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from imagewikiqa.core.digests import keyed_order
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.intervals import Interval, clustered_interval
from imagewikiqa.core.records import Draft, Judged, Judgement, JudgeScore, Trial
from imagewikiqa.qa.protocols import Ask, Condition, Judge

Order = tuple[int, int, int, int]  # shown position -> index into the draft's choices

KEPT = "kept"
WRONG = "not answerable with the name"
GUESSED = "guessable without the name"
UNCLEAR_WITH = "no clear answer with the name"  # refused, empty, or torn between options
UNCLEAR_WITHOUT = "no clear answer without the name"


@runtime_checkable
class ClosedBook(Protocol):
    """A judge that can also guess without page and name, from statistics over classes."""

    closed_book: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterSettings:
    """How often a judge is asked and which rates of right answers keep a question.

    `strict` asks over four cyclic orders; `paper` once with the name and once without, as the
    released notebook does, so that a question stays when the one is right and the other wrong.
    """

    mode: Literal["strict", "paper"] = "strict"
    keep_with: float = 0.9  # smallest rate with the name, of all trials
    keep_without: float = 0.35  # largest rate without it: chance is 0.25
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse thresholds that would keep everything or nothing."""
        if not (0 < self.keep_with <= 1 and 0 <= self.keep_without < 1):
            raise ToolkitError(
                f"the filter keeps questions right with the name at a rate of {self.keep_with} or"
                f" more and without it at {self.keep_without} or less: set keep_with above 0 and"
                " at most 1, keep_without from 0 to below 1"
            )


def cyclic_orders(first: Order) -> tuple[Order, Order, Order, Order]:
    """Return an order's four rotations: over them each option stands once at each position."""
    a, b, c, d = first
    return (a, b, c, d), (b, c, d, a), (c, d, a, b), (d, a, b, c)


def shown_orders(draft_id: str, settings: FilterSettings) -> tuple[Order, ...]:
    """Return the orders to ask in, from a shuffle keyed by the draft.

    A draft holds the right option first; unshuffled, a judge that picks what it sees first would
    be right in the first order of every question.
    """
    a, b, c, d = keyed_order(range(4), str, "shown order", settings.seed, draft_id)
    rotations = cyclic_orders((a, b, c, d))
    return rotations if settings.mode == "strict" else rotations[:1]


async def judge_draft(draft: Draft, judges: Sequence[Judge], settings: FilterSettings) -> Judged:
    """Ask every judge under every condition; keep the draft when all of them agree to.

    The reason of a dropped draft is the first judge's that drops it. Raises ToolkitError without
    a judge. The closed-book score is recorded in mode strict and never drops a single question:
    it is read over the whole set (`closed_book_accuracy`).
    """
    if not judges:
        raise ToolkitError("the filter has no judge: name one, as in --judge corpus")
    judgements = tuple([await _judge(draft, judge, settings) for judge in judges])
    reasons = [verdict(judgement, settings) for judgement in judgements]
    reason = next((reason for reason in reasons if reason != KEPT), KEPT)
    return Judged(id=draft.id, keep=reason == KEPT, reason=reason, judges=judgements)


def verdict(judgement: Judgement, settings: FilterSettings) -> str:
    """Return `KEPT` or the countable reason to drop a draft; an unparsed reply never helps it.

    With the name an unparsed trial is not right; without it, it counts as if it were right. Where
    only that decides, the reason says that there was no clear answer.
    """
    named, blind = judgement.with_name, judgement.without_name
    if named.rate < settings.keep_with:
        hopeful = (named.right + named.unparsed) / named.trials >= settings.keep_with
        return UNCLEAR_WITH if hopeful else WRONG
    if blind.rate > settings.keep_without:
        return GUESSED
    if (blind.right + blind.unparsed) / blind.trials > settings.keep_without:
        return UNCLEAR_WITHOUT
    return KEPT


def closed_book_accuracy(
    judged: Iterable[Judged], class_of: Mapping[str, str], judge: str = "corpus"
) -> Interval:
    """Return how often the most common value is right, with an interval clustered by class.

    `class_of` maps a draft's id to its class; options equally common share the guess. A set that
    gives nothing away holds 0.25 within the interval; below it is a leak too. Raises ToolkitError
    when no question has a closed-book score of that judge.
    """
    return _set_rate(judged, class_of, judge, "closed_book")


def self_consistency(
    judged: Iterable[Judged], class_of: Mapping[str, str], judge: str = "corpus"
) -> Interval:
    """Return the set's rate of right answers with the name, clustered by class.

    For the corpus judge this says how alike author and judge read the same pages. It is reported
    as self-consistency and never as accuracy. Raises ToolkitError when there is nothing to count.
    """
    return _set_rate(judged, class_of, judge, "with_name")


def blind_rate(
    judged: Iterable[Judged], class_of: Mapping[str, str], judge: str = "corpus"
) -> Interval:
    """Return the set's rate of right guesses without the name, clustered by class.

    Over kept questions it lies below chance by construction, as the filter selects for it. Raises
    ToolkitError when there is nothing to count.
    """
    return _set_rate(judged, class_of, judge, "without_name")


async def _judge(draft: Draft, judge: Judge, settings: FilterSettings) -> Judgement:
    orders = shown_orders(draft.id, settings)
    statistics = isinstance(judge, ClosedBook) and judge.closed_book and settings.mode == "strict"
    with_name, without_name = await asyncio.gather(
        _score(draft, judge, "with_name", orders), _score(draft, judge, "without_name", orders)
    )
    closed_book = await _score(draft, judge, "closed_book", orders) if statistics else None
    return Judgement(with_name=with_name, without_name=without_name, closed_book=closed_book)


async def _score(
    draft: Draft, judge: Judge, condition: Condition, orders: Sequence[Order]
) -> JudgeScore:
    trials = await asyncio.gather(*(_try(draft, judge, condition, order) for order in orders))
    picks = tuple(trial.pick for trial in trials)
    return JudgeScore(
        judge=judge.name,
        right=picks.count(0),  # a draft holds the right option first
        trials=len(picks),
        unparsed=picks.count(None),
        picks=picks,
    )


async def _try(draft: Draft, judge: Judge, condition: Condition, order: Order) -> Trial:
    answer = await judge.answer(ask_in_order(draft, condition, order))
    pick = None
    if answer.position is not None:
        if answer.position not in range(4):  # -1 would quietly read the last option
            raise ValueError(f"judge {judge.name} chose position {answer.position}, not 0 to 3")
        pick = order[answer.position]
    return Trial(order=order, state=answer.state, pick=pick)


def ask_in_order(draft: Draft, condition: Condition, order: Order) -> Ask:
    """Return what a judge may see: the class only under `with_name`, and no sign of the key."""
    a, b, c, d = (draft.choices[index].text for index in order)
    named = condition == "with_name"
    return Ask(
        question=draft.question_named if named else draft.question,
        choices=(a, b, c, d),
        condition=condition,
        class_id=draft.class_id if named else None,
        class_name=draft.class_name if named else None,
    )


def _set_rate(
    judged: Iterable[Judged], class_of: Mapping[str, str], judge: str, condition: Condition
) -> Interval:
    rates: list[float] = []
    clusters: list[str] = []
    for row in judged:
        for judgement in row.judges:
            score: JudgeScore | None = getattr(judgement, condition)
            if score is not None and score.judge == judge:
                rates.append(score.rate)
                clusters.append(class_of[row.id])
    if not rates:
        raise ToolkitError(
            f"no question has a {condition} score of judge {judge}: run the filter with that judge"
            " first, in mode strict for the closed-book score"
        )
    return clustered_interval(rates, clusters)
