"""Hashes of a column are those of its names one by one."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.digests import keyed_int
from imagewikiqa.mixtures.keyed import keyed_ints, sample_ids
from imagewikiqa.mixtures.sources.protocol import sample_id

NAMES = st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=8)
KEY = st.one_of(st.integers(), st.text(st.characters(exclude_categories=["Cs"])))


@given(NAMES, st.lists(KEY, max_size=3), st.lists(KEY, max_size=2))
def test_the_hashes_of_a_column_are_those_of_the_slow_reference(
    names: list[str], before: list[str | int], after: list[str | int]
) -> None:
    found = keyed_ints(*before, names=pa.array(names, pa.string()), after=tuple(after))
    assert found.dtype == np.uint64
    assert found.tolist() == [keyed_int(*before, name, *after) for name in names]


@given(NAMES)
def test_the_ids_of_a_column_are_those_of_its_samples(names: list[str]) -> None:
    found = sample_ids("birds", "caption@0", pa.array(names, pa.string()))
    assert [one.hex() for one in found.to_pylist()] == [
        sample_id("birds", name, "caption@0") for name in names
    ]


def test_more_names_than_are_taken_at_once_keep_their_order() -> None:
    names = pa.array([str(n) for n in range(70_000)])
    found = keyed_ints(1, names=names)
    assert found[65_536] == keyed_int(1, "65536") and found[0] == keyed_int(1, "0")
    assert len(found) == 70_000
