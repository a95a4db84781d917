"""Drop as few questions as needed until no blind habit beats chance over the set."""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heapreplace
from math import sqrt
from typing import Generic, TypeVar

from imagewikiqa.core.digests import keyed_int

T = TypeVar("T")
CHANCE = 0.25
TOLERANCE = 0.02  # how far from chance a habit's accuracy may lie over a large set
TOO_MANY = "more questions than asked for"
_LARGE = 50  # below this many questions, chance itself strays further: its 95% interval counts
_Z = 1.96
_UNIT = 1_000_000  # credits are counted in millionths: sums of integers know no order
_QUARTERS = round(1 / CHANCE)


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
    most: int | None = None,
) -> tuple[list[T], list[tuple[T, str]]]:
    """Return the questions kept, in their order, and those dropped with the reason.

    Each step drops the question whose loss brings all habits nearest to chance (least squares),
    from the class (`group`) that has most, ties by keyed hash: a greedy descent that ends when at
    most `most` are left and every habit is within `tolerance`. Where no single loss helps, it goes
    on if that leads there with a large set left, and else stays where it was. Which questions are
    kept depends on the set and never on its order.
    """
    groups = [group(question) for question in questions]
    kinds = _Kinds([[habit.credit(one) for habit in habits] for one in questions])
    crowd = Crowd(kinds.of, groups, [keyed_int(seed, identity(one)) for one in questions])
    kept = dict.fromkeys(range(len(questions)))
    dropped: list[tuple[T, str]] = []
    stalled: tuple[list[int], int] | None = None  # what was kept, and how many drops were made
    while kept:
        surplus = most is not None and len(kept) > most
        if not surplus and kinds.furthest()[0] <= tolerance(len(kept)):
            stalled = stalled if len(kept) < _LARGE else None
            break
        kind, helps = kinds.best_to_lose()
        if not surplus and not helps:
            if len(kept) < _LARGE:
                break
            stalled = stalled or (list(kept), len(dropped))
        index = crowd.take(kind)
        dropped.append(
            (questions[index], TOO_MANY if surplus else habits[kinds.furthest()[1]].reason)
        )
        del kept[index]
        kinds.lose(kind)
    if stalled is not None:
        return [questions[index] for index in stalled[0]], dropped[: stalled[1]]
    return [questions[index] for index in kept], dropped


class _Kinds:
    """The distinct credits of a set, how many questions have each, and how far from chance."""

    def __init__(self, earned: Sequence[Sequence[float]]) -> None:
        rows = [tuple(round(part * _UNIT) for part in credit) for credit in earned]
        numbers = {row: number for number, row in enumerate(sorted(set(rows)))}
        self.of = [numbers[row] for row in rows]
        self._parts = list(numbers)
        self._left = Counter(self.of)
        self._sums = [sum(column) for column in zip(*rows, strict=True)]
        self._count = len(rows)

    def furthest(self) -> tuple[float, int]:
        """Return how far the habit furthest from chance is, and which one it is."""
        strays = [abs(total / (_UNIT * self._count) - CHANCE) for total in self._sums]
        worst = max(strays, default=0.0)
        return worst, strays.index(worst) if strays else 0

    def best_to_lose(self) -> tuple[int, bool]:
        """Return the kind whose loss leaves the habits nearest to chance; does that help?"""
        count = self._count - 1
        after, kind = min((self._off(self._parts[kind], count), kind) for kind in self._left)
        before = self._off((0,) * len(self._sums), count + 1)
        return kind, count > 0 and after * (count + 1) ** 2 < before * count**2

    def _off(self, part: Sequence[int], count: int) -> int:
        """Return the squared distance from chance, added up over habits, times count squared.

        `part` is the credit lost, `count` the questions left. Integers, so that ties are ties.
        """
        chance = count * _UNIT
        return sum(
            (_QUARTERS * (total - lost) - chance) ** 2
            for total, lost in zip(self._sums, part, strict=True)
        )

    def lose(self, kind: int) -> None:
        """Take one question of a kind away."""
        self._left[kind] -= 1
        if not self._left[kind]:
            del self._left[kind]
        self._sums = [
            total - lost for total, lost in zip(self._sums, self._parts[kind], strict=True)
        ]
        self._count -= 1


class Crowd:
    """The questions of each kind, those of the largest class first."""

    def __init__(
        self, kinds: Sequence[Hashable], groups: Sequence[str], keys: Sequence[int]
    ) -> None:
        self._groups = groups
        self._sizes = Counter(groups)
        self._heaps: dict[Hashable, list[tuple[int, int, int]]] = defaultdict(list)
        for index, kind in enumerate(kinds):
            self._heaps[kind].append((-self._sizes[groups[index]], -keys[index], index))
        for heap in self._heaps.values():
            heapify(heap)

    def take(self, kind: Hashable) -> int:
        """Take out and return the index of the first question of a kind, the largest key first."""
        heap = self._heaps[kind]
        while True:
            size, key, index = heap[0]
            now = -self._sizes[self._groups[index]]
            if size == now:
                break
            heapreplace(heap, (now, key, index))  # its class has shrunk since it was put here
        heappop(heap)
        self._sizes[self._groups[index]] -= 1
        return index
