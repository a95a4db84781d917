"""How many raters are enough: what the majority of k answers would have said, exactly."""

from collections.abc import Hashable, Mapping
from fractions import Fraction
from functools import cache
from math import comb

from pydantic import Field

from imagewikiqa.core.records import Part
from imagewikiqa.qa.agreement.consensus import majority
from imagewikiqa.qa.agreement.votes import Votes, tally


class Step(Part):
    """What k answers a unit give, over all ways of drawing k of its answers."""

    k: int = Field(ge=1)
    units: int = Field(ge=0, description="units with a key and at least k answers")
    right: float | None = Field(description="expected share whose majority of k is the key")
    agreeing_units: int = Field(ge=0, description="units with k answers and a majority of all")
    agreeing: float | None = Field(
        description="expected share whose majority of k is the majority of all their answers"
    )


def learning_curve(votes: Votes, keys: Mapping[str, Hashable]) -> list[Step]:
    """Return a step for each k from 1 to the largest number of answers.

    A tie at the top gives 1 / number of tied to each of them. A unit with fewer than k answers is
    left out of step k, so steps may rest on different units: each says on how many.
    """
    most = max((len(given) for given in votes.values()), default=0)
    return [_step(votes, keys, k) for k in range(1, most + 1)]


def chance_of_majority(given: Mapping[str, Hashable], target: Hashable, k: int) -> Fraction:
    """Return the exact chance that the majority of k random answers of a unit is the target.

    Raises ValueError when the unit has fewer than k answers or k is below 1.
    """
    if not 1 <= k <= len(given):
        raise ValueError(f"cannot draw {k} of {len(given)} answers")
    counts = tally(given.values())
    held = counts.pop(target, 0)
    return _chance(held, tuple(sorted(counts.values())), k)


def _step(votes: Votes, keys: Mapping[str, Hashable], k: int) -> Step:
    right, agreeing = [], []
    for unit, given in votes.items():
        if len(given) < k:
            continue
        if unit in keys:
            right.append(chance_of_majority(given, keys[unit], k))
        if (winner := majority(given)) is not None:
            agreeing.append(chance_of_majority(given, winner, k))
    return Step(
        k=k,
        units=len(right),
        right=_mean(right),
        agreeing_units=len(agreeing),
        agreeing=_mean(agreeing),
    )


def _mean(chances: list[Fraction]) -> float | None:
    return float(sum(chances, Fraction(0)) / len(chances)) if chances else None


@cache
def _chance(held: int, others: tuple[int, ...], k: int) -> Fraction:
    """Sum over x, the times the target is drawn: every other category at most x times."""
    total = Fraction(0)
    for x in range(1, min(held, k) + 1):
        for tied, ways in _ways(others, k - x, x).items():
            total += Fraction(comb(held, x) * ways, tied + 1)
    return total / comb(held + sum(others), k)


def _ways(others: tuple[int, ...], drawn: int, most: int) -> dict[int, int]:
    """Count the draws from the others with none above `most`, by how many reach it."""
    states = {(0, 0): 1}  # (drawn so far, categories that reach `most`) -> ways
    for size in others:
        following: dict[tuple[int, int], int] = {}
        for (so_far, tied), ways in states.items():
            for x in range(min(size, most, drawn - so_far) + 1):
                state = (so_far + x, tied + (x == most))
                following[state] = following.get(state, 0) + ways * comb(size, x)
        states = following
    return {tied: ways for (so_far, tied), ways in states.items() if so_far == drawn}
