"""Training that is killed and goes on, with other ranks and workers, reads what one run reads."""

import hashlib
import itertools
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.mixtures import Sample, load
from tests.mixtures.reader.made import make_mixture

torch = pytest.importorskip("torch", reason="needs torch")
from imagewikiqa.trainers.loader import Loader  # noqa: E402

pytestmark = [
    pytest.mark.faults,
    pytest.mark.timeout(600),
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),
]
COUNTS = (90, 7, 150, 1, 152)
BATCH = 4
Note = Callable[[str, object], None]
Step = dict[str, Any]
Start = dict[str, Any]


def keys_of(samples: list[Sample]) -> list[str]:
    return [one.key for one in samples]


def train(folder: Path, start: Start, tell: Connection) -> None:
    """Take the rest of an epoch, telling after each step what a checkpoint would hold.

    A model of one weight learns from numbers that stand for the samples.
    """
    loaders = []
    for rank in range(start["ranks"]):
        mixture = load(
            folder, cache=folder.parent / "cache", seed=8, rank=rank, ranks=start["ranks"]
        )
        if start["state"]:
            mixture.load_state_dict(start["state"])
        loaders.append(
            Loader(mixture, batch_size=BATCH, collate_fn=keys_of, num_workers=start["workers"])
        )
    weight = torch.tensor(start["weight"], dtype=torch.float64)
    for batches in zip(*loaders, strict=True):
        keys = [key for step in itertools.zip_longest(*batches) for key in step]
        target = torch.tensor([int(key[1:]) / 400 for key in keys], dtype=torch.float64)
        loss = ((weight.sin() - target) ** 2).mean()
        weight = weight - 0.1 * 2 * ((weight.sin() - target) * weight.cos()).mean()
        tell.send({
            "keys": keys, "loss": loss.item(), "weight": weight.item(),
            "states": [one.state_dict() for one in loaders],
        })  # fmt: skip
    tell.send(None)


@contextmanager
def training(folder: Path, start: Start) -> Iterator[Iterator[Step]]:
    """Yield the steps of a training process; kill -9 it at the end, wherever it stands."""
    context = multiprocessing.get_context("fork")
    hear, tell = context.Pipe(duplex=False)
    process = context.Process(target=train, args=(folder, start, tell))
    process.start()
    tell.close()
    yield iter(hear.recv, None)
    assert process.pid is not None
    workers = children(process.pid)
    os.kill(process.pid, signal.SIGKILL)  # its workers find out by themselves
    process.join()
    hear.close()
    assert not outlived(workers, 5)


def outlived(workers: set[int], seconds: float) -> set[int]:
    """Return which of these processes are there after so many seconds; none as soon as it can."""
    until = time.monotonic() + seconds
    while workers and time.monotonic() < until:
        workers = {one for one in workers if is_alive(one)}
        time.sleep(0.05)
    return workers


def is_alive(process: int) -> bool:
    try:
        words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return words[0] != "Z"
    except OSError:
        return False


def children(process: int) -> set[int]:
    """Return the processes that a process has started."""
    return {
        int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()
    }


def fingerprint(keys: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(keys).encode()).hexdigest()


def whole(folder: Path) -> list[Step]:
    """Return the steps of one that is left alone."""
    start = {"ranks": 1, "workers": 0, "state": None, "weight": 0.5}
    with training(folder, start) as steps:
        return list(steps)


@pytest.mark.parametrize("topology", ["any ranks", "one rank"])
def test_kills_change_neither_a_sample_nor_for_one_rank_a_loss(
    tmp_path: Path, topology: str, full_faults: bool, record_property: Note
) -> None:
    make_mixture(tmp_path / "m", COUNTS)
    chance, kills = random.Random(3), 20 if full_faults else 4
    start: Start = {"ranks": 1, "workers": 0, "state": None, "weight": 0.5}
    found = list[Step]()
    for attempt in range(kills + 1):
        last = attempt == kills
        start["workers"] = chance.randint(0, 4)
        start["ranks"] = chance.choice([1, 2, 4]) if topology == "any ranks" and not last else 1
        count = chance.randint(0, 90 // kills // start["ranks"])
        with training(tmp_path / "m", start) as steps:
            for step in itertools.islice(steps, None if last else count):
                assert all(one == step["states"][0] for one in step["states"])
                found.append(step)
                start["state"], start["weight"] = step["states"][0], step["weight"]
    alone = whole(tmp_path / "m")
    keys, expected = ([key for step in run for key in step["keys"]] for run in (found, alone))
    record_property("faults", f"{kills} kills, {len(keys)} samples, {topology}")
    assert fingerprint(keys) == fingerprint(expected)
    assert start["state"]["epoch"] == 1
    if topology == "one rank":
        assert [step["loss"] for step in found] == [step["loss"] for step in alone]


def hold(folder: Path, tell: Connection) -> None:
    """Take one batch and let the workers fill the pipe with the next."""
    mixture = load(folder, cache=folder.parent / "cache")
    batches = Loader(mixture, batch_size=8, collate_fn=list, num_workers=3)
    next(iter(batches))
    tell.send(sorted(children(os.getpid())))
    time.sleep(60)


def test_workers_whose_batches_nobody_takes_end_with_the_training(tmp_path: Path) -> None:
    make_mixture(tmp_path / "m", (64,), lambda number: bytes(50_000 + number))
    context = multiprocessing.get_context("fork")
    hear, tell = context.Pipe(duplex=False)
    process = context.Process(target=hold, args=(tmp_path / "m", tell))
    process.start()
    workers = set(hear.recv())
    time.sleep(0.5)
    process.kill()
    process.join()
    assert len(workers) == 3 and not outlived(workers, 5)


def test_the_same_with_webdataset_loses_samples_and_repeats_others(
    tmp_path: Path, record_property: Note
) -> None:
    webdataset = pytest.importorskip("webdataset", reason="needs webdataset")
    expected = make_mixture(tmp_path / "m", COUNTS)
    tars = sorted(map(str, (tmp_path / "m").glob("*.tar")))

    def read(workers: int, taken: int) -> list[str]:
        """Read what is left after so many batches, as one does who counts steps."""
        shards = webdataset.WebDataset(tars, shardshuffle=False)
        batches = torch.utils.data.DataLoader(
            shards, batch_size=BATCH, num_workers=workers,
            collate_fn=lambda samples: [one["__key__"] for one in samples],
        )  # fmt: skip
        return [key for batch in itertools.islice(batches, taken, None) for key in batch]

    assert read(0, 0) == expected
    first = read(2, 0)[: 40 * BATCH]
    found = first + read(3, 40)
    lost = len({*expected} - {*found})
    record_property("faults", f"{lost} of 400 lost, {len(found) - len({*found})} twice (control)")
    assert fingerprint(found) != fingerprint(read(2, 0))
    assert lost > 0
