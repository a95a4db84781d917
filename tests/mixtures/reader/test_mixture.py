"""The order of a mixture depends on seed and epoch alone: not on workers, ranks, kills."""

import copy
import hashlib
import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures import Mixture, Sample, load
from imagewikiqa.mixtures.reader import shards
from imagewikiqa.mixtures.reader.mixture import Tail
from imagewikiqa.mixtures.reader.order import Shuffle
from imagewikiqa.mixtures.records import ShardFile, ShardSample
from imagewikiqa.mixtures.shards.write import write_manifest, write_shard
from tests.mixtures.reader.made import make_mixture, pixels

TAILS: tuple[Tail, ...] = ("drop", "pad")
COUNTS = (17, 1, 40, 5, 33)
N = sum(COUNTS)
Open = Callable[..., Mixture]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("made")
    make_mixture(place / "mixture", COUNTS)
    return place / "mixture"


@pytest.fixture(scope="module")
def opened(folder: Path) -> Open:
    return partial(load, folder, cache=folder.parent / "cache")


def ids(samples: Iterable[Sample]) -> list[str]:
    return [str(sample.record["id"]) for sample in samples]


def fingerprint(names: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def in_turn(parts: Sequence[Sequence[str]]) -> list[str]:
    """Take a sample of each rank in turn: what they read together."""
    return list(chain.from_iterable(zip(*parts, strict=True)))


def test_samples_come_back_as_they_were_written(opened: Open) -> None:
    for sample in opened(seed=5):
        number = int(sample.key[1:])
        assert sample.files == ({"jpg": pixels(number)} if number % 3 else {})
        assert sample.record == {"id": sample.key, "source": "made", "conversations": []}


def test_what_the_writer_wrote_is_read(tmp_path: Path) -> None:
    plan, names = "0" * 64, ["mix-000000.tar", "mix-000001.tar"]
    files = (
        ShardFile(extension="webp", content=b"RIFF"),
        ShardFile(extension="json", content=b'{"id": "a"}'),
    )
    write_shard(tmp_path / "m", names[0], [ShardSample(key="a", files=files)], plan)
    write_shard(tmp_path / "m", names[1], [ShardSample(key="b", files=files[1:])], plan)
    write_manifest(tmp_path / "m", names, plan)
    assert list(load(tmp_path / "m", cache=tmp_path / "c", shuffle=False, check="sample")) == [
        Sample(key="a", files={"webp": b"RIFF"}, record={"id": "a"}),
        Sample(key="b", files={}, record={"id": "a"}),
    ]


def test_the_order_is_that_of_the_plain_list_shuffled(opened: Open) -> None:
    keys = [f"k{number:06d}" for number in range(N)]
    assert ids(opened(shuffle=False)) == keys
    for epoch in range(3):
        assert ids(opened(seed=3, epoch=epoch)) == [
            keys[i] for i in map(Shuffle(N, 3, epoch), range(N))
        ]


def test_an_epoch_follows_the_other(opened: Open) -> None:
    mixture = opened(seed=1)
    twice = ids(mixture) + ids(mixture)
    assert twice == ids(opened(seed=1)) + ids(opened(seed=1, epoch=1))
    assert mixture.epoch == 2


@pytest.mark.parametrize("ranks", [1, 2, 4])
def test_ranks_leave_the_order_as_it_is(opened: Open, ranks: int) -> None:
    parts = [ids(opened(seed=2, rank=rank, ranks=ranks)) for rank in range(ranks)]
    whole = ids(opened(seed=2))[: N - N % ranks]
    assert fingerprint(in_turn(parts)) == fingerprint(whole)


def test_numbers_are_those_of_the_samples_to_come(opened: Open) -> None:
    for rank in range(3):
        mixture = opened(seed=2, rank=rank, ranks=3)
        mixture.advance(5)
        ahead = list(mixture.numbers())  # a loader reads ahead of what is used
        assert mixture.state_dict()["place"] == 15
        assert [mixture.read(number) for number in ahead] == list(mixture)


def test_twenty_kills_with_other_ranks_leave_the_order_as_it_is(opened: Open) -> None:
    chance = random.Random(6)
    found: list[str] = []
    state: dict[str, Any] = opened(seed=4).state_dict()
    for _ in range(20):
        ranks, steps = chance.choice([1, 2, 4]), chance.randint(0, 3)
        states, parts = [], []
        for rank in range(ranks):
            mixture = opened(seed=4, rank=rank, ranks=ranks)
            mixture.load_state_dict(json.loads(json.dumps(state)))
            parts.append(ids(islice(mixture, steps)))
            states.append(mixture.state_dict())
        assert all(one == states[0] for one in states)
        found += in_turn(parts)
        state = states[0]
    last = opened(seed=4)
    last.load_state_dict(state)
    assert 40 < len(found) < N - 8
    assert fingerprint(found + ids(last)) == fingerprint(ids(opened(seed=4)))


@given(
    counts=st.lists(st.integers(1, 4), min_size=1, max_size=64), ranks=st.integers(1, 8),
    tail=st.sampled_from(TAILS), taken=st.integers(0, 40), before=st.integers(1, 8),
)  # fmt: skip
def test_every_rank_has_the_same_steps(
    tmp_path_factory: pytest.TempPathFactory,
    counts: list[int], ranks: int, tail: Tail, taken: int, before: int,
) -> None:  # fmt: skip
    place = made_once(tmp_path_factory, tuple(counts))
    count = sum(counts)
    begin = partial(load, place, cache=place.parent / "cache", tail=tail)
    if tail == "drop" and count < max(ranks, before):
        with pytest.raises(ToolkitError, match="use fewer ranks"):
            begin(ranks=max(ranks, before))
        return
    earlier = begin(ranks=before)
    list(islice(earlier, min(taken, len(earlier) - 1)))
    state = earlier.state_dict()
    parts = [begin(rank=rank, ranks=ranks) for rank in range(ranks)]
    for part in parts:
        part.load_state_dict(state)
    assert len({len(part) for part in parts}) == 1
    steps, left = len(parts[0]), count - parts[0].state_dict()["place"]
    found = [ids(part) for part in parts]
    assert {len(one) for one in found} == {steps}
    assert steps == (left // ranks if tail == "drop" else -(-left // ranks))
    assert all(part.state_dict() == {**state, "epoch": part.epoch, "place": 0} for part in parts)


_made: dict[tuple[int, ...], Path] = {}


def made_once(factory: pytest.TempPathFactory, counts: tuple[int, ...]) -> Path:
    if counts not in _made:
        _made[counts] = factory.mktemp("uneven") / "mixture"
        make_mixture(_made[counts], counts)
    return _made[counts]


def test_padding_reads_the_beginning_again(opened: Open) -> None:
    whole = ids(opened())
    parts = [ids(opened(rank=rank, ranks=5, tail="pad")) for rank in range(5)]
    assert in_turn(parts) == whole + whole[: -N % 5]


def test_a_state_is_small(opened: Open) -> None:
    mixture = opened(seed=2**63, epoch=10**6)
    mixture.advance(N - 1)
    assert len(json.dumps(mixture.state_dict())) < 200


def test_the_last_sample_leads_to_the_next_epoch(opened: Open) -> None:
    mixture = opened()
    assert len(list(islice(mixture, N))) == N
    assert (mixture.state_dict()["epoch"], mixture.state_dict()["place"]) == (1, 0)
    other = opened(ranks=4)  # the three that are left are too few for it
    mixture = opened()
    mixture.advance(N - 3)
    other.load_state_dict(mixture.state_dict())
    assert (other.epoch, len(other)) == (1, N // 4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 1}, "of seed 1"),
        ({"shuffle": False}, "of shuffle False"),
        ({"mixture": "0" * 16}, "of mixture 0000"),
        ({"place": N}, "stands at 96 of 96"),
        ({"place": -1}, "no state"),
        ({"version": 2}, "no state"),
        ({"more": 1}, "no state"),
    ],
)
def test_a_state_of_something_else_is_refused(
    opened: Open, change: dict[str, Any], said: str
) -> None:
    mixture = opened()
    with pytest.raises(ToolkitError, match=said):
        mixture.load_state_dict({**mixture.state_dict(), **change})


def test_what_makes_no_sense_is_refused(opened: Open) -> None:
    for options in ({"rank": 2, "ranks": 2}, {"check": "none"}, {"tail": "cut"}, {"epoch": -1}):
        with pytest.raises(ToolkitError):
            opened(**options)
    mixture = opened()
    with pytest.raises(ToolkitError, match="more than the 96"):
        mixture.advance(N + 1)


def test_a_copy_stands_at_the_same_place_with_files_of_its_own(opened: Open) -> None:
    mixture = opened(seed=9)  # a worker process gets such a copy
    mixture.advance(10)
    assert ids(copy.copy(mixture)) == ids(mixture)


def test_resuming_takes_a_moment(folder: Path, opened: Open) -> None:
    state = opened().state_dict() | {"place": 50}
    taken = []
    for _ in range(5):
        began = time.perf_counter()
        mixture = opened()
        mixture.load_state_dict(state)
        next(iter(mixture))
        taken.append(time.perf_counter() - began)
    assert min(taken) < 0.05


def test_shards_that_are_opened_again_are_not_checked_again(
    opened: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = list[str]()
    monkeypatch.setattr(shards, "_OPEN_AT_ONCE", 1)
    monkeypatch.setattr(shards, "check_receipt", lambda _, name, __: checked.append(name))
    mixture = opened()
    assert len(list(mixture)) == N and len(list(mixture)) == N
    assert len(checked) == len({*checked}) == len(COUNTS)


def test_reading_loads_nothing_heavy() -> None:
    heavy = ("torch", "numpy", "PIL", "datasets", "webdataset")
    code = f"import sys, imagewikiqa.mixtures; print([m for m in {heavy} if m in sys.modules])"
    command = [sys.executable, "-c", code]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
