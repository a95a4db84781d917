"""When a judge need not be asked on, and what a rule for that keeps: exact operating curves.

A trial counts for a question, against it, or is unparsed. With the name a wrong pick is against
the question; without it a right guess is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from math import log
from typing import Literal

ROUND = 4  # trials in which every option stands once at every position

Stop = Literal["never", "certain", "likely"]
Round = Sequence[tuple[float, ...]]  # equally likely ways a round may go: chance against, by trial


@dataclass(frozen=True, slots=True, kw_only=True)
class StopRule:
    """A grid of trials and the counts at which the rest of it need not be asked.

    Entry k of `keep_at` and `drop_at` holds after k trials: at most so many against or unparsed
    keep the question, at least so many against drop it. Nothing keeps a question before a full
    round, so that rates over the first rounds of kept questions owe nothing to when it ends.
    """

    grid: int
    limit: int  # most trials against or unparsed with which the whole grid keeps a question
    keep_at: tuple[int, ...]
    drop_at: tuple[int, ...]
    early: bool = True

    def settled(self, against: int, unparsed: int, asked: int) -> bool:
        """Return whether verdict and reason stand after so many trials."""
        if asked == self.grid or not self.early:
            return asked == self.grid
        if against >= self.drop_at[asked] or against + unparsed <= self.keep_at[asked]:
            return True
        # Lost by unparsed replies, and those to come cannot change the reason.
        return against + unparsed > self.limit and against + self.grid - asked <= self.limit

    def ahead(self, against: int, unparsed: int, asked: int) -> int:
        """Return how many trials can be asked at once, none of which the others could spare."""
        if self.settled(against, unparsed, asked):
            return 0
        more = 1
        while not any(
            self.settled(against + wrong, unparsed + silent, asked + more)
            for wrong in range(more + 1)
            for silent in range(more + 1 - wrong)
        ):
            more += 1
        return more


@dataclass(frozen=True, slots=True, kw_only=True)
class Odds:
    """What Wald's sequential ratio test (1945) tells apart, and the errors it aims at."""

    hard: float = 0.25  # chance of a right guess at a question to keep
    easy: float = 0.6  # and at one to drop
    false_keep: float = 0.003  # leaves room under 1% for judges that lean or repeat themselves
    false_drop: float = 0.03


def most_against(grid: int, rate: float) -> int:
    """Return the largest count whose share of the grid is at most a rate."""
    return max(count for count in range(grid + 1) if count / grid <= rate)


def most_wrong(grid: int, rate: float) -> int:
    """Return how many of the grid may go wrong so that the rest is at least a rate of it."""
    return grid - min(count for count in range(grid + 1) if count / grid >= rate)


@cache
def stop_rule(grid: int, limit: int, stop: Stop, odds: Odds | None = None) -> StopRule:
    """Return a rule that ends never early, when the grid's verdict is certain, or when likely.

    `certain` gives the verdict and the reason of the whole grid, always. `likely` also ends where
    a ratio test does; its verdicts differ from the grid's as rarely as `odds` says, and never
    from what the share of the trials asked says.
    """
    odds = odds or Odds()
    right, wrong = log(odds.easy / odds.hard), log((1 - odds.easy) / (1 - odds.hard))
    keep_line = log(odds.false_keep / (1 - odds.false_drop))
    drop_line = log((1 - odds.false_keep) / odds.false_drop)
    keep_at, drop_at = [], []
    for asked in range(grid + 1):
        keep, drop = limit - (grid - asked), limit + 1
        if stop == "likely" and asked:
            balance = [count * right + (asked - count) * wrong for count in range(asked + 1)]
            kept = [c for c in range(asked + 1) if balance[c] <= keep_line]
            dropped = [c for c in range(asked + 1) if balance[c] >= drop_line]
            keep = max([keep, *(c for c in kept if c * grid <= limit * asked)])
            drop = min([drop, *(c for c in dropped if c * grid >= (limit + 1) * asked)])
        keep_at.append(keep if asked >= min(ROUND, grid) else -1)
        drop_at.append(drop)
    return StopRule(grid=grid, limit=limit, keep_at=tuple(keep_at), drop_at=tuple(drop_at),
                    early=stop != "never")  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Operating:
    """What a rule does to questions of one kind: the share kept, and trials asked on average."""

    kept: float
    calls: float


def operating(rule: StopRule, rounds: Sequence[Round]) -> Operating:
    """Return exactly what a rule does when every reply is parsed.

    `rounds` says for each round of trials which courses it may take, all equally likely and
    independent of the other rounds. Raises ValueError when they are not as long as the grid.
    """
    alive, asked, kept, calls = [1.0], 0, 0.0, 0.0  # alive: chance of each count against
    for ways in rounds:
        ends = [0.0] * (len(alive) + len(ways[0]))
        for chances in ways:
            states = [chance / len(ways) for chance in alive]
            for place, chance in enumerate(chances, start=asked + 1):
                states = _after(states, chance)
                for against, mass in enumerate(states):
                    if mass and rule.settled(against, 0, place):
                        kept += mass * (against <= rule.keep_at[place])
                        calls += mass * place
                        states[against] = 0.0
            ends = [end + state for end, state in zip(ends, states, strict=True)]
        alive, asked = ends, asked + len(ways[0])
    if asked != rule.grid:
        raise ValueError(f"the rounds hold {asked} trials, the grid {rule.grid}")
    return Operating(kept=kept, calls=calls)


def _after(states: Sequence[float], chance: float) -> list[float]:
    """Return the chances of each count after one more trial."""
    stay = [mass * (1 - chance) for mass in states] + [0.0]
    return [
        still + up for still, up in zip(stay, [0.0, *(m * chance for m in states)], strict=True)
    ]


def even_rounds(grid: int, chance: float) -> list[Round]:
    """Return the rounds of a judge whose trials are independent, each with the same chance."""
    sizes = [min(ROUND, grid - start) for start in range(0, grid, ROUND)]
    return [[(chance,) * size] for size in sizes]


def leaning_rounds(grid: int, chance: float, bias: float) -> list[Round]:
    """Return the rounds of a judge that picks one position with a chance of `bias`, or guesses.

    A round shows the right option at each position once, from a random one on.
    """
    elsewhere = (1 - bias) * chance
    ways = [
        tuple(bias + elsewhere if place == at else elsewhere for place in range(ROUND))
        for at in range(ROUND)
    ]
    return [ways] * (grid // ROUND)


def repeated_counts(orders: int, votes: int, chance: float, correlation: float) -> list[float]:
    """Return the chance of each count against, of `votes` votes on each of some orders.

    Votes on one order are beta-binomial: their correlation is 1 at temperature 0, where they are
    one vote, and 0 when they are independent. Orders are independent of one another.
    """
    one = _beta_binomial(votes, chance, correlation)
    total = [1.0]
    for _ in range(orders):
        joint = [0.0] * (len(total) + votes)
        for count, mass in enumerate(total):
            for more, share in enumerate(one):
                joint[count + more] += mass * share
        total = joint
    return total


def _beta_binomial(votes: int, chance: float, correlation: float) -> list[float]:
    """Return the chances of 0 to `votes` by Polya's urn, which holds at both ends too."""
    if correlation >= 1:
        return [1 - chance, *[0.0] * (votes - 1), chance]
    pull = correlation / (1 - correlation)
    states = [1.0]
    for drawn in range(votes):
        room = 1 + pull * drawn
        up = [mass * (chance + pull * count) / room for count, mass in enumerate(states)]
        states = [
            (states[count] - up[count] if count <= drawn else 0.0)
            + (up[count - 1] if count else 0.0)
            for count in range(drawn + 2)
        ]
    return states


def kept_share(counts: Sequence[float], limit: int) -> float:
    """Return the chance of at most `limit`."""
    return list(accumulate(counts))[min(limit, len(counts) - 1)]
