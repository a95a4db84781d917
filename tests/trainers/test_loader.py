"""Batches are the same for any workers and ranks, go on where they stopped, and never hang."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import chain, islice
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures import Mixture, Sample, load
from tests.conftest import REPO
from tests.mixtures.reader.made import make_mixture, sample_members, vouch, write_tar

torch = pytest.importorskip("torch", reason="needs torch")
from imagewikiqa.trainers.loader import Loader  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")
COUNTS = (20, 3, 18)
N = sum(COUNTS)
Open = Callable[..., Mixture]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    make_mixture(folder / "m", COUNTS)
    return folder


@pytest.fixture(scope="module")
def opened(place: Path) -> Open:
    return lambda **how: load(place / "m", cache=place / "cache", **how)


def keys_of(samples: list[Sample]) -> list[str]:
    return [sample.key for sample in samples]


def loader(mixture: Mixture, workers: int = 0, batch: int = 4, **how: Any) -> Loader[list[str]]:
    return Loader(mixture, batch_size=batch, collate_fn=keys_of, num_workers=workers, **how)


def chunks(keys: list[str], size: int = 4) -> list[list[str]]:
    return [keys[begin : begin + size] for begin in range(0, len(keys), size)]


def epochs(opened: Open, count: int, **how: Any) -> list[list[list[str]]]:
    """Return what batches must be: the mixture's own order, cut."""
    return [chunks([one.key for one in opened(epoch=epoch, **how)]) for epoch in range(count)]


@pytest.mark.parametrize("workers", [0, 1, 2, 3, 4])
def test_batches_are_the_mixtures_order_for_any_workers(opened: Open, workers: int) -> None:
    batches = loader(opened(seed=2), workers)
    assert [list(batches) for _ in range(3)] == epochs(opened, 3, seed=2)
    assert (batches.epoch, len(batches)) == (3, 11)


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_batches_are_the_same_however_workers_start(opened: Open, start: str) -> None:
    batches = loader(opened(), 2, multiprocessing_context=start, prefetch_factor=3)
    assert [list(batches) for _ in range(2)] == epochs(opened, 2)


@pytest.mark.parametrize("tail", ["drop", "pad"])
def test_ranks_have_batches_of_equal_sizes(opened: Open, tail: str) -> None:
    parts = [list(loader(opened(rank=rank, ranks=4, tail=tail), 2)) for rank in range(4)]
    sizes = [[len(batch) for batch in part] for part in parts]
    assert sizes == [[4, 4, 2] if tail == "drop" else [4, 4, 3]] * 4


@pytest.mark.parametrize(("before", "after"), [(0, 3), (3, 0), (2, 4), (4, 2)])
def test_a_state_counts_what_was_handed_out(opened: Open, before: int, after: int) -> None:
    first = loader(opened(), before)
    batches = iter(first)
    seen = list(islice(batches, 4))  # the workers have read ahead by now
    state = json.loads(json.dumps(first.state_dict()))
    assert state["place"] == 16
    then = loader(opened(), after)
    then.load_state_dict(state)
    assert len(then) == len(first) == 7
    assert [seen + list(then), list(then)] == epochs(opened, 2)


def test_other_ranks_and_batches_go_on_where_the_first_stopped(opened: Open) -> None:
    whole = list(chain.from_iterable(epochs(opened, 1)[0]))
    first = [loader(opened(rank=rank, ranks=3), 2) for rank in range(3)]
    seen = [list(islice(one, 2)) for one in first]
    done = [name for step in zip(*map(chain.from_iterable, seen), strict=True) for name in step]
    assert done == whole[:24] and first[0].state_dict() == first[2].state_dict()
    then = loader(opened(), 1, batch=5)
    then.load_state_dict(first[1].state_dict())
    assert list(then) == chunks(whole[24:], 5)


def test_a_loop_that_was_left_goes_on_with_the_same_workers(opened: Open) -> None:
    batches = loader(opened(), 2)
    seen = list(islice(batches, 3)) + list(islice(batches, 2)) + list(batches)
    assert seen == epochs(opened, 1)[0]


def test_a_new_iteration_ends_the_one_before(opened: Open) -> None:
    batches = loader(opened(), 2)
    old = iter(batches)
    seen = list(islice(old, 3))
    new = iter(batches)
    seen.append(next(new))
    with pytest.raises(ToolkitError, match="went elsewhere"):
        next(old)
    assert seen + list(new) == epochs(opened, 1)[0]
    new = iter(batches)
    next(new)
    batches.load_state_dict(opened().state_dict())
    with pytest.raises(ToolkitError, match="went elsewhere"):
        next(new)


@pytest.mark.parametrize("workers", [0, 2])
def test_the_short_last_batch_may_be_left_out(opened: Open, workers: int) -> None:
    batches = loader(opened(), workers, drop_last=True)
    assert len(batches) == 10
    assert [list(batches) for _ in range(2)] == [one[:-1] for one in epochs(opened, 2)]
    other = loader(opened(), workers, batch=6, drop_last=True)
    other.load_state_dict(opened().state_dict() | {"place": 38})  # three are left
    assert (other.epoch, len(other)) == (1, 6)
    with pytest.raises(ToolkitError, match="41 samples in an epoch, fewer than a batch of 42"):
        loader(opened(), workers, batch=42, drop_last=True)


@pytest.mark.parametrize("tail", ["drop", "pad"])
def test_fewer_samples_than_the_workers_have_room_for(tmp_path: Path, tail: Any) -> None:
    make_mixture(tmp_path / "m", (2, 3))
    mixture = load(tmp_path / "m", cache=tmp_path / "c", tail=tail)
    batches = loader(mixture, 4)
    assert [[len(one) for one in batches] for _ in range(2)] == [[4, 1]] * 2


def test_samples_of_text_alone_make_batches(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    samples = [sample_members(f"t{number}") for number in range(9)]
    vouch(folder, [write_tar(folder / "made-000000.tar", samples)])
    batches = Loader(
        load(folder, cache=tmp_path / "c"), batch_size=2, collate_fn=list, num_workers=2
    )
    found = list(chain.from_iterable(batches))
    assert sorted(one.key for one in found) == [f"t{number}" for number in range(9)]
    assert all(one.files == {} and one.record["source"] == "made" for one in found)


def tensor_of(samples: list[Sample]) -> Any:
    return torch.tensor([int(sample.key[1:]) for sample in samples])


def test_tensors_come_out_of_workers_and_torchs_chance_is_left_alone(opened: Open) -> None:
    before = torch.get_rng_state()
    batches = Loader(opened(shuffle=False), batch_size=N, collate_fn=tensor_of, num_workers=1)
    assert torch.equal(next(iter(batches)), torch.arange(N))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("workers", [0, 2])
def test_a_bad_shard_is_one_sentence_and_is_never_passed_over(tmp_path: Path, workers: int) -> None:
    names = make_mixture(tmp_path / "m", COUNTS)
    shard = tmp_path / "m" / "made-000001.tar"
    content = bytearray(shard.read_bytes())
    content[600] ^= 1
    shard.write_bytes(content)
    batches = loader(load(tmp_path / "m", cache=tmp_path / "c"), workers)
    seen = list[str]()
    for _ in range(2):  # who asks again is refused again
        with pytest.raises(ToolkitError) as caught:
            seen += chain.from_iterable(batches)
    said = str(caught.value)
    assert "made-000001.tar holds other bytes" in said and "\n" not in said
    assert not {*names[20:23]} & {*seen} and batches.state_dict()["place"] == len(seen)


def broken(samples: list[Sample]) -> list[str]:
    if any(sample.key == "k000007" for sample in samples):
        raise RuntimeError("of the user's own")
    return keys_of(samples)


@pytest.mark.parametrize("workers", [0, 2])
def test_an_error_of_collate_fn_keeps_its_kind_and_its_words(opened: Open, workers: int) -> None:
    batches = Loader(opened(shuffle=False), batch_size=4, collate_fn=broken, num_workers=workers)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="of the user's own"):
            list(batches)
    assert batches.state_dict()["place"] == 4


def dying(samples: list[Sample]) -> list[str]:
    mark = Path(os.environ["KILL_ONCE"])
    if any(sample.key == "k000017" for sample in samples) and mark.exists():
        mark.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return keys_of(samples)


def test_a_killed_worker_is_a_sentence_and_costs_no_sample(
    opened: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mark").touch()
    monkeypatch.setenv("KILL_ONCE", str(tmp_path / "mark"))
    batches = Loader(opened(shuffle=False), batch_size=4, collate_fn=dying, num_workers=3)
    seen, began = list[list[str]](), time.monotonic()
    with pytest.raises(ToolkitError, match="ended early: use fewer workers"):
        for batch in batches:
            seen.append(batch)
    assert len(seen) <= 4
    assert [seen + list(batches), list(batches)] == epochs(opened, 2, shuffle=False)
    assert time.monotonic() - began < 5


TRAINING = """
import sys, time
from pathlib import Path
from imagewikiqa.mixtures import load
from imagewikiqa.trainers.loader import Loader
mixture = load(sys.argv[1], cache=Path(sys.argv[2]))
batches = Loader(mixture, batch_size=2, collate_fn=len, num_workers=3)
for step, _ in enumerate(batches):
    print([one.pid for one in __import__("multiprocessing").active_children()], flush=True)
    time.sleep(60 if step == 2 else 0)
"""


def test_an_interrupt_ends_training_and_its_workers_without_their_tracebacks(place: Path) -> None:
    command = [sys.executable, "-c", TRAINING, str(place / "m"), str(place / "cache")]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=REPO,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    workers = [json.loads(process.stdout.readline()) for _ in range(3)][-1]
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, errors = process.communicate(timeout=20)
    assert process.returncode == -signal.SIGINT
    assert errors.count("Traceback") == 1 and errors.strip().endswith("KeyboardInterrupt")
    assert len(workers) == 3 and not any(Path(f"/proc/{pid}").exists() for pid in workers)


@pytest.mark.parametrize("how", [{"batch": 0}, {"workers": -1}])
def test_numbers_that_make_no_sense_are_refused(opened: Open, how: dict[str, int]) -> None:
    with pytest.raises(ToolkitError, match="not possible"):
        loader(opened(), **how)


def test_a_state_of_something_else_is_refused(opened: Open) -> None:
    with pytest.raises(ToolkitError, match="of seed 1"):
        loader(opened()).load_state_dict(opened(seed=1).state_dict())


def test_distributed_checkpoints_take_it_as_it_is(opened: Open) -> None:
    from torch.distributed.checkpoint.stateful import Stateful

    assert isinstance(loader(opened()), Stateful)
