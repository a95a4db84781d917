"""Whole numbers counted by value: exact quantiles of any number of them in little memory."""

from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple


class Spread(NamedTuple):
    """How numbers are spread: `median`, `p90` and `p99` are values that occur."""

    counted: int
    total: int
    least: int
    median: int
    p90: int
    p99: int
    most: int

    @property
    def mean(self) -> float:
        """Return the arithmetic mean."""
        return self.total / self.counted


def spread_of(values: Mapping[int, int]) -> Spread | None:
    """Return how numbers (value -> how often) are spread; None where there is none."""
    count = sum(values.values())
    if not count:
        return None
    ordered = sorted(values.items())
    places = [(share * count + 99) // 100 for share in (50, 90, 99)]  # nearest rank, from 1
    found, passed = list[int](), 0
    for value, times in ordered:
        passed += times
        while len(found) < len(places) and passed >= places[len(found)]:
            found.append(value)
    total = sum(value * times for value, times in ordered)
    median, p90, p99 = found
    return Spread(count, total, ordered[0][0], median, p90, p99, ordered[-1][0])


def below(values: Mapping[int, int], limit: int) -> int:
    """Return how many numbers are smaller than `limit`."""
    return sum(times for value, times in values.items() if value < limit)


def edges_to(least: int, most: int, steps: int) -> list[int]:
    """Return whole edges of bins from `least` (at least 1) past `most`, `steps` to a doubling."""
    edges, at = list[int](), 0
    while not edges or edges[-1] <= most:
        edge = round(2 ** (at / steps))
        at += 1
        if edge <= max(1, least):
            edges = [edge]
        elif edge != edges[-1]:
            edges.append(edge)
    return edges


def binned(values: Mapping[int, int], edges: list[int]) -> list[int]:
    """Return how many numbers lie in each bin [edge, next edge); those below the first in none."""
    found = Counter[int]()
    at = 0
    for value, times in sorted(values.items()):
        while at + 1 < len(edges) and value >= edges[at + 1]:
            at += 1
        if value >= edges[0] and at + 1 < len(edges):
            found[at] += times
    return [found[place] for place in range(len(edges) - 1)]
