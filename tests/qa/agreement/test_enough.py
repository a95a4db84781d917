"""The learning curve equals the count over every subset of the answers."""

from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.qa.agreement.enough import chance_of_majority, learning_curve
from imagewikiqa.qa.agreement.votes import Votes, tally
from tests.qa.agreement.test_alpha import ANY_VOTES


def over_subsets(answers: str, target: str, k: int) -> Fraction:
    shares = []
    for subset in combinations(answers, k):
        counts = tally(subset)
        top = [letter for letter, count in counts.items() if count == max(counts.values())]
        shares.append(Fraction(target in top, len(top)))
    return sum(shares, Fraction(0)) / len(shares)


@given(st.text("ABCD-", min_size=1, max_size=8), st.sampled_from("ABCDX"), st.data())
def test_the_chance_is_that_over_all_subsets(
    answers: str, target: str, data: st.DataObject
) -> None:
    k = data.draw(st.integers(1, len(answers)))
    people = {str(at): letter for at, letter in enumerate(answers)}
    assert chance_of_majority(people, target, k) == over_subsets(answers, target, k)


@given(ANY_VOTES)
def test_one_answer_is_right_as_often_as_answers_are(votes: Votes) -> None:
    keys = dict.fromkeys(votes, "A")
    curve = learning_curve(votes, keys)
    if curve:
        shares = [tally(g.values())["A"] / len(g) for g in votes.values() if g]
        assert curve[0].right == pytest.approx(sum(shares) / len(shares))
    assert len(curve) == max((len(g) for g in votes.values()), default=0)


def test_all_answers_agree_with_their_own_majority() -> None:
    votes = {"u": dict(zip("abc", "AAB", strict=True)), "v": dict(zip("abc", "ABC", strict=True))}
    last = learning_curve(votes, {"u": "A", "v": "A"})[-1]
    assert (last.k, last.units, last.agreeing_units, last.agreeing) == (3, 2, 1, 1.0)
    assert last.right == pytest.approx((1 + 1 / 3) / 2)


def test_many_answers_are_counted_without_listing_subsets() -> None:
    people = {str(at): "ABCD-"[at % 5] for at in range(100)}
    assert chance_of_majority(people, "A", 50) == Fraction(1, 5)  # all five stand alike


@pytest.mark.parametrize("k", [0, 3])
def test_more_than_there_are_cannot_be_drawn(k: int) -> None:
    with pytest.raises(ValueError, match="cannot draw"):
        chance_of_majority({"a": "A", "b": "B"}, "A", k)
