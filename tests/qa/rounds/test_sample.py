"""A sample mirrors the set, holds disputed questions first, and grows without losing any."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.qa.rounds.sample import allocate, sample
from tests.qa.rounds.made import subject


def test_all_is_asked_without_a_count() -> None:
    subjects = [subject(at) for at in range(5)]
    assert {one.id for one in sample(subjects, None)} == {one.id for one in subjects}


def test_disputed_questions_come_first_and_are_never_left_out_for_others() -> None:
    subjects = [subject(at) for at in range(20)]
    subjects += [subject(at, origin="disputed") for at in range(20, 24)]
    chosen = sample(subjects, 6)
    assert [one.origin for one in chosen] == ["disputed"] * 4 + ["set"] * 2


def test_more_disputed_questions_than_asked_for_fill_the_sample() -> None:
    subjects = [subject(at, origin="disputed") for at in range(9)] + [subject(20)]
    assert [one.origin for one in sample(subjects, 5)] == ["disputed"] * 5


def test_families_keep_their_shares() -> None:
    subjects = [subject(at, family="dog" if at < 30 else "bird") for at in range(40)]
    found = Counter(one.family for one in sample(subjects, 8, by="family"))
    assert found == {"dog": 6, "bird": 2}


@given(st.integers(1, 30), st.integers(1, 30), st.integers(0, 5))
def test_a_larger_sample_keeps_a_smaller_one(a: int, b: int, seed: int) -> None:
    subjects = [subject(at) for at in range(30)]
    small, large = sorted((a, b))
    kept = {one.id for one in sample(subjects, small, seed=seed)}
    assert kept <= {one.id for one in sample(subjects, large, seed=seed)}


@given(st.dictionaries(st.text(max_size=3), st.integers(0, 50), min_size=1), st.integers(0, 200))
def test_every_stratum_gets_its_exact_share_up_or_down(sizes: dict[str, int], count: int) -> None:
    total = sum(sizes.values())
    shares = allocate(sizes, count)
    assert sum(shares.values()) == min(count, total)
    for name, size in sizes.items():
        assert 0 <= shares[name] <= size
        if count < total:
            assert abs(shares[name] - count * size / total) < 1


@given(st.permutations(range(12)), st.integers(1, 12))
def test_the_order_of_the_set_decides_nothing(order: list[int], count: int) -> None:
    subjects = [subject(at, family=str(at % 3)) for at in range(12)]
    moved = [subjects[at] for at in order]
    ids = [one.id for one in sample(subjects, count, by="family")]
    assert [one.id for one in sample(moved, count, by="family")] == ids
