"""Intervals agree with published values and keep their promises on any data."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.intervals import clustered_interval, student_t, uniformity, wilson

UNIT = st.sampled_from([0.0, 0.25, 1 / 3, 0.5, 1.0])  # credits as ties share them
PAIRS = st.lists(st.tuples(UNIT, st.integers(0, 6)), min_size=1, max_size=40)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [
        (15, 148, 0.0624, 0.1605),  # Newcombe 1998, table 1
        (81, 263, 0.2553, 0.3662),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
        (320.5, 771, 0.3814, 0.4508),  # the longest option of the released ImageWikiQA
    ],
)
def test_wilson_gives_the_published_limits(k: float, n: int, low: float, high: float) -> None:
    got = wilson(k, n)
    assert got.low == pytest.approx(low, abs=5e-5)
    assert got.high == pytest.approx(high, abs=5e-5)
    assert got.n == n


@pytest.mark.parametrize(
    ("df", "value"), [(1, 12.7062), (2, 4.3027), (3, 3.1824), (10, 2.2281), (120, 1.9799)]
)
def test_student_t_gives_the_table_values(df: int, value: float) -> None:
    assert student_t(df) == pytest.approx(value, rel=2e-3)


@pytest.mark.parametrize(
    ("counts", "p"), [([30, 30], 1.0), ([40, 30, 30, 20], 0.0833), ([526, 522, 445, 507], 0.0365)]
)
def test_uniformity_gives_the_chi_squared_tail(counts: list[int], p: float) -> None:
    assert uniformity(counts) == pytest.approx(p, abs=2e-3)


@pytest.mark.parametrize(("k", "n"), [(1, 0), (3, 2), (-1, 2)])
def test_wilson_refuses_impossible_counts(k: float, n: int) -> None:
    with pytest.raises(ValueError, match="wilson needs"):
        wilson(k, n)


@pytest.mark.parametrize(("values", "clusters"), [([], []), ([0.5], []), ([1.5], ["a"])])
def test_a_clustered_interval_refuses_what_it_cannot_mean(
    values: list[float], clusters: list[str]
) -> None:
    with pytest.raises(ValueError):
        clustered_interval(values, clusters)


@given(PAIRS)
def test_a_clustered_interval_stays_in_the_unit_range_and_holds_its_mean(
    pairs: list[tuple[float, int]],
) -> None:
    values, clusters = [v for v, _ in pairs], [c for _, c in pairs]
    got = clustered_interval(values, clusters)
    assert 0 <= got.low <= got.estimate <= got.high <= 1
    assert got.low < got.high
    assert got.estimate == pytest.approx(sum(values) / len(values))


@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_units_does_not_matter(
    pairs: list[tuple[float, int]], source: random.Random
) -> None:
    shuffled = list(pairs)
    source.shuffle(shuffled)
    one = clustered_interval([v for v, _ in pairs], [c for _, c in pairs])
    two = clustered_interval([v for v, _ in shuffled], [c for _, c in shuffled])
    assert (two.low, two.high) == pytest.approx((one.low, one.high), abs=1e-6)


def test_clusters_of_one_give_wilsons_interval_and_copies_add_no_evidence() -> None:
    values = [1.0] * 80 + [0.0] * 120
    alone = clustered_interval(values, range(200))
    plain = wilson(80, 200)
    assert (alone.low, alone.high) == pytest.approx((plain.low, plain.high), abs=2e-3)
    copied = clustered_interval(values * 5, list(range(200)) * 5)
    assert (copied.low, copied.high) == pytest.approx((alone.low, alone.high), abs=2e-3)
    assert copied.n == 1000


def test_the_clustered_interval_covers_the_truth_where_the_plain_one_does_not() -> None:
    source = random.Random(7)
    held = {"clustered": 0, "plain": 0}
    for _ in range(300):
        rates = [source.choice((0.0, 0.5)) for _ in range(60)]  # classes differ, mean is 0.25
        values = [float(source.random() < rate) for rate in rates for _ in range(10)]
        clusters = [i for i in range(60) for _ in range(10)]
        held["clustered"] += clustered_interval(values, clusters).holds(0.25)
        held["plain"] += wilson(sum(values), 600).holds(0.25)
    assert 0.92 <= held["clustered"] / 300 <= 0.98
    assert held["plain"] / 300 < 0.8


def test_one_cluster_says_nothing() -> None:
    got = clustered_interval([1, 0, 1, 1], ["a"] * 4)
    assert (got.estimate, got.low, got.high, got.n) == (0.75, 0.0, 1.0, 4)
