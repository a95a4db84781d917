"""The blind-guess gate: the largest part of a set that we find at chance for every blind guess.

A guesser that learns, learns what the right options have more of than the wrong ones. So questions
are dropped until the right options differ from the others in no cue and no feature by more than
chance would make them differ, and no further: in a set balanced better than by chance, each
training fold would mirror the fold held out, and a guesser would land below chance, which is a
leak as well.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from imagewikiqa.core.digests import keyed_order
from imagewikiqa.core.intervals import LEVEL, Interval, clustered_interval, wilson
from imagewikiqa.qa.cues import cue_credits, reason_of
from imagewikiqa.qa.lexical import lexical_credits
from imagewikiqa.qa.surface import (
    CALIBRATED,
    Choosable,
    Floats,
    design,
    longest_credit,
    surface_credits,
)
from imagewikiqa.qa.surface_features import NAMES

T = TypeVar("T", bound=Choosable)
SURFACE, LEXICAL = "surface model", "word model"
Guessers = Mapping[str, Callable[[Sequence[Choosable]], list[float]]]
GUESSERS: Guessers = {SURFACE: surface_credits, LEXICAL: lexical_credits}
# Standard errors that a sum of contrasts may lie from 0, tried in turn until the guessers agree.
LIMITS = (2.0, 1.75, 1.5, 1.25, 1.0, 0.75, 0.5)
# Once something was dropped, a guesser has to be this near to chance, as a part of its interval:
# what was selected on looks better than it is, and other guessers may see a little more.
MARGIN = 0.5
_AIM = 0.9  # of a limit: how far a cue beyond it is brought back


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How often one way of guessing is right, and what chance is."""

    name: str
    interval: Interval
    chance: float

    @property
    def at_chance(self) -> bool:
        """Return whether chance lies within the interval: below it is a leak too."""
        return self.interval.holds(self.chance)

    @property
    def near(self) -> bool:
        """Return whether chance lies within MARGIN of the interval."""
        one = self.interval
        reach = one.high if self.chance > one.estimate else one.low
        return abs(self.chance - one.estimate) <= MARGIN * abs(reach - one.estimate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped(Generic[T]):
    """A question that did not pass: why, and which guesses were right on it."""

    question: T
    reason: str
    guessed_by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gated(Generic[T]):
    """What passed, in its order; what did not; and every measure before and after."""

    kept: list[T]
    dropped: list[Dropped[T]]
    before: list[Measure]
    after: list[Measure]
    most: int  # questions of the largest part with the longest option at chance

    @property
    def passed(self) -> bool:
        """Return whether every guess is at chance on what was kept."""
        return all(one.at_chance for one in self.after)


def gate(
    questions: Sequence[T],
    *,
    identity: Callable[[T], str],
    seed: int = 0,
    guessers: Guessers = GUESSERS,
) -> Gated[T]:
    """Keep as many questions as leave every single cue and all guessers at chance.

    A set where all are at chance is kept whole, as is a small one whose intervals are wide. The
    order of the questions decides nothing but the order of what is kept; `identity` is to be
    distinct. Where no limit suffices, the tightest is what is kept, and `passed` is False.
    """
    order = keyed_order(range(len(questions)), lambda i: identity(questions[i]), seed, "gate")
    ordered = [questions[i] for i in order]
    before = measures(ordered, guessers) if ordered else []
    most = most_at_chance(ordered)
    if all(one.at_chance for one in before):
        return Gated(kept=list(questions), dropped=[], before=before, after=before, most=most)
    descent = _Descent(ordered, guessers)
    left, after = _best(descent, ordered, guessers)
    alive = {order[i] for i in left}
    lost = {order[i]: (i, reason) for i, reason in descent.reasons.items() if i not in left}
    return Gated(
        kept=[one for i, one in enumerate(questions) if i in alive],
        dropped=[
            Dropped(question=questions[i], reason=reason, guessed_by=descent.guessed_by(place))
            for i, (place, reason) in sorted(lost.items())
        ],
        before=before,
        after=after,
        most=most,
    )


def _best(
    descent: "_Descent", ordered: Sequence[Choosable], guessers: Guessers
) -> tuple[set[int], list[Measure]]:
    """Return the places to keep: of the first limit at which all is near chance, else at chance."""
    first: tuple[set[int], list[Measure]] | None = None
    left: set[int] = set()
    after: list[Measure] = []
    for limit in LIMITS:
        descent.to(limit)
        left = set(descent.left)
        after = measures([ordered[i] for i in sorted(left)], guessers)
        if all(one.at_chance for one in after):
            first = first or (left, after)
            if all(one.near for one in after if one.name in guessers):
                return left, after
    return first or (left, after)


def measures(questions: Sequence[Choosable], guessers: Guessers = GUESSERS) -> list[Measure]:
    """Return every cue, then the guessers, with intervals clustered by class."""
    clusters = [one.class_id for one in questions]
    chance = sum(1 / len(one.choices) for one in questions) / len(questions)
    return [
        Measure(
            name=name,
            interval=clustered_interval(
                earned, clusters, CALIBRATED if name in guessers else LEVEL
            ),
            chance=chance,
        )
        for name, earned in _earned(questions, guessers).items()
    ]  # fmt: skip


def most_at_chance(questions: Sequence[Choosable]) -> int:
    """Return how many questions can stay at most if the longest option is to be at chance.

    Exact for the mean and Wilson's interval on it: to bring a mean down, nothing costs fewer
    questions than dropping the largest credits first. It is what any gate can be measured by.
    """
    over = sorted(longest_credit(q.choices, q.answer) - 1 / len(q.choices) for q in questions)
    chance = sum(1 / len(q.choices) for q in questions) / max(1, len(questions))
    if sum(over) < 0:
        over = [-one for one in reversed(over)]
        chance = 1 - chance  # what is right too seldom is wrong too often
    while over:
        rate = min(1.0, max(0.0, sum(over) / len(over) + chance))
        if wilson(rate * len(over), len(over)).holds(chance):
            break
        over.pop()
    return len(over)


def _earned(questions: Sequence[Choosable], guessers: Guessers) -> dict[str, list[float]]:
    guessed = {name: guess(questions) for name, guess in guessers.items()}
    return cue_credits(questions) | guessed


class _Descent:
    """Drops, one by one, the question whose loss brings all contrasts furthest back."""

    def __init__(self, questions: Sequence[Choosable], guessers: Guessers) -> None:
        chance = np.array([1 / len(one.choices) for one in questions])
        earned = _earned(questions, guessers)
        data = design(questions)
        right = data[np.arange(len(data)), [one.answer for one in questions]]
        gained = np.array([*earned.values()]).T
        columns = np.hstack([gained - chance[:, None], right])
        self._credits, self._names = gained - chance[:, None], list(earned)
        self._reasons = [
            *(f"{name}: guessed right" if name in guessers else reason_of(name) for name in earned),
            *(f"{SURFACE}: {NAMES[f]}" if f < len(NAMES) else reason_of("")
              for f in range(right.shape[1])),
        ]  # fmt: skip
        self._columns: Floats = columns.round(9)
        self._alive: NDArray[np.bool_] = np.ones(len(questions), dtype=bool)
        self.reasons: dict[int, str] = {}

    @property
    def left(self) -> list[int]:
        """Return the places of what is left."""
        return [int(i) for i in np.flatnonzero(self._alive)]

    def guessed_by(self, place: int) -> tuple[str, ...]:
        """Return which ways of guessing were right on a question more often than chance."""
        return tuple(
            name for name, c in zip(self._names, self._credits[place], strict=True) if c > 0
        )

    def to(self, limit: float) -> None:
        """Drop until no contrast is more than `limit` standard errors from 0, or no loss helps."""
        while self._alive.sum() > 1:
            left = self._columns[self._alive]
            sums, errors = left.sum(axis=0), np.sqrt((left**2).sum(axis=0)) + 1e-9
            if not (np.abs(sums) > limit * errors).any():
                return
            before = _beyond(sums / errors, limit)
            after = _beyond((sums - left) / errors, limit)
            gains = before.sum() - after.sum(axis=1)
            best = int(gains.round(9).argmax())
            if gains[best] <= 1e-9:
                return
            place = int(np.flatnonzero(self._alive)[best])
            self._alive[place] = False
            self.reasons[place] = self._reasons[int((before - after[best]).argmax())]


def _beyond(strays: Floats, limit: float) -> Floats:
    """Return the squared excess of each contrast."""
    excess: Floats = np.maximum(0.0, np.abs(strays) - _AIM * limit) ** 2
    return excess
