"""A shuffle is a bijection, keyed by seed and epoch, and even."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.mixtures.reader.order import Shuffle


@given(st.integers(1, 3000), st.integers(), st.integers(0, 1000))
def test_every_place_has_a_sample_of_its_own(count: int, seed: int, epoch: int) -> None:
    shuffle = Shuffle(count, seed, epoch)
    assert sorted(map(shuffle, range(count))) == list(range(count))


@given(st.integers(10**6, 2**40), st.data())
def test_places_of_large_mixtures_stay_inside_and_apart(count: int, data: st.DataObject) -> None:
    shuffle = Shuffle(count, 0, 0)
    places = data.draw(st.lists(st.integers(0, count - 1), unique=True, max_size=50))
    numbers = [shuffle(place) for place in places]
    assert len(set(numbers)) == len(places) and all(0 <= one < count for one in numbers)


def test_the_order_of_today_is_the_order_of_tomorrow() -> None:
    # What a checkpoint counts on: these numbers must never change.
    shuffle = Shuffle(1_000_000, 7, 3)
    assert [shuffle(place) for place in range(5)] == [189010, 294012, 271320, 219959, 456919]


def test_seed_and_epoch_each_decide_the_order() -> None:
    orders = {
        tuple(map(Shuffle(50, seed, epoch), range(50))) for seed in range(4) for epoch in range(4)
    }
    assert len(orders) == 16


@pytest.mark.parametrize("count", [2, 3, 5, 24, 100])
def test_each_sample_comes_first_equally_often(count: int) -> None:
    trials = 200 * count
    found = Counter(Shuffle(count, seed, 0)(0) for seed in range(trials))
    chi_square = sum((found[number] - 200) ** 2 / 200 for number in range(count))
    assert chi_square < count - 1 + 5 * (2 * (count - 1)) ** 0.5 + 5


def test_small_mixtures_come_in_every_order() -> None:
    found = Counter(tuple(map(Shuffle(4, seed, 0), range(4))) for seed in range(2400))
    assert len(found) == 24 and min(found.values()) > 50 and max(found.values()) < 170


def test_neighbours_are_torn_apart() -> None:
    count = 10_007
    numbers = list(map(Shuffle(count, 1, 2), range(count)))
    steps = Counter((second - first) % count * 16 // count for first, second in pairwise(numbers))
    assert all(500 < steps[sixteenth] < 750 for sixteenth in range(16))


@pytest.mark.parametrize("place", [-1, 10])
def test_a_place_that_is_none_is_refused(place: int) -> None:
    with pytest.raises(IndexError, match="no place"):
        Shuffle(10, 0, 0)(place)


def test_an_empty_shuffle_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        Shuffle(0, 0, 0)
