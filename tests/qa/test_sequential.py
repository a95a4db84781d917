"""Rules that end early, against whole grids, sums of binomials and the filter itself."""

from itertools import product
from math import comb
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.qa.sequential import (
    Odds,
    Stop,
    StopRule,
    even_rounds,
    kept_share,
    leaning_rounds,
    most_against,
    most_wrong,
    operating,
    repeated_counts,
    stop_rule,
)

GRID, LIMIT = 32, 11  # eight votes, at most 0.35 of them right
STOPS: tuple[Stop, ...] = ("likely", "certain", "never")

replies = st.sampled_from(["against", "for", "unparsed"])


@st.composite
def courses(draw: st.DrawFn) -> tuple[StopRule, list[str]]:
    grid = draw(st.sampled_from([1, 4, 8, 32]))
    limit = draw(st.integers(0, grid))
    weights = draw(st.sampled_from([["against", "for"], ["for", "unparsed"], ["against"]]))
    one = st.one_of(replies, st.sampled_from(weights))
    stop: Stop = draw(st.sampled_from(["certain", "likely"]))
    return stop_rule(grid, limit, stop), draw(st.lists(one, min_size=grid, max_size=grid))


def verdict(said: list[str], limit: int) -> str:
    if said.count("against") > limit:
        return "dropped"
    return "kept" if said.count("against") + said.count("unparsed") <= limit else "unclear"


def end(rule: StopRule, said: list[str]) -> int:
    """Return how many trials are asked one after the other."""
    for asked in range(rule.grid + 1):
        if rule.settled(said[:asked].count("against"), said[:asked].count("unparsed"), asked):
            return asked
    raise AssertionError("the whole grid settles a question")


@given(courses())
def test_a_certain_end_leaves_the_verdict_of_the_whole_grid(
    course: tuple[StopRule, list[str]],
) -> None:
    rule = stop_rule(course[0].grid, course[0].limit, "certain")
    asked = end(rule, course[1])
    whole = verdict(course[1], rule.limit)
    for rest in ("against", "for", "unparsed"):
        other = [*course[1][:asked], *[rest] * (rule.grid - asked)]
        assert verdict(other, rule.limit) == whole


@given(courses())
def test_a_certain_end_is_the_first_trial_that_settles_a_parsed_question(
    course: tuple[StopRule, list[str]],
) -> None:
    """Nothing is asked that could not change the verdict, after the first round."""
    rule = stop_rule(course[0].grid, course[0].limit, "certain")
    said = ["for" if one == "unparsed" else one for one in course[1]]
    asked = end(rule, said)
    before = said[: asked - 1]
    if asked > min(4, rule.grid):
        ends = {
            verdict([*before, *[rest] * (rule.grid - len(before))], rule.limit)
            for rest in ("against", "for")
        }
        assert len(ends) == 2


@given(courses())
def test_asking_several_at_once_asks_no_more_than_one_by_one(
    course: tuple[StopRule, list[str]],
) -> None:
    rule, said = course
    asked = 0
    while more := rule.ahead(said[:asked].count("against"), said[:asked].count("unparsed"), asked):
        asked += more
    assert asked == end(rule, said)


@given(courses())
def test_a_likely_end_never_contradicts_the_share_of_what_was_asked(
    course: tuple[StopRule, list[str]],
) -> None:
    rule, said = course
    asked = end(rule, said)
    against, unparsed = said[:asked].count("against"), said[:asked].count("unparsed")
    bound = rule.limit / rule.grid
    if against + unparsed <= rule.keep_at[asked]:
        assert (against + unparsed) / asked <= bound + 1e-12
    elif against >= rule.drop_at[asked]:
        assert against / asked > bound
    assert end(stop_rule(rule.grid, rule.limit, "never"), said) == rule.grid


def test_limits_are_those_of_the_rates() -> None:
    assert [most_against(grid, 0.35) for grid in (1, 4, 32)] == [0, 1, 11]
    assert [most_wrong(grid, 0.9) for grid in (1, 4, 32)] == [0, 0, 3]


def binomial(grid: int, limit: int, chance: float) -> float:
    return sum(comb(grid, k) * chance**k * (1 - chance) ** (grid - k) for k in range(limit + 1))


@pytest.mark.parametrize("chance", [0.0, 0.25, 0.6, 0.9, 1.0])
def test_the_curve_of_a_certain_end_is_the_binomial_sum_at_fewer_calls(chance: float) -> None:
    certain = operating(stop_rule(GRID, LIMIT, "certain"), even_rounds(GRID, chance))
    never = operating(stop_rule(GRID, LIMIT, "never"), even_rounds(GRID, chance))
    assert certain.kept == pytest.approx(binomial(GRID, LIMIT, chance))
    assert never.kept == pytest.approx(certain.kept)
    assert never.calls == pytest.approx(GRID)
    assert certain.calls < GRID


@pytest.mark.parametrize("stop", ["certain", "likely"])
def test_the_curve_is_the_sum_over_all_courses(stop: Stop) -> None:
    """Eight trials enumerated one by one."""
    rule = stop_rule(8, 2, stop, Odds(false_keep=0.2, false_drop=0.2))
    kept = calls = 0.0
    for course in product((True, False), repeat=8):
        said = ["against" if one else "for" for one in course]
        asked = end(rule, said)
        mass = 0.3 ** sum(course) * 0.7 ** (8 - sum(course))
        kept += mass * (said[:asked].count("against") <= rule.keep_at[asked])
        calls += mass * asked
    got = operating(rule, even_rounds(8, 0.3))
    assert got.kept == pytest.approx(kept)
    assert got.calls == pytest.approx(calls)


@pytest.mark.parametrize("stop", ["never", "certain", "likely"])
@pytest.mark.parametrize("votes", [8, 10])
def test_votes_enough_drop_what_is_guessed_and_keep_what_is_not(votes: int, stop: Stop) -> None:
    """The acceptance: under 1% of questions guessed at 0.6 kept, at least 90% at 0.25."""
    rule = stop_rule(4 * votes, most_against(4 * votes, 0.35), stop)
    assert operating(rule, even_rounds(rule.grid, 0.6)).kept < 0.01
    assert operating(rule, even_rounds(rule.grid, 0.25)).kept >= 0.9
    assert operating(rule, even_rounds(rule.grid, 0.9)).kept < 1e-6


def test_ten_votes_do_so_for_judges_that_lean_or_half_repeat_themselves() -> None:
    """16 of the 24 orders are asked twice; the other 8 once."""
    grid, limit = 40, most_against(40, 0.35)
    rule = stop_rule(grid, limit, "certain")
    for chance, least, most in ((0.25, 0.9, 1.0), (0.6, 0.0, 0.01)):
        assert least <= operating(rule, leaning_rounds(grid, chance, 0.1)).kept < most
        once, twice = (repeated_counts(8, 1, chance, 0.0), repeated_counts(16, 2, chance, 0.5))
        both = sum(
            mass * kept_share(once, limit - count)
            for count, mass in enumerate(twice)
            if count <= limit
        )
        assert least <= both < most


def test_a_likely_end_holds_for_judges_that_lean_or_half_repeat_themselves() -> None:
    """Votes on one order correlate 0.5; courses are drawn with a fixed seed."""
    rule = stop_rule(40, 14, "likely")
    assert operating(rule, leaning_rounds(40, 0.6, 0.1)).kept < 0.01
    assert operating(rule, leaning_rounds(40, 0.25, 0.1)).kept >= 0.9
    assert drawn_share(rule, 0.6, 20_000) < 0.0085  # the standard error is 0.0006
    assert drawn_share(rule, 0.25, 20_000) >= 0.905


def drawn_share(rule: StopRule, chance: float, courses: int) -> float:
    """Return the share kept when a second vote on an order is half the time the first again."""
    luck, kept = Random(7), 0
    for _ in range(courses):
        said: list[bool] = []
        while not rule.settled(sum(said), 0, len(said)):
            again = len(said) >= 24 and luck.random() < 0.5
            said.append(said[len(said) - 24] if again else luck.random() < chance)
        kept += sum(said) <= rule.keep_at[len(said)]
    return kept / courses


def test_a_likely_end_costs_far_fewer_calls_than_a_certain_one() -> None:
    likely, certain, never = (
        operating(stop_rule(40, 14, stop), even_rounds(40, 0.25)).calls for stop in STOPS
    )
    assert likely < 0.6 * never
    assert likely < certain < never == pytest.approx(40)


def test_one_sample_of_one_order_keeps_four_in_ten_of_what_is_guessed() -> None:
    paper = stop_rule(1, 0, "never")
    assert operating(paper, even_rounds(1, 0.6)).kept == pytest.approx(0.4)


def test_a_judge_that_leans_is_at_chance_when_it_always_leans() -> None:
    rule = stop_rule(GRID, LIMIT, "certain")
    always = operating(rule, leaning_rounds(GRID, 0.6, 1.0))
    assert always.kept == pytest.approx(1.0)  # right in one order of four, exactly
    never = operating(rule, leaning_rounds(GRID, 0.6, 0.0))
    assert never.kept == pytest.approx(binomial(GRID, LIMIT, 0.6))


def test_rounds_that_do_not_fill_the_grid_are_refused() -> None:
    with pytest.raises(ValueError, match="hold 8 trials, the grid 32"):
        operating(stop_rule(GRID, LIMIT, "certain"), even_rounds(8, 0.3))


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 4), st.integers(1, 5))
def test_correlated_votes_have_the_mean_and_the_spread_of_the_beta_binomial(
    chance: float, correlation: float, votes: int, orders: int
) -> None:
    counts = repeated_counts(orders, votes, chance, correlation)
    assert sum(counts) == pytest.approx(1)
    mean = sum(k * mass for k, mass in enumerate(counts))
    spread = sum((k - mean) ** 2 * mass for k, mass in enumerate(counts))
    one = votes * chance * (1 - chance) * (1 + (votes - 1) * correlation)
    assert mean == pytest.approx(orders * votes * chance, abs=1e-9)
    assert spread == pytest.approx(orders * one, abs=1e-9)


def test_repeats_at_temperature_zero_are_one_vote() -> None:
    once = kept_share(repeated_counts(24, 1, 0.6, 0.0), 9)
    assert kept_share(repeated_counts(24, 2, 0.6, 1.0), 18) == pytest.approx(once)
    assert kept_share(repeated_counts(24, 2, 0.6, 0.0), 18) < once / 10
