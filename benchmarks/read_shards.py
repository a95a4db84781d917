"""Reading shards: `mixtures.load` in a true global shuffle against webdataset in the tars' order.

Every reader runs in a process of its own over the same shards, page cache warm, in turns. Ours
also parses headers and JSON and has checked every receipt, size and (once per copy) sha256; the
peer hands out bytes. All must have read the same samples. Then: how long a resume in mid-epoch
takes until its first sample, and how many bytes its state has.
"""

import hashlib
import json
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from benchmarks._report import Result, parser, show
from imagewikiqa.mixtures import load
from imagewikiqa.mixtures.records import ShardFile, ShardSample
from imagewikiqa.mixtures.shards.write import shard_name, write_manifest, write_shard

A_SHARD = 1000  # samples
PLAN = hashlib.sha256(b"no plan").hexdigest()
Contents = Iterator[list[bytes]]


def make_shards(folder: Path, samples: int) -> int:
    """Write shards of random bytes with the sizes of photographs, 96 KB in the mean."""
    chance = random.Random(0)
    names = []
    for first in range(0, samples, A_SHARD):
        names.append(shard_name("bench", first // A_SHARD))
        numbers = range(first, min(first + A_SHARD, samples))
        write_shard(folder, names[-1], (_made(number, chance) for number in numbers), PLAN)
    return write_manifest(folder, names, PLAN).bytes


def _made(number: int, chance: random.Random) -> ShardSample:
    size = min(round(chance.lognormvariate(11.3, 0.6)), 600_000)
    talk = [{"from": "human", "value": "<image>\nWhat type of object is in the photo?"}]
    record = {"id": f"k{number:07d}", "conversations": [*talk, {"from": "gpt", "value": "tiger"}]}
    image = ShardFile(extension="jpg", content=chance.randbytes(size))
    words = ShardFile(extension="json", content=json.dumps(record).encode())
    return ShardSample(key=f"k{number:07d}", files=(image, words))


def ours(folder: Path) -> Contents:
    """Yield the contents of each sample in a global shuffle."""
    cache = folder.parent / "cache"
    return ([*one.files.values(), _packed(one.record)] for one in load(folder, cache=cache))


def _packed(record: dict[str, Any]) -> bytes:
    return json.dumps(record).encode()


def sequential(folder: Path) -> Contents:
    """Yield the contents of each sample in the tars' order, as webdataset reads them."""
    return ([one["jpg"], one["json"]] for one in _webdataset(folder))


def buffered(folder: Path) -> Contents:
    """Yield the contents of each sample through webdataset's buffer of 1,000."""
    return ([one["jpg"], one["json"]] for one in _webdataset(folder).shuffle(1000))


def _webdataset(folder: Path) -> Any:
    import webdataset

    tars = sorted(str(path) for path in folder.glob("*.tar"))
    return webdataset.WebDataset(tars, shardshuffle=False)


def only_ours(folder: Path) -> Iterator[Any]:
    """Yield our samples as they are, which is what is timed."""
    return iter(load(folder, cache=folder.parent / "cache"))


READERS: dict[str, tuple[Callable[[Path], Iterator[Any]], Callable[[Path], Contents]]] = {
    "ours": (only_ours, ours),
    "webdataset": (lambda folder: iter(_webdataset(folder)), sequential),
    "wds shuffle": (lambda folder: iter(_webdataset(folder).shuffle(1000)), buffered),
}


def timed(name: str, folder: Path) -> dict[str, float]:
    """Read once in this process; return seconds of the wall and of the CPU, and peak memory."""
    READERS[name][0](folder)  # imports what it needs, which is not reading
    began, busy = time.perf_counter(), time.process_time()
    count = sum(1 for _ in READERS[name][0](folder))
    wall, cpu = time.perf_counter() - began, time.process_time() - busy
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"wall": wall, "cpu": cpu, "peak": peak, "count": count}


def content(name: str, folder: Path) -> dict[str, int]:
    """Return a sum over the digests of all samples: equal for the same samples in any order."""
    digests = (hashlib.sha256(b"".join(one)).digest() for one in READERS[name][1](folder))
    return {"sum": sum(int.from_bytes(one[:6], "big") for one in digests)}


def resumed(_: str, folder: Path) -> dict[str, float]:
    """Return milliseconds from a state in mid-epoch to its first sample, and the state's bytes."""
    cache = folder.parent / "cache"
    mixture = load(folder, cache=cache)
    whole = [one.key for one in mixture]
    before = load(folder, cache=cache)
    seen = [one.key for one in islice(before, len(whole) // 2)]
    state = json.dumps(before.state_dict())
    began = time.perf_counter()
    after = load(folder, cache=cache)
    after.load_state_dict(json.loads(state))
    rest = iter(after)
    first = next(rest).key
    taken = (time.perf_counter() - began) * 1000
    same = [*seen, first, *(one.key for one in rest)] == whole
    return {"ms": taken, "bytes": len(state), "exact": float(same)}


CHILDREN: dict[str, Callable[[str, Path], dict[str, Any]]] = {
    "timed": timed, "content": content, "resumed": resumed,
}  # fmt: skip


def in_child(what: str, reader: str, folder: Path) -> dict[str, Any]:
    """Run one measure in a process of its own, so that its peak memory is its own."""
    command = [sys.executable, "-m", "benchmarks.read_shards", "--child", what, reader]
    done = subprocess.run([*command, str(folder)], capture_output=True, check=True)
    return dict(json.loads(done.stdout))


def main() -> int:
    """Measure in turns; return 1 when readers disagree or a resume is not exact."""
    options = parser()
    options.add_argument("--samples", type=int, default=2000)
    options.add_argument("--child", nargs=3, metavar=("WHAT", "READER", "FOLDER"))
    given = options.parse_args()
    if given.child:
        what, reader, place = given.child
        sys.stdout.write(json.dumps(CHILDREN[what](reader, Path(place))))
        return 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "shards"
        size = make_shards(folder, given.samples)
        sums = {in_child("content", name, folder)["sum"] for name in READERS}
        found: dict[str, list[dict[str, float]]] = {name: [] for name in READERS}
        for _ in range(given.rounds):
            for name, runs in found.items():
                runs.append(in_child("timed", name, folder))
        resumes = [in_child("resumed", "ours", folder) for _ in range(given.rounds)]
    return report(given, size, found, resumes, len(sums) == 1)


def report(
    given: Any,
    size: int,
    found: dict[str, list[dict[str, float]]],
    resumes: list[dict[str, float]],
    same: bool,
) -> int:
    """Show medians, and return 1 when anything was not exact."""

    def middle(name: str, measure: str) -> float:
        return statistics.median(run[measure] for run in found[name])

    rates = {name: round(given.samples / middle(name, "wall"), 1) for name in found}
    exact = all(one["exact"] for one in resumes)
    result = Result(
        name="read_shards",
        unit=f"samples/s of {given.samples:,} samples, {size / 1e6:.0f} MB",
        ours=rates.pop("ours"),
        others=rates,
        exact={
            "the same samples": float(same),
            "resume exact": float(exact),
            "resume, ms to the first sample": round(max(one["ms"] for one in resumes), 1),
            "state, bytes": resumes[0]["bytes"],
            **{
                f"CPU ms a sample, {name}": round(middle(name, "cpu") / given.samples * 1e3, 4)
                for name in found
            },
            **{f"peak MB, {name}": round(middle(name, "peak")) for name in found},
        },
    )
    show(result, given.json)
    return int(not (same and exact))


if __name__ == "__main__":
    sys.exit(main())
