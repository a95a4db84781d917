"""Drop as few questions as needed until no blind habit beats chance over the set."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Generic, TypeVar

from imagewikiqa.core.digests import keyed_int

T = TypeVar("T")
CHANCE = 0.25
TOLERANCE = 0.02  # how far from chance a habit's accuracy may lie over a large set
_LARGE = 50  # below this many questions, chance itself strays further: its 95% interval counts
_Z = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit(Generic[T]):
    """A way to guess without knowing: `credit` is the chance that it is right on a question."""

    name: str
    reason: str
    credit: Callable[[T], float]


def tolerance(count: int) -> float:
    """Return how far from chance a habit may lie over `count` questions."""
    interval = _Z * sqrt(CHANCE * (1 - CHANCE) / max(count, 1))
    return TOLERANCE if count >= _LARGE else interval


def balance(
    questions: Sequence[T],
    habits: Sequence[Habit[T]],
    *,
    identity: Callable[[T], str],
    group: Callable[[T], str],
    seed: int,
) -> tuple[list[T], list[tuple[T, str]]]:
    """Return the questions kept, in their order, and those dropped with the reason.

    Each step drops the question whose loss brings all habits nearest to chance (least squares),
    from the class (`group`) that has most, ties by keyed hash: a greedy descent that ends when
    every habit is within `tolerance`, or when no loss helps.
    """
    kept = dict.fromkeys(range(len(questions)))
    shares = [tuple(habit.credit(question) for habit in habits) for question in questions]
    sums = [sum(credit[at] for credit in shares) for at in range(len(habits))]
    alike: dict[tuple[float, ...], list[int]] = defaultdict(list)
    for index, credit in enumerate(shares):
        alike[credit].append(index)
    sizes = Counter(group(question) for question in questions)
    dropped: list[tuple[T, str]] = []
    while kept and _worst(sums, len(kept)) > tolerance(len(kept)):
        credit = min(alike, key=lambda one: (_distance(sums, one, len(kept) - 1), one))
        if _distance(sums, credit, len(kept) - 1) >= _distance(sums, None, len(kept)):
            break
        index = max(
            alike[credit],
            key=lambda i: (sizes[group(questions[i])], keyed_int(seed, identity(questions[i]))),
        )
        dropped.append((questions[index], _reason(habits, sums, len(kept))))
        del kept[index]
        alike[credit].remove(index)
        if not alike[credit]:
            del alike[credit]
        sizes[group(questions[index])] -= 1
        sums = [total - part for total, part in zip(sums, credit, strict=True)]
    return [questions[index] for index in kept], dropped


def _worst(sums: Sequence[float], count: int) -> float:
    return max((abs(total / count - CHANCE) for total in sums), default=0.0)


def _distance(sums: Sequence[float], without: tuple[float, ...] | None, count: int) -> float:
    """Return the sum of squared distances from chance after losing one question of a kind."""
    if count == 0:
        return float("inf")
    lost = without or (0.0,) * len(sums)
    return sum(
        ((total - part) / count - CHANCE) ** 2 for total, part in zip(sums, lost, strict=True)
    )


def _reason(habits: Sequence[Habit[T]], sums: Sequence[float], count: int) -> str:
    """Return the reason of the habit that is furthest from chance."""
    strays = [abs(total / count - CHANCE) for total in sums]
    return habits[strays.index(max(strays))].reason
