"""Identity and order come from canonical JSON and keyed hashes alone."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.digests import (
    canonical_json,
    digest,
    file_digest,
    keyed_choice,
    keyed_int,
    keyed_order,
    text_digest,
)
from imagewikiqa.core.records import ImageRef

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT
VALUES = st.recursive(
    SCALARS.filter(lambda value: value not in (float("inf"), float("-inf"))),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


@given(VALUES)
def test_canonical_json_says_the_value_and_nothing_else(value: object) -> None:
    text = canonical_json(value)
    assert json.loads(text) == value
    assert canonical_json(json.loads(text)) == text


@given(st.dictionaries(TEXT, st.integers(), min_size=2))
def test_the_order_of_keys_does_not_matter(value: dict[str, int]) -> None:
    backwards = dict(reversed(value.items()))
    assert canonical_json(value) == canonical_json(backwards)
    assert digest(value) == digest(backwards)


def test_canonical_json_is_compact_and_keeps_its_letters() -> None:
    assert canonical_json({"b": [1, 2.5], "a": "naïve 学"}) == '{"a":"naïve 学","b":[1,2.5]}'


def test_a_record_has_the_digest_of_its_fields() -> None:
    record = ImageRef(id="a.jpg", class_id="n1")
    assert digest(record) == digest({"class_id": "n1", "sha256": None, "id": "a.jpg"})
    assert digest(record) != digest(ImageRef(id="a.jpg", class_id="n2"))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), [float("-inf")]])
def test_numbers_that_json_cannot_say_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        canonical_json(value)


def test_digests_are_sha256(tmp_path: Path) -> None:
    path = tmp_path / "big"
    data = bytes(range(256)) * 5000
    path.write_bytes(data)
    assert file_digest(path) == hashlib.sha256(data).hexdigest()
    assert text_digest("é") == hashlib.sha256("é".encode()).hexdigest()
    assert digest("é") == hashlib.sha256('"é"'.encode()).hexdigest()


def test_keyed_hashes_are_the_same_in_every_process() -> None:
    code = "from imagewikiqa.core.digests import keyed_int; print(keyed_int('order', 7, 'é'))"
    answers = {
        subprocess.run(
            [sys.executable, "-X", "utf8", "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout.strip()
        for seed in ("1", "2")
    }
    # blake2b (8 bytes) of the JSON list: pinned, because published ids and orders rest on it
    pinned = hashlib.blake2b('["order", 7, "é"]'.encode(), digest_size=8).digest()
    assert answers == {str(int.from_bytes(pinned, "big"))}


def test_keys_do_not_run_together() -> None:
    keys: list[tuple[str | int, ...]] = [("ab", "c"), ("a", "bc"), ("abc",), (1,), ("1",), ()]
    assert len({keyed_int(*key) for key in keys}) == len(keys)


def test_a_keyed_choice_reaches_every_option() -> None:
    options = ("a", "b", "c", "d")
    picks = [keyed_choice(options, "seed", number) for number in range(4000)]
    assert all(850 < picks.count(option) < 1150 for option in options)  # 1000, sd 27
    assert picks == [keyed_choice(options, "seed", number) for number in range(4000)]
    with pytest.raises(IndexError, match="no options"):
        keyed_choice((), "seed")


@given(st.sets(TEXT, max_size=12), st.integers(), TEXT)
def test_a_keyed_order_stays_put_when_others_join(names: set[str], seed: int, joins: str) -> None:
    before = keyed_order(sorted(names), str, seed)
    after = keyed_order(sorted(names | {joins}, reverse=True), str, seed)
    assert sorted(before) == sorted(names)
    assert [name for name in after if name in names] == before


def test_another_seed_is_another_order() -> None:
    names = [f"n{number:02}" for number in range(20)]
    orders = {tuple(keyed_order(names, str, seed)) for seed in range(10)}
    assert len(orders) == 10
