"""Balancing against a slow reference, and what it must never do."""

import random
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction

from hypothesis import example, given, settings
from hypothesis import strategies as st

from imagewikiqa.core.digests import keyed_int
from imagewikiqa.qa.balance import TOO_MANY, Habit, balance, tolerance

Asked = tuple[str, str, tuple[float, ...]]  # id, class, credit of each habit
SEED = 7
CREDITS = (0.0, 0.25, 0.5, 1.0)


def habit(at: int) -> Habit[Asked]:
    return Habit(name=f"h{at}", reason=f"bias {at}", credit=lambda one: one[2][at])


def run(
    asked: list[Asked], *, seed: int = SEED, most: int | None = None
) -> tuple[list[Asked], list[tuple[Asked, str]]]:
    habits = [habit(at) for at in range(len(asked[0][2]) if asked else 0)]
    return balance(
        asked, habits, identity=lambda one: one[0], group=lambda one: one[1], seed=seed, most=most
    )


def numbered(rows: Sequence[tuple[int, tuple[float, ...]]]) -> list[Asked]:
    return [(f"q{at}", f"c{group}", credit) for at, (group, credit) in enumerate(rows)]


def columns(asked: list[Asked]) -> list[tuple[float, ...]]:
    return list(zip(*(one[2] for one in asked), strict=True))


def distance(asked: list[Asked]) -> Fraction:
    found = Fraction(0)
    for column in columns(asked):
        rate = sum(map(Fraction, column), Fraction(0)) / len(asked)
        found += (rate - Fraction(1, 4)) ** 2
    return found


def strays(asked: list[Asked]) -> list[float]:
    return [abs(sum(column) / len(asked) - 0.25) for column in columns(asked)]


def reference(asked: list[Asked], most: int | None) -> list[tuple[Asked, str]]:
    """Try every loss at every step, in exact fractions: the definition, written plainly."""
    left, dropped = list(asked), []
    while left:
        surplus = most is not None and len(left) > most
        off = strays(left)
        if not surplus and max(off) <= tolerance(len(left)):
            break
        crowd = Counter(one[1] for one in left)

        def cost(one: Asked) -> tuple[Fraction, tuple[float, ...], int, int]:
            rest = [other for other in left if other is not one]  # noqa: B023
            after = distance(rest) if rest else Fraction(10**9)
            return after, one[2], -crowd[one[1]], -keyed_int(SEED, one[0])  # noqa: B023

        worst = min(left, key=cost)
        if not surplus and cost(worst)[0] >= distance(left):
            break
        dropped.append((worst, TOO_MANY if surplus else f"bias {off.index(max(off))}"))
        left.remove(worst)
    return dropped


rows = st.integers(1, 3).flatmap(
    lambda width: st.lists(
        st.tuples(st.integers(0, 3), st.tuples(*[st.sampled_from(CREDITS)] * width)),
        min_size=1,
        max_size=14,
    )
)


@settings(max_examples=150, deadline=None)
@given(rows, st.none() | st.integers(1, 14))
@example([(0, (1.0,))], None)
@example([(0, (1.0, 0.0))] * 9, 4)
def test_it_equals_the_slow_reference(
    made: list[tuple[int, tuple[float, ...]]], most: int | None
) -> None:
    asked = numbered(made)
    kept, dropped = run(asked, most=most)
    expected = reference(asked, most)
    assert dropped == expected
    gone = {one[0] for one, _ in expected}
    assert kept == [one for one in asked if one[0] not in gone]


@settings(max_examples=60, deadline=None)
@given(rows, st.randoms(use_true_random=False))
def test_the_order_of_questions_decides_nothing(
    made: list[tuple[int, tuple[float, ...]]], shuffler: random.Random
) -> None:
    asked = numbered(made)
    other = shuffler.sample(asked, len(asked))
    kept, dropped = run(asked)
    again, lost = run(other)
    assert dropped == lost
    assert sorted(kept) == sorted(again)
    assert again == [one for one in other if one in again]  # in their own order


def biased(count: int, shares: tuple[float, ...], seed: int) -> list[Asked]:
    """Questions where habit i is right on exactly a share of them, at random places."""
    source = random.Random(seed)
    habits = []
    for share in shares:
        right = round(share * count)
        habits.append(source.sample([1.0] * right + [0.0] * (count - right), count))
    rows = zip(*habits, strict=True)
    return [(f"q{at}", f"c{at % 40}", credit) for at, credit in enumerate(rows)]


def test_a_longest_right_bias_goes_with_the_fewest_drops() -> None:
    asked = biased(1000, (0.42,), 1)
    kept, dropped = run(asked)
    fewest = next(n for n in range(1000) if (420 - n) / (1000 - n) <= 0.25 + tolerance(1000 - n))
    assert len(dropped) == fewest == 206
    assert {one[2] for one, _ in dropped} == {(1.0,)}
    assert {reason for _, reason in dropped} == {"bias 0"}
    assert max(strays(kept)) <= tolerance(len(kept))


def test_an_avoided_option_is_a_bias_too() -> None:
    kept, dropped = run(biased(1000, (0.1,), 1))
    assert {one[2] for one, _ in dropped} == {(0.0,)}
    assert max(strays(kept)) <= tolerance(len(kept))
    assert len(kept) > 400


@settings(max_examples=40, deadline=None)
@given(
    st.integers(150, 400),
    st.tuples(*[st.floats(0.1, 0.5)] * 3),
    st.integers(0, 1000),
)
def test_several_habits_end_within_the_tolerance(
    count: int, shares: tuple[float, float, float], seed: int
) -> None:
    kept, _ = run(biased(count, shares, seed))
    assert max(strays(kept)) <= tolerance(len(kept))


def test_where_no_single_loss_helps_more_are_tried() -> None:
    kept, _ = run(biased(150, (0.5, 0.5, 0.5), 101))
    assert max(strays(kept)) <= tolerance(len(kept))
    assert len(kept) >= 50


def test_a_set_that_cannot_be_balanced_is_left_as_it_was() -> None:
    kept, dropped = run([(f"q{at}", f"c{at}", (1.0,)) for at in range(120)])
    assert (len(kept), dropped) == (120, [])


def test_a_balanced_set_loses_nothing() -> None:
    asked = biased(400, (0.25, 0.26, 0.235), 3)
    assert run(asked) == (asked, [])


def test_a_set_that_no_loss_helps_stays_whole() -> None:
    asked = numbered([(0, (1.0, 0.0))] * 30)
    assert run(asked) == (asked, [])


def test_nothing_to_balance_is_balanced() -> None:
    assert run([]) == ([], [])
    bare = numbered([(0, ()), (1, ())])
    assert run(bare) == (bare, [])


def test_the_largest_class_loses_first() -> None:
    crowd, others = [0] * 60, range(1, 31)
    made = [*((group, (1.0,)) for group in (*crowd, *others)), *[(99, (0.0,))] * 150]
    _, dropped = run(numbered(made))
    assert len(dropped) > 30
    assert {one[1] for one, _ in dropped} == {"c0"}


def test_the_seed_decides_among_equals() -> None:
    asked = numbered([(at, (float(at < 50),)) for at in range(100)])
    first, second = ({one[0] for one in run(asked, seed=seed)[0]} for seed in (1, 2))
    assert first != second
    assert len(first) == len(second)


def test_a_limit_is_met_exactly_and_in_balance() -> None:
    asked = biased(600, (0.4, 0.2), 5)
    kept, dropped = run(asked, most=200)
    assert len(kept) == 200
    assert max(strays(kept)) <= tolerance(200)
    assert {reason for _, reason in dropped} == {TOO_MANY}


def test_the_tolerance_is_two_points_for_large_sets_and_chance_for_small_ones() -> None:
    assert tolerance(50) == tolerance(20_000) == 0.02
    assert 0.12 < tolerance(49) < 0.13
    assert tolerance(1) > 0.75
