"""Writing shards: `mixtures.shards` against webdataset's ShardWriter, in MB/s of images.

The same images (files of ImageNet's size; nobody decodes them) and JSON sidecars, in turns. Ours
is measured whole, with fsync, receipts and the sha256 of every sample and shard, of which
webdataset does nothing; and as the archive with its offsets alone, where appending the images in
the kernel is the limit. Ratios are medians of those of each round.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from itertools import repeat
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks._report import Result, parser, show
from imagewikiqa.core.digests import digest, file_digest, keyed_int
from imagewikiqa.mixtures.records import ShardFile, ShardSample, Span
from imagewikiqa.mixtures.shards.archive import Archive
from imagewikiqa.mixtures.shards.write import shard_name, write_shard

SMALLEST, LARGEST = 40_000, 152_000  # bytes of an image: 96 kB in the mean
PER_SHARD = 1000
PLAN = digest("benchmark")
Image = tuple[Path, int, bytes]  # its file, its size, its JSON
Writer = Callable[[list[Image], Path], None]


def make_images(folder: Path, count: int) -> list[Image]:
    """Write files of random bytes; return what is written of them."""
    images = []
    for number in range(count):
        size = SMALLEST + keyed_int("size", number) % (LARGEST - SMALLEST)
        path = folder / f"{number:06d}.jpg"
        path.write_bytes(os.urandom(size))
        images.append((path, size, sidecar(number)))
    return images


def sidecar(number: int) -> bytes:
    """Return the JSON of a sample: one turn about its class."""
    turns = [
        {"from": "human", "value": "<image>\nWhat type of object is in the photo?"},
        {"from": "gpt", "value": "tench"},
    ]
    return json.dumps(
        {"id": f"{number:06d}", "source": "imagenet", "conversations": turns}
    ).encode()


def samples(images: list[Image], first: int) -> Iterator[ShardSample]:
    """Yield the samples of the shard that begins with an image."""
    for number, (path, size, text) in enumerate(images[first : first + PER_SHARD], first):
        files = (
            ShardFile(extension="jpg", content=Span(path=path, length=size)),
            ShardFile(extension="json", content=text),
        )
        yield ShardSample(key=f"s-{number:06d}", files=files)


def whole(images: list[Image], out: Path) -> None:
    """Write shards and receipts as a build does."""
    for first in range(0, len(images), PER_SHARD):
        one_shard(images, out, first)


def one_shard(images: list[Image], out: Path, first: int) -> None:
    """Write the shard that begins with an image, and its receipt."""
    write_shard(out, shard_name("x", first // PER_SHARD), samples(images, first), PLAN)


def by_two(pool: ProcessPoolExecutor) -> Writer:
    """Return what writes as a build with two workers does, who have begun already."""

    def write(images: list[Image], out: Path) -> None:
        firsts = range(0, len(images), PER_SHARD)
        list(pool.map(one_shard, repeat(images), repeat(out), firsts))

    return write


def archive_alone(images: list[Image], out: Path) -> None:
    """Write the archives and know every offset, without hash or sync."""
    for first in range(0, len(images), PER_SHARD):
        path = out / shard_name("x", first // PER_SHARD)
        with path.open("wb") as stream, Archive(stream.fileno(), path) as archive:
            placed = [archive.add(sample) for sample in samples(images, first)]
            archive.end()
        if len(placed) != len(images[first : first + PER_SHARD]):
            raise AssertionError("an offset is missing")


def by_webdataset(
    images: list[Image], out: Path, post: Callable[[str], None] | None = None
) -> None:
    """Write the same samples with the peer."""
    import webdataset

    pattern = str(out / "x-%06d.tar")
    with webdataset.ShardWriter(
        pattern, maxcount=PER_SHARD, maxsize=1e12, post=post, verbose=0
    ) as writer:
        for number, (path, _, text) in enumerate(images):
            writer.write({
                "__key__": f"s-{number:06d}", "jpg": path.read_bytes(), "json": text,
            })  # fmt: skip


def by_webdataset_synced(images: list[Image], out: Path) -> None:
    """Write the same samples with the peer, each shard brought to the disk as ours is."""

    def sync(name: str) -> None:
        with Path(name).open("rb") as stream:
            os.fsync(stream.fileno())

    by_webdataset(images, out, sync)


def limit(images: list[Image], out: Path) -> None:
    """Append the images alone to one file for each shard, in the kernel."""
    for first in range(0, len(images), PER_SHARD):
        with (out / shard_name("x", first // PER_SHARD)).open("wb") as stream:
            for path, size, _ in images[first : first + PER_SHARD]:
                with path.open("rb", buffering=0) as image:
                    while size:
                        size -= os.copy_file_range(image.fileno(), stream.fileno(), size)


WRITERS: dict[str, Writer] = {
    "whole": whole, "archive": archive_alone, "webdataset": by_webdataset,
    "webdataset with fsync": by_webdataset_synced, "limit": limit,
}  # fmt: skip


def timed(writer: Writer, images: list[Image], out: Path) -> tuple[float, float]:
    """Return wall and CPU seconds of writing into a new folder."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    began, used = time.perf_counter(), time.process_time()
    writer(images, out)
    return time.perf_counter() - began, time.process_time() - used


def peak(writer: str, folder: Path) -> float:
    """Return the peak memory (MB) of a fresh process that writes; imports count."""
    command = [sys.executable, "-m", "benchmarks.write_shards", "--peak", writer, str(folder)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def peak_here(writer: str, folder: Path) -> float:
    """Write and return this process's peak memory (MB) as the kernel tells it."""
    paths = sorted((folder / "images").iterdir())
    images = [(path, path.stat().st_size, sidecar(at)) for at, path in enumerate(paths)]
    timed(WRITERS[writer], images, folder / "out")
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1e3


def different(images: list[Image], folder: Path) -> int:
    """Return how many shards differ: twice whole, the archive alone, and images given as bytes."""
    found: list[list[str]] = []
    for writer in (whole, whole, archive_alone):
        timed(writer, images, folder / "out")
        found.append([file_digest(path) for path in sorted((folder / "out").glob("*.tar"))])
    given = [
        replace(sample, files=(
            ShardFile(extension="jpg", content=path.read_bytes()), sample.files[1],
        ))
        for sample, (path, *_) in zip(samples(images, 0), images, strict=False)
    ]  # fmt: skip
    first = write_shard(folder / "bytes", shard_name("x", 0), given, PLAN).sha256
    return sum(len(set(digests)) > 1 for digests in zip(*found, strict=True)) + (
        first != found[0][0]
    )


def measured(images: list[Image], folder: Path, rounds: int) -> dict[str, Any]:
    """Return rates, CPU seconds and ratios of writers that take turns."""
    size = sum(size for _, size, _ in images) / 1e6
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        writers = {**WRITERS, "two workers": by_two(pool)}
        seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in writers}
        for name, writer in [*writers.items()] * (rounds + 1):
            seconds[name].append(timed(writer, images, folder / "out"))
    walls = {name: [wall for wall, _ in times[1:]] for name, times in seconds.items()}
    cpus = {name: [cpu for _, cpu in times[1:]] for name, times in seconds.items()}

    def ratio(clock: dict[str, list[float]], ours: str, other: str) -> float:
        pairs = zip(clock[ours], clock[other], strict=True)
        return round(median(theirs / own for own, theirs in pairs), 2)

    return {
        "megabytes": round(size),
        "mb_per_s": {name: round(size / median(walls[name]), 1) for name in walls},
        "cpu_s_per_gb": {name: round(median(cpus[name]) / size * 1e3, 2) for name in WRITERS},
        "whole_over_webdataset": ratio(walls, "whole", "webdataset"),
        "whole_over_webdataset_with_fsync": ratio(walls, "whole", "webdataset with fsync"),
        "two_workers_over_webdataset_with_fsync": ratio(
            walls, "two workers", "webdataset with fsync"
        ),
        "two_workers_over_webdataset": ratio(walls, "two workers", "webdataset"),
        "archive_over_webdataset": ratio(walls, "archive", "webdataset"),
        "archive_over_limit": ratio(walls, "archive", "limit"),
        "archive_over_webdataset_cpu": ratio(cpus, "archive", "webdataset"),
        "whole_over_webdataset_cpu": ratio(cpus, "whole", "webdataset"),
    }


def options() -> argparse.Namespace:
    """Return what to measure with."""
    asked = parser()
    asked.add_argument("--samples", type=int, default=2000)
    asked.add_argument("--peak", nargs=2, help=argparse.SUPPRESS)
    return asked.parse_args()


def main() -> int:
    """Measure in turns; return 1 when two writings of the same samples differ."""
    given = options()
    if given.peak:
        sys.stdout.write(f"{peak_here(given.peak[0], Path(given.peak[1])):.1f}\n")
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "images").mkdir()
        images = make_images(folder / "images", given.samples)
        more = measured(images, folder, given.rounds)
        unlike = different(images, folder)
        more["peak_mb"] = {writer: peak(writer, folder) for writer in WRITERS}
    rates = more["mb_per_s"]
    result = Result(
        name="write_shards",
        unit=f"MB/s of images, {given.samples:,} in shards of {PER_SHARD:,}",
        ours=rates["whole"],
        others={name: rates[name] for name in rates if name != "whole"},
        exact={"shards that differ": unlike},
    )
    if given.json:
        found = {**asdict(result), "ratios": result.ratios, **more}
        sys.stdout.write(json.dumps(found) + "\n")
        return int(unlike > 0)
    show(result, False)
    for key, value in more.items():
        sys.stdout.write(f"  {key}: {json.dumps(value)}\n")
    return int(unlike > 0)


if __name__ == "__main__":
    sys.exit(main())
