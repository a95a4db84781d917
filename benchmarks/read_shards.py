"""Reading shards: `mixtures.load` in a true global shuffle against webdataset in the tars' order.

Every reader runs in a process of its own over the same shards, page cache warm, in turns. Ours
also parses headers and JSON and has checked every receipt, size and (once per copy) sha256; the
peer hands out bytes. All must have read the same samples. Then the same with two workers of
torch's DataLoader; how long opening takes, with and without the index in the user's cache; and how
long a resume in mid-epoch takes until its first sample, and how many bytes its state has.

`--text-only` makes samples without images: a million of them show what each sample costs.
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
from itertools import chain, islice
from pathlib import Path
from typing import Any

from benchmarks._report import Result, parser, show
from imagewikiqa.mixtures import load
from imagewikiqa.mixtures.records import ShardFile, ShardSample
from imagewikiqa.mixtures.shards.write import shard_name, write_manifest, write_shard

A_SHARD = 1000  # samples
A_BATCH, WORKERS = 32, 2
PLAN = hashlib.sha256(b"no plan").hexdigest()
Contents = Iterator[list[bytes]]


def make_shards(folder: Path, samples: int, text_only: bool) -> int:
    """Write shards of random bytes with the sizes of photographs, 96 KB in the mean, or of text."""
    chance = random.Random(0)
    names = []
    for first in range(0, samples, A_SHARD):
        names.append(shard_name("bench", first // A_SHARD))
        numbers = range(first, min(first + A_SHARD, samples))
        made = (_made(number, None if text_only else chance) for number in numbers)
        write_shard(folder, names[-1], made, PLAN)
    return write_manifest(folder, names, PLAN).bytes


def _made(number: int, chance: random.Random | None) -> ShardSample:
    talk = [{"from": "human", "value": "<image>\nWhat type of object is in the photo?"}]
    record = {"id": f"k{number:07d}", "conversations": [*talk, {"from": "gpt", "value": "tiger"}]}
    words = ShardFile(extension="json", content=json.dumps(record).encode())
    if chance is None:
        return ShardSample(key=f"k{number:07d}", files=(words,))
    size = min(round(chance.lognormvariate(11.3, 0.6)), 600_000)
    image = ShardFile(extension="jpg", content=chance.randbytes(size))
    return ShardSample(key=f"k{number:07d}", files=(image, words))


def only_ours(folder: Path) -> Iterator[Any]:
    """Yield our samples as they are, which is what is timed."""
    return iter(load(folder, cache=folder.parent / "cache"))


def loader(folder: Path) -> Iterator[Any]:
    """Yield our samples through worker processes, in the same order."""
    from imagewikiqa.trainers.loader import Loader

    mixture = load(folder, cache=folder.parent / "cache")
    return chain.from_iterable(
        Loader(mixture, batch_size=A_BATCH, collate_fn=list, num_workers=WORKERS)
    )


def of_ours(one: Any) -> list[bytes]:
    """Return the contents of one of our samples."""
    return [*one.files.values(), json.dumps(one.record).encode()]


def sequential(folder: Path) -> Any:
    """Return webdataset's samples in the tars' order."""
    import webdataset

    tars = sorted(str(path) for path in folder.glob("*.tar"))
    return webdataset.WebDataset(tars, shardshuffle=False)


def web_loader(folder: Path) -> Iterator[Any]:
    """Yield webdataset's samples through worker processes, each with shards of its own."""
    import webdataset

    return chain.from_iterable(
        webdataset.WebLoader(
            sequential(folder), batch_size=A_BATCH, collate_fn=list, num_workers=WORKERS
        )
    )


def of_webdataset(one: dict[str, bytes]) -> list[bytes]:
    """Return the contents of one of webdataset's samples."""
    return [one[extension] for extension in ("jpg", "json") if extension in one]


# What each reader yields, and how to get the contents out of that, untimed.
READERS: dict[str, tuple[Callable[[Path], Iterator[Any]], Callable[[Any], list[bytes]]]] = {
    "ours": (only_ours, of_ours),
    "webdataset": (lambda folder: iter(sequential(folder)), of_webdataset),
    "wds shuffle": (lambda folder: iter(sequential(folder).shuffle(1000)), of_webdataset),
    "our loader": (loader, of_ours),
    "WebLoader": (web_loader, of_webdataset),
}


def timed(name: str, folder: Path) -> dict[str, float]:
    """Read once in this process; return seconds of the wall and of the CPU, and peak memory.

    The CPU is that of worker processes too, the memory is not.
    """
    READERS[name][0](folder)  # imports what it needs, which is not reading
    began, busy = time.perf_counter(), busy_so_far()
    count = sum(1 for _ in READERS[name][0](folder))
    wall, cpu = time.perf_counter() - began, busy_so_far() - busy
    return {"wall": wall, "cpu": cpu, "peak": peak_memory(), "count": count}


def peak_memory() -> float:
    """Return the most MB this program had; getrusage would add what started it had before."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def busy_so_far() -> float:
    """Return seconds of CPU of this process and of its children that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def content(name: str, folder: Path) -> dict[str, int]:
    """Return a sum over the digests of all samples: equal for the same samples in any order."""
    read, contents = READERS[name]
    digests = (hashlib.sha256(b"".join(contents(one))).digest() for one in read(folder))
    return {"sum": sum(int.from_bytes(one[:6], "big") for one in digests)}


def opened(_: str, folder: Path) -> dict[str, float]:
    """Return milliseconds to open a mixture for the first time on a machine, and again."""
    found = dict[str, float]()
    with tempfile.TemporaryDirectory(dir=folder.parent) as cache:
        for when in ("first", "again"):
            began = time.perf_counter()
            load(folder, cache=Path(cache))
            found[when] = (time.perf_counter() - began) * 1000
    return found


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
    "timed": timed, "content": content, "opened": opened, "resumed": resumed,
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
    options.add_argument("--text-only", action="store_true", help="samples without images")
    options.add_argument("--child", nargs=3, metavar=("WHAT", "READER", "FOLDER"))
    given = options.parse_args()
    if given.child:
        what, reader, place = given.child
        sys.stdout.write(json.dumps(CHILDREN[what](reader, Path(place))))
        return 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "shards"
        size = make_shards(folder, given.samples, given.text_only)
        sums = {in_child("content", name, folder)["sum"] for name in READERS}
        found: dict[str, list[dict[str, float]]] = {name: [] for name in READERS}
        for _ in range(given.rounds):
            for name, runs in found.items():
                runs.append(in_child("timed", name, folder))
        opening = [in_child("opened", "ours", folder) for _ in range(given.rounds)]
        resumes = [in_child("resumed", "ours", folder) for _ in range(given.rounds)]
    return report(given, size, found, {"opening": opening, "resumes": resumes}, len(sums) == 1)


def report(
    given: Any,
    size: int,
    found: dict[str, list[dict[str, float]]],
    starts: dict[str, list[dict[str, float]]],
    same: bool,
) -> int:
    """Show medians, and return 1 when anything was not exact."""

    def middle(name: str, measure: str) -> float:
        return statistics.median(run[measure] for run in found[name])

    rates = {name: round(given.samples / middle(name, "wall"), 1) for name in found}
    exact = all(one["exact"] for one in starts["resumes"])
    figures = {
        "max_abs_diff": float(not same),  # of the bytes that two readers gave for a sample
        "resume exact": float(exact),
        "resume, ms to the first sample": max(one["ms"] for one in starts["resumes"]),
        "state, bytes": starts["resumes"][0]["bytes"],
    }
    through_workers = {name: rates.pop(name) for name in ("our loader", "WebLoader")}
    for name, rate in through_workers.items():
        figures[f"samples/s with {WORKERS} workers, {name}"] = rate
    figures["our loader, times WebLoader"] = (
        through_workers["our loader"] / through_workers["WebLoader"]
    )
    for when in ("first", "again"):
        figures[f"opening {when}, ms"] = statistics.median(one[when] for one in starts["opening"])
    for name in found:
        figures[f"CPU ms a sample, {name}"] = middle(name, "cpu") / given.samples * 1e3
        figures[f"peak MB, {name}"] = middle(name, "peak")
    result = Result(
        name="read_shards",
        unit=f"samples/s of {given.samples:,} samples, {size / 1e6:.0f} MB",
        ours=rates.pop("ours"),
        others=rates,
        exact={name: round(one, 4) for name, one in figures.items()},
    )
    show(result, given.json)
    return int(not (same and exact))


if __name__ == "__main__":
    sys.exit(main())
