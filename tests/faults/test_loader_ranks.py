"""Ranks that train together take the same number of steps, or none of them takes the first.

Real processes, joined by torch.distributed, add up one number at each step: where one rank had a
step less, the others would wait for it until the group's patience ends.
"""

import json
import multiprocessing
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.core.digests import keyed_int
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures import Sample, load
from imagewikiqa.mixtures.reader.mixture import Tail
from tests.mixtures.reader.made import make_mixture

torch = pytest.importorskip("torch", reason="needs torch")
from imagewikiqa.trainers.loader import Loader  # noqa: E402

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]
PATIENCE = 30  # seconds that a rank waits for the others
Note = Callable[[str, object], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A mixture, how it is shared, and where all begin."""

    folder: Path
    counts: tuple[int, ...]  # samples of each shard
    ranks: int
    workers: int
    batch_size: int
    tail: Tail
    drop_last: bool
    place: int  # samples of the epoch that an earlier run has used

    def loader(self, rank: int) -> Loader[list[str]]:
        mixture = load(
            self.folder, cache=self.folder.parent / "cache", rank=rank, ranks=self.ranks,
            tail=self.tail,
        )  # fmt: skip
        mixture.load_state_dict(mixture.state_dict() | {"place": self.place})
        return Loader(
            mixture, batch_size=self.batch_size, collate_fn=keys_of, num_workers=self.workers,
            drop_last=self.drop_last,
        )  # fmt: skip


def keys_of(samples: list[Sample]) -> list[str]:
    return [one.key for one in samples]


def made(folder: Path, number: int, most: int) -> Case:
    """Return a case decided by its number: 1 to 64 shards of 1 to 4 samples, up to `most` ranks."""

    def draw(what: str, count: int) -> int:
        return keyed_int("case", what, number) % count

    shards = 1 + draw("shards", 64 if number % 2 else 4)
    counts = tuple(1 + draw(f"samples {shard}", 4) for shard in range(shards))
    make_mixture(folder / "m", counts)
    return Case(
        folder=folder / "m", counts=counts, ranks=1 + draw("ranks", most),
        workers=draw("workers", 3), batch_size=1 + draw("batch", 7),
        tail=("drop", "pad")[draw("tail", 2)], drop_last=draw("last", 4) == 0,
        place=draw("place", sum(counts)),
    )  # fmt: skip


def ours(case: Case, rank: int) -> Iterator[list[str]]:
    """Yield the batches of a rank."""
    return iter(case.loader(rank))


def of_webdataset(case: Case, rank: int) -> Iterator[list[str]]:
    """Yield the batches of a rank as webdataset shares shards among ranks: the control."""
    import webdataset

    tars = sorted(map(str, case.folder.glob("*.tar")))
    samples = webdataset.WebDataset(
        tars, shardshuffle=False, nodesplitter=webdataset.split_by_node
    )  # it asks torch.distributed for the rank
    return ([one["__key__"]] for one in samples)


def rank_process(rank: int, place: Path, cases: list[Case], read: Any, patience: float) -> None:
    """Take the steps of each case with the others, and write down what came of it."""
    world = max(case.ranks for case in cases)
    torch.distributed.init_process_group(
        "gloo", init_method=f"file://{place / 'joined'}", rank=rank, world_size=world,
        timeout=timedelta(seconds=patience),
    )  # fmt: skip
    groups = [torch.distributed.new_group(list(range(count))) for count in range(1, world + 1)]
    with (place / f"rank-{rank}").open("w") as stream:
        for case in cases:
            if rank < case.ranks:
                line = steps_of(case, rank, read, groups[case.ranks - 1])
                stream.write(json.dumps(line) + "\n")
                stream.flush()
        torch.distributed.barrier()  # a process that ended would be noticed, one that waits is not


def steps_of(case: Case, rank: int, read: Any, group: Any) -> list[list[str]] | str:
    """Return the batches of a rank, or how it was refused."""
    try:
        batches = read(case, rank)
    except ToolkitError as error:
        return str(error)
    taken = []
    for batch in batches:
        here = torch.ones(1)
        torch.distributed.all_reduce(here, group=group)
        assert here.item() == case.ranks
        taken.append(batch)
    return taken


def together(place: Path, cases: list[Case], read: Any, patience: float) -> list[list[Any]]:
    """Run all cases in joined processes; return what each rank of each case wrote down.

    Raises TimeoutError where a rank failed or waited in vain.
    """
    place.mkdir()
    world = max(case.ranks for case in cases)
    context = multiprocessing.get_context("fork")
    ranks = [
        context.Process(target=rank_process, args=(rank, place, cases, read, patience))
        for rank in range(world)
    ]
    for one in ranks:
        one.start()
    for one in ranks:
        one.join(patience + 10 * len(cases))
    ended = [one.exitcode for one in ranks]
    for one in ranks:
        one.kill()
    if any(ended):
        raise TimeoutError(f"ranks ended with {ended}")
    told = [iter((place / f"rank-{rank}").read_text().splitlines()) for rank in range(world)]
    return [[json.loads(next(told[rank])) for rank in range(case.ranks)] for case in cases]


def check(case: Case, parts: list[Any]) -> bool:
    """Check what the ranks of a case did; return whether they were refused."""
    if isinstance(parts[0], str):
        assert len({*parts}) == 1, (case, parts)
        samples, needed = sum(case.counts), case.ranks if case.tail == "drop" else 1
        steps = samples // case.ranks if case.tail == "drop" else -(-samples // case.ranks)
        assert samples < needed or (case.drop_last and steps < case.batch_size), (case, parts)
        return True
    shapes = [[len(batch) for batch in part] for part in parts]
    assert all(one == shapes[0] and one for one in shapes), (case, shapes)
    keys = [[key for batch in part for key in batch] for part in parts]
    read = [key for step in zip(*keys, strict=True) for key in step]
    assert read == whole(case)[: len(read)], asdict(case)
    return False


def whole(case: Case) -> list[str]:
    """Return what the ranks together must read, twice the epoch's beginning where it is padded."""
    one = load(case.folder, cache=case.folder.parent / "cache")
    begin = case.loader(0).state_dict()  # a rest that is too short begins the next epoch
    first = load(case.folder, cache=case.folder.parent / "cache", epoch=begin["epoch"])
    one.load_state_dict(begin)
    return keys_of(list(one)) + keys_of(list(first)) * case.ranks


def test_ranks_take_equal_steps_or_none(
    tmp_path: Path, full_faults: bool, record_property: Note
) -> None:
    count, most = (200, 8) if full_faults else (12, 3)
    cases = [made(tmp_path / str(number), number, most) for number in range(count)]
    told = together(tmp_path / "joined", cases, ours, PATIENCE)
    refused = sum(check(case, parts) for case, parts in zip(cases, told, strict=True))
    steps = sum(len(parts[0]) for parts in told if not isinstance(parts[0], str))
    record_property(
        "faults", f"{count} cases of up to {most} ranks, {refused} refused, {steps} steps, 0 hangs"
    )
    assert count - refused > count // 2


def test_the_same_steps_of_webdataset_wait_in_vain(tmp_path: Path, record_property: Note) -> None:
    pytest.importorskip("webdataset", reason="needs webdataset")
    make_mixture(tmp_path / "m", (3, 1, 2))
    case = Case(
        folder=tmp_path / "m", counts=(3, 1, 2), ranks=3, workers=0, batch_size=1, tail="drop",
        drop_last=False, place=0,
    )  # fmt: skip
    assert not check(case, together(tmp_path / "ours", [case], ours, PATIENCE)[0])
    patience, began = 3, time.monotonic()
    with pytest.raises(TimeoutError):
        together(tmp_path / "theirs", [case], of_webdataset, patience)
    assert time.monotonic() - began > patience
    record_property("faults", "1 of 1 hung until its patience ended (control)")
