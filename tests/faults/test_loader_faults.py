"""Shards with a flipped bit, cut, swapped or deleted never reach training as something else.

Each trial harms one shard of a small mixture, or swaps two, reads it through torch's DataLoader,
looks at what came out, and mends it again.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from imagewikiqa.core.digests import keyed_int
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures import Sample, load
from imagewikiqa.mixtures.reader.shards import Check
from tests.mixtures.reader.made import make_mixture, pixels, sometimes

pytest.importorskip("torch", reason="needs torch")
from imagewikiqa.trainers.loader import Loader  # noqa: E402

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]
COUNTS = (8, 8, 8, 8, 5, 11)  # of samples; the first two weigh the same
FULL = {"flipped": 400, "cut": 50, "swapped": 20, "deleted": 20}
FAST = {"flipped": 12, "cut": 2, "swapped": 2, "deleted": 1}
PATIENCE = 5.0  # seconds from asking for a batch to its refusal
Contents = dict[str, str]
Note = Callable[[str, object], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What came out of a mixture that was harmed, and how it ended."""

    harmed: list[str]  # names of shards
    wrong: list[str]  # keys of samples that came out with other contents
    leaked: list[str]  # keys of samples of harmed shards that came out
    said: str | None  # the refusal; None when everything was read
    slowest: float  # seconds of one step

    @property
    def named(self) -> bool:
        """Return whether one sentence names a harmed shard."""
        return self.said is not None and any(name in self.said for name in self.harmed)


def digests(samples: list[Sample]) -> list[tuple[str, str]]:
    """Return each key with a digest of everything the sample holds."""
    told = ((one.key, repr((sorted(one.files.items()), one.record))) for one in samples)
    return [(key, hashlib.sha256(words.encode()).hexdigest()) for key, words in told]


@dataclass(frozen=True, slots=True)
class Bench:
    """A mixture that is harmed and mended, and what its samples are when nothing is wrong."""

    folder: Path
    shard_of: dict[str, str]
    right: Contents

    def read(self, harm: str, number: int, workers: int, check: Check, late: bool = False) -> Trial:
        """Harm the mixture in a way decided by a number, read it, mend it.

        With `late` the harm comes when the first batch is out.
        """
        chosen = sorted(self.folder.glob("*.tar"))
        at = keyed_int("shard", harm, number) % len(chosen)
        pair = (at, at ^ 1) if harm == "swapped" else (at,)
        paths = [chosen[one] for one in pair]
        found, slowest, said = list[tuple[str, str]](), 0.0, None
        with mended(paths):
            if not late:
                HARMS[harm](paths, number)
            began = time.monotonic()
            try:
                for batch in self.batches(workers, check):
                    if late and not found:
                        HARMS[harm](paths, number)
                    found += batch
                    slowest, began = max(slowest, time.monotonic() - began), time.monotonic()
            except ToolkitError as error:
                said = str(error)
                slowest = max(slowest, time.monotonic() - began)
        harmed = [path.name for path in paths]
        return Trial(
            harmed=harmed, said=said, slowest=slowest,
            wrong=[key for key, digest in found if self.right.get(key) != digest],
            leaked=[key for key, _ in found if self.shard_of.get(key) in harmed],
        )  # fmt: skip

    def batches(self, workers: int, check: Check) -> Iterator[list[tuple[str, str]]]:
        """Yield the batches of an epoch in an order of their own."""
        mixture = load(self.folder, cache=self.folder.parent / "cache", check=check)
        yield from Loader(mixture, batch_size=3, collate_fn=digests, num_workers=workers)


@contextmanager
def mended(paths: list[Path]) -> Iterator[None]:
    before = [path.read_bytes() for path in paths]
    yield
    for path, content in zip(paths, before, strict=True):
        path.write_bytes(content)


def flip(paths: list[Path], number: int) -> None:
    content = bytearray(paths[0].read_bytes())
    bit = keyed_int("bit", number) % (8 * len(content))
    content[bit // 8] ^= 1 << bit % 8
    paths[0].write_bytes(content)


def cut(paths: list[Path], number: int) -> None:
    size = paths[0].stat().st_size
    os.truncate(paths[0], keyed_int("cut", number) % size)


def swap(paths: list[Path], _: int) -> None:
    first, second = (path.read_bytes() for path in paths)
    paths[0].write_bytes(second)
    paths[1].write_bytes(first)


def delete(paths: list[Path], _: int) -> None:
    paths[0].unlink()


HARMS: dict[str, Callable[[list[Path], int], None]] = {
    "flipped": flip, "cut": cut, "swapped": swap, "deleted": delete,
}  # fmt: skip


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    def image(number: int) -> bytes | None:  # of 700 bytes in the first two shards
        return (pixels(39) * 2)[number:][:700] if number < 16 else sometimes(number)

    keys = make_mixture(tmp_path / "m", COUNTS, image)
    shards = [f"made-{shard:06d}.tar" for shard, count in enumerate(COUNTS) for _ in range(count)]
    shard_of = dict(zip(keys, shards, strict=True))
    right = dict(digests(list(load(tmp_path / "m", cache=tmp_path / "cache"))))
    return Bench(tmp_path / "m", shard_of, right)


def trials(bench: Bench, full: bool, workers: int, check: Check) -> dict[str, list[Trial]]:
    counts = FULL if full else FAST
    return {
        harm: [bench.read(harm, number, workers, check) for number in range(count)]
        for harm, count in counts.items()
    }


@pytest.mark.parametrize("workers", [0, 2])
def test_shards_that_are_hashed_are_refused_before_a_sample_of_them(
    bench: Bench, workers: int, full_faults: bool, record_property: Note
) -> None:
    found = trials(bench, full_faults, workers, "shard")
    told = [one for many in found.values() for one in many]
    slowest = max(one.slowest for one in told)
    record_property(
        "faults",
        f"{sum(one.named for one in told)} of {len(told)} refused by name, "
        f"{sum(len(one.leaked) for one in told)} samples of them, slowest {slowest:.2f} s",
    )
    assert all(one.named and one.said and "\n" not in one.said for one in told)
    assert not any(one.leaked or one.wrong for one in told)
    assert slowest < PATIENCE


@pytest.mark.parametrize("workers", [0, 2])
def test_samples_that_are_hashed_come_out_right_or_are_refused(
    bench: Bench, workers: int, full_faults: bool, record_property: Note
) -> None:
    found = trials(bench, full_faults, workers, "sample")
    flips = found.pop("flipped")
    told = [one for many in found.values() for one in many]
    record_property(
        "faults",
        f"{sum(one.named for one in flips)} of {len(flips)} flips refused by name, the others "
        f"changed no sample; {sum(one.named for one in told)} of {len(told)} other harms",
    )
    assert not any(one.wrong for one in [*flips, *told])
    assert all(one.named or one.said is None for one in flips)
    assert sum(one.named for one in flips) > len(flips) // 4  # most bits of these are padding
    assert all(one.named and not one.leaked for one in told)
    assert max(one.slowest for one in [*flips, *told]) < PATIENCE


def test_sizes_alone_find_what_is_cut_swapped_or_deleted_and_no_flipped_pixel(
    bench: Bench, full_faults: bool, record_property: Note
) -> None:
    found = trials(bench, full_faults, 2, "size")
    flips = found.pop("flipped")
    told = [one for many in found.values() for one in many]
    silent = sum(bool(one.wrong) for one in flips)
    record_property(
        "faults",
        f"{silent} of {len(flips)} flips not seen (control), "
        f"{sum(one.named for one in told)} of {len(told)} other harms refused by name",
    )
    assert silent > 0
    assert all(one.named and not one.leaked and not one.wrong for one in told)
    assert max(one.slowest for one in [*flips, *told]) < PATIENCE


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("harm", ["cut", "swapped", "deleted"])
def test_harm_that_comes_while_training_reads_gives_no_wrong_sample(
    bench: Bench, harm: str, workers: int, full_faults: bool, record_property: Note
) -> None:
    count = 20 if full_faults else 2
    told = [bench.read(harm, number, workers, "shard", late=True) for number in range(count)]
    refused = sum(one.named for one in told)
    record_property("faults", f"{refused} of {count} refused by name, no sample wrong")
    assert not any(one.wrong for one in told)
    assert all(one.named or one.said is None for one in told)
    assert max(one.slowest for one in told) < PATIENCE


def test_webdataset_takes_most_flipped_bits_for_samples(
    bench: Bench, full_faults: bool, record_property: Note
) -> None:
    webdataset = pytest.importorskip("webdataset", reason="needs webdataset")

    def taken(folder: Path) -> list[Sample]:
        tars = sorted(map(str, folder.glob("*.tar")))
        return [
            Sample(
                key=one["__key__"], record=json.loads(one["json"]),
                files={"jpg": one["jpg"]} if "jpg" in one else {},
            )
            for one in webdataset.WebDataset(tars, shardshuffle=False)
        ]  # fmt: skip

    assert dict(digests(taken(bench.folder))) == bench.right
    count, silent = (FULL if full_faults else FAST)["flipped"], 0
    for number in range(count):
        paths = [sorted(bench.folder.glob("*.tar"))[number % len(COUNTS)]]
        with mended(paths):
            flip(paths, number)
            try:
                silent += dict(digests(taken(bench.folder))) != bench.right
            except Exception:  # noqa: BLE001 (any refusal of a peer is one)
                continue
    record_property("faults", f"{silent} of {count} flips not seen (control)")
    assert silent > 0
