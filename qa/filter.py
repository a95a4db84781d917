"""Keep the questions that judges answer with the class name and cannot guess without it."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from typing import Literal, Protocol, runtime_checkable

from imagewikiqa.core.digests import keyed_int, keyed_order
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.intervals import Interval, clustered_interval
from imagewikiqa.core.records import Draft, Judged, Judgement, JudgeScore, Trial
from imagewikiqa.qa.protocols import Ask, Condition, Judge
from imagewikiqa.qa.sequential import ROUND, Stop, StopRule, most_against, most_wrong, stop_rule

Order = tuple[int, int, int, int]  # shown position -> index into the draft's choices

ASKED_AGAIN = 1000  # sample numbers below it are votes
ARRANGEMENTS = 6  # of four options, when the cyclic orders of one are the same

UNREAD = ("empty", "ambiguous")  # worth asking again; a refusal is an answer

KEPT = "kept"
WRONG = "not answerable with the name"
GUESSED = "guessable without the name"
UNCLEAR_WITH = "no clear answer with the name"  # refused, empty, or torn between options
UNCLEAR_WITHOUT = "no clear answer without the name"


@runtime_checkable
class ClosedBook(Protocol):
    """A judge that can also guess without page and name, from statistics over classes."""

    closed_book: bool


@runtime_checkable
class Repeating(Protocol):
    """A judge that may say the same whenever it is asked the same: repeats are one vote."""

    repeats: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FilterSettings:
    """How often a judge is asked and which rates of right answers keep a question.

    `strict` asks over four cyclic orders; `paper` once with the name and once without, as the
    released notebook does, so that a question stays when the one is right and the other wrong.
    A vote is one round of four cyclic orders. The first six start from different arrangements, so
    that all 24 orders come before one is repeated; a judge that repeats itself has no more votes.
    """

    mode: Literal["strict", "paper"] = "strict"
    keep_with: float = 0.9  # smallest rate with the name, of all trials
    keep_without: float = 0.35  # largest rate without it: chance is 0.25
    seed: int = 0
    votes: int = 1  # without the name
    votes_with: int = 1
    stop: Stop = "certain"  # when a judge need not be asked on
    retries: int = 0  # of one trial whose reply names no option, by judges that may say another

    def __post_init__(self) -> None:
        """Refuse thresholds that would keep everything or nothing, and votes mode paper has not."""
        if min(self.votes, self.votes_with, self.retries + 1) < 1 or (
            self.mode == "paper" and (self.votes, self.votes_with) != (1, 1)
        ):
            raise ToolkitError(
                f"the filter of mode {self.mode} cannot hold {self.votes} votes without the name"
                f" and {self.votes_with} with it: ask for one or more, and for several in mode"
                " strict alone"
            )
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


def shown_orders(draft_id: str, settings: FilterSettings, vote: int = 0) -> tuple[Order, ...]:
    """Return the orders to ask in for one vote, from a shuffle keyed by the draft.

    A draft holds the right option first; unshuffled, a judge that picks what it sees first would
    be right in the first order of every question.
    """
    a, b, c, d = keyed_order(range(4), str, "shown order", settings.seed, draft_id)
    if settings.mode == "paper":
        return ((a, b, c, d),)
    if vote % ARRANGEMENTS == 0:
        return cyclic_orders((a, b, c, d))
    others = [tail for tail in permutations((b, c, d)) if tail != (b, c, d)]
    key = ("vote", settings.seed, draft_id)
    b, c, d = keyed_order(others, str, *key)[vote % ARRANGEMENTS - 1]
    orders = cyclic_orders((a, b, c, d))
    return cyclic_orders(orders[keyed_int(*key, vote % ARRANGEMENTS) % ROUND])


def grid(judge: Judge, settings: FilterSettings, condition: Condition) -> int:
    """Return how many trials settle a condition when none is spared."""
    if settings.mode == "paper":
        return 1
    votes = {"with_name": settings.votes_with, "without_name": settings.votes}.get(condition, 1)
    return ROUND * (min(votes, ARRANGEMENTS) if _repeats(judge) else votes)


def _repeats(judge: Judge) -> bool:
    return isinstance(judge, Repeating) and judge.repeats


async def judge_draft(draft: Draft, judges: Sequence[Judge], settings: FilterSettings) -> Judged:
    """Ask every judge under every condition; keep the draft when all of them agree to.

    The reason of a dropped draft is the first judge's that drops it. Unless `stop` is "never", a
    condition ends when it is settled, and the judges after the one that drops are not asked;
    `skipped` counts the trials so spared. The first trial of each condition is always asked, and
    the whole first round of a kept draft, for rates that do not hang on when it ended.

    Raises ToolkitError without a judge. The closed-book score is recorded in mode strict and never
    drops a single question: it is read over the whole set (`closed_book_accuracy`).
    """
    if not judges:
        raise ToolkitError("the filter has no judge: name one, as in --judge corpus")
    judgements: list[Judgement] = []
    reason = KEPT
    for judge in judges:
        if reason != KEPT and settings.stop != "never":
            break
        judgements.append(await _judge(draft, judge, settings))
        reason = verdict(judgements[-1], settings) if reason == KEPT else reason
    conditions: tuple[Condition, ...] = ("with_name", "without_name")
    whole = sum(grid(judge, settings, condition) for judge in judges for condition in conditions)
    asked = sum(one.with_name.trials + one.without_name.trials for one in judgements)
    return Judged(
        id=draft.id,
        keep=reason == KEPT,
        reason=reason,
        judges=tuple(judgements),
        skipped=whole - asked,
    )


def verdict(judgement: Judgement, settings: FilterSettings) -> str:
    """Return `KEPT` or the countable reason to drop a draft; an unparsed reply never helps it.

    With the name an unparsed trial is not right; without it, it counts as if it were right. Where
    only that decides, the reason says that there was no clear answer. Rates are over the trials
    asked: a condition that ended early lies on the same side as its whole grid.
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
    """Ask with the name, then without: its first trial goes along, the rest is asked if needed."""
    with_name = _Asking(draft, judge, "with_name", settings)
    without_name = _Asking(draft, judge, "without_name", settings)
    statistics = isinstance(judge, ClosedBook) and judge.closed_book and settings.mode == "strict"
    await asyncio.gather(with_name.settle(), without_name.ask(1))
    if settings.stop == "never" or with_name.passed():
        await without_name.settle()
    closed_book = None
    if statistics:
        closed = _Asking(draft, judge, "closed_book", settings)
        await closed.ask(ROUND)
        closed_book = closed.score()
    return Judgement(
        with_name=with_name.score(), without_name=without_name.score(), closed_book=closed_book
    )


class _Asking:
    """The trials of one judge under one condition, in order, and when they end."""

    def __init__(
        self, draft: Draft, judge: Judge, condition: Condition, settings: FilterSettings
    ) -> None:
        self._draft, self._judge, self._condition = draft, judge, condition
        self._settings = settings
        self._picks: list[int | None] = []
        self._rule = _rule(grid(judge, settings, condition), condition, settings)

    async def settle(self) -> None:
        """Ask until the rest of the grid need not be asked."""
        while more := self._rule.ahead(self._against(), self._picks.count(None), len(self._picks)):
            await self.ask(more)

    async def ask(self, more: int) -> None:
        """Ask the next trials, all at once."""
        places = range(len(self._picks), len(self._picks) + more)
        trials = await asyncio.gather(*(self._try(place) for place in places))
        self._picks += [trial.pick for trial in trials]

    def passed(self) -> bool:
        """Return whether the trials asked keep the draft; they stand for the whole grid."""
        return self.score().rate >= self._settings.keep_with

    def score(self) -> JudgeScore:
        """Return what was asked."""
        return JudgeScore(
            judge=self._judge.name,
            right=self._picks.count(0),  # a draft holds the right option first
            trials=len(self._picks),
            unparsed=self._picks.count(None),
            picks=tuple(self._picks),
        )

    def _against(self) -> int:
        parsed = [pick for pick in self._picks if pick is not None]
        right = parsed.count(0)
        return len(parsed) - right if self._condition == "with_name" else right

    async def _try(self, place: int) -> Trial:
        vote, turn = divmod(place, ROUND)
        order = shown_orders(self._draft.id, self._settings, vote)[turn]
        ask = ask_in_order(self._draft, self._condition, order, vote // ARRANGEMENTS)
        trial = await _try(self._judge, ask, order)
        again = 0 if _repeats(self._judge) else self._settings.retries
        for number in range(1, again + 1):
            if trial.state not in UNREAD:
                break
            trial = await _try(
                self._judge, replace(ask, sample=ask.sample + number * ASKED_AGAIN), order
            )
        return trial


def _rule(size: int, condition: Condition, settings: FilterSettings) -> StopRule:
    """Return when a condition ends; the odds of a likely end are those of guesses alone."""
    if condition == "without_name":
        return stop_rule(size, most_against(size, settings.keep_without), settings.stop)
    stop: Stop = "never" if settings.stop == "never" else "certain"
    return stop_rule(size, most_wrong(size, settings.keep_with), stop)


async def _try(judge: Judge, ask: Ask, order: Order) -> Trial:
    answer = await judge.answer(ask)
    pick = None
    if answer.position is not None:
        if answer.position not in range(4):  # -1 would quietly read the last option
            raise ValueError(f"judge {judge.name} chose position {answer.position}, not 0 to 3")
        pick = order[answer.position]
    return Trial(order=order, state=answer.state, pick=pick)


def ask_in_order(draft: Draft, condition: Condition, order: Order, sample: int = 0) -> Ask:
    """Return what a judge may see: the class only under `with_name`, and no sign of the key."""
    a, b, c, d = (draft.choices[index].text for index in order)
    named = condition == "with_name"
    return Ask(
        question=draft.question_named if named else draft.question,
        choices=(a, b, c, d),
        condition=condition,
        class_id=draft.class_id if named else None,
        class_name=draft.class_name if named else None,
        sample=sample,
    )


def _set_rate(
    judged: Iterable[Judged], class_of: Mapping[str, str], judge: str, condition: Condition
) -> Interval:
    """Return a rate over first rounds, or over first trials when any of the rounds ended early."""
    found = [
        (score, class_of[row.id])
        for row in judged
        for judgement in row.judges
        if (score := getattr(judgement, condition)) is not None and score.judge == judge
    ]
    if not found:
        raise ToolkitError(
            f"no question has a {condition} score of judge {judge}: run the filter with that judge"
            " first, in mode strict for the closed-book score"
        )
    lengths = {min(ROUND, score.trials) for score, _ in found}
    shown = lengths.pop() if len(lengths) == 1 else 1
    rates = [score.picks[:shown].count(0) / shown for score, _ in found]
    return clustered_interval(rates, [name for _, name in found])
