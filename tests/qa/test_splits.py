"""Splits: by class, stable, near their shares, letters balanced inside each."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.cli.settings import resolve
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.qa.assemble import AssembleSettings, arrange, make_items
from imagewikiqa.qa.export import upstream_rows
from imagewikiqa.qa.splits import split_of
from tests.qa.test_select import draft, judged

SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}


@given(st.text(), st.integers(0, 5))
def test_a_class_stays_where_it_is(class_id: str, seed: int) -> None:
    assert split_of(class_id, SHARES, seed) in SHARES
    assert split_of(class_id, {"all": 1.0}, seed) == "all"
    assert split_of(class_id, {}, seed) is None


def test_the_shares_hold_over_many_classes() -> None:
    found = Counter(split_of(f"n{at:08}", SHARES, 0) for at in range(20_000))
    assert {name: count / 20_000 for name, count in found.items()} == pytest.approx(
        SHARES, abs=0.01
    )


def test_letters_are_balanced_inside_each_split_and_no_class_is_in_two() -> None:
    drafts = [draft(at, f"c{at % 60}") for at in range(301)]
    how = AssembleSettings(splits={"train": 0.5, "test": 0.5})
    made = arrange(drafts, judged(drafts), {one.id: {} for one in drafts}, how, {})
    for name in how.splits:
        letters = Counter(one.answer for one in made if one.split == name)
        assert max(letters.values()) - min(letters.values()) <= 1
    where = {(one.class_id, one.split) for one in made}
    assert len(where) == len({one.class_id for one in made}) == 60
    items, _ = make_items(made, None, how)
    assert [one.split for one in items] == [one.split for one in made]
    assert [row["split"] for row in upstream_rows(made, items)] == [one.split for one in made]

    fewer = [one for one in drafts if one.class_id != "c7"]
    again = arrange(fewer, judged(fewer), {one.id: {} for one in fewer}, how, {})
    assert {(one.class_id, one.split) for one in again} == {w for w in where if w[0] != "c7"}


def test_a_set_without_splits_says_nothing_of_them() -> None:
    drafts = [draft(at, f"c{at}") for at in range(4)]
    how = AssembleSettings()
    made = arrange(drafts, judged(drafts), {one.id: {} for one in drafts}, how, {})
    items, _ = make_items(made, None, how)
    assert {one.split for one in made} == {None}
    assert not any("split" in row for row in upstream_rows(made, items))


def test_splits_are_read_from_one_text() -> None:
    assert resolve(None, [], {"splits": "train=0.8, val=0.1,test=0.1"}).splits == SHARES


@pytest.mark.parametrize("bad", ["train=0.8", "train=0.5,Test=0.5", "a=2,b=-1", "a=x"])
def test_splits_that_cannot_be_are_refused(bad: str, tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match="splits"):
        resolve(None, [], {"splits": bad})
