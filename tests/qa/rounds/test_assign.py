"""Every question gets as many raters as asked; loads are equal and every pair meets."""

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.qa.rounds.assign import assign


@given(st.integers(0, 60), st.integers(1, 7), st.data())
def test_loads_differ_by_one_at_most(questions: int, raters: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(1, raters))
    names = [f"r{at}" for at in range(raters)]
    given_ = assign([f"q{at}" for at in range(questions)], names, overlap, seed=3)
    assert all(len(set(who)) == overlap for who in given_.values())
    load = Counter({name: 0 for name in names})
    load.update(name for who in given_.values() for name in who)
    assert max(load.values()) - min(load.values()) <= 1


def test_every_pair_of_raters_shares_questions() -> None:
    names = ["a", "b", "c", "d"]
    given_ = assign([f"q{at}" for at in range(200)], names, 3)
    met = Counter(pair for who in given_.values() for pair in combinations(sorted(who), 2))
    assert len(met) == 6 and max(met.values()) - min(met.values()) <= 6


def test_the_assignment_is_decided_by_the_seed_alone() -> None:
    questions = [f"q{at}" for at in range(20)]
    assert assign(questions, ["a", "b", "c"], 2, 1) == assign(questions, ["a", "b", "c"], 2, 1)
    assert assign(questions, ["a", "b", "c"], 2, 1) != assign(questions, ["a", "b", "c"], 2, 2)


@pytest.mark.parametrize("overlap", [0, 4])
def test_more_raters_than_there_are_cannot_be_asked(overlap: int) -> None:
    with pytest.raises(ValueError, match="overlap"):
        assign(["q"], ["a", "b", "c"], overlap)
