"""Quantiles and bins of numbers that are counted by value, against a plain list of them."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.mixtures.inspect.measures import below, binned, edges_to, spread_of

NUMBERS = st.lists(st.integers(0, 5000), min_size=1, max_size=300)


def nearest_rank(numbers: list[int], percent: int) -> int:
    """Return the smallest number that at least so many percent are not above."""
    ordered = sorted(numbers)
    return next(one for at, one in enumerate(ordered, 1) if 100 * at >= percent * len(ordered))


@given(NUMBERS)
def test_a_spread_is_that_of_the_list(numbers: list[int]) -> None:
    found = spread_of(Counter(numbers))
    assert found is not None
    assert found.counted == len(numbers) and found.total == sum(numbers)
    assert (found.least, found.most) == (min(numbers), max(numbers))
    wanted = tuple(nearest_rank(numbers, percent) for percent in (50, 90, 99))
    assert (found.median, found.p90, found.p99) == wanted


def test_nothing_has_no_spread() -> None:
    assert spread_of({}) is None and spread_of({3: 0}) is None


@given(NUMBERS, st.integers(0, 5000))
def test_what_is_below_a_limit_is_counted(numbers: list[int], limit: int) -> None:
    assert below(Counter(numbers), limit) == sum(one < limit for one in numbers)


@given(NUMBERS, st.sampled_from([4, 12]))
def test_bins_hold_every_number_from_their_first_edge_on(numbers: list[int], steps: int) -> None:
    least = max(1, min(numbers))
    edges = edges_to(least, max(numbers), steps)
    assert edges == sorted(set(edges)) and edges[0] <= least and max(numbers) < edges[-1]
    found = binned(Counter(numbers), edges)
    slow = [
        sum(low <= one < high for one in numbers)
        for low, high in zip(edges[:-1], edges[1:], strict=True)
    ]
    assert found == slow
    assert sum(found) == sum(one >= edges[0] for one in numbers)
