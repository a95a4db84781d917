"""A build of a small mixture that is whole in a moment: what is killed in the tests of faults."""

import argparse
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from imagewikiqa.core.digests import digest
from imagewikiqa.core.files import remove_leftovers
from imagewikiqa.core.spread import spread
from imagewikiqa.mixtures.records import ShardFile, ShardSample, Span
from imagewikiqa.mixtures.shards import tape
from imagewikiqa.mixtures.shards.write import is_done, shard_name, write_manifest, write_shard

SOURCE = Path(__file__)  # any file will do for a span


def samples(shard: int, each: int, takes: float) -> Iterator[ShardSample]:
    """Yield samples that a number decides, in turn of bytes and of a span."""
    for at in range(each):
        time.sleep(takes)
        words = digest([shard, at]).encode()
        image: bytes | Span = words * (1 + at * 31)
        if at % 2:
            image = Span(path=SOURCE, offset=at, length=1000 + at)
        files = (
            ShardFile(extension="png", content=image),
            ShardFile(extension="json", content=words),
        )
        yield ShardSample(key=f"k-{shard}-{at}", files=files)


def build_one(folder: Path, each: int, takes: float, shard: int) -> None:
    """Make one shard, unless it stands."""
    tape._BYTES = 2000  # a shard is written in as many pieces as a large one
    name, plan = shard_name("tiny", shard), digest(["plan", shard])
    if not is_done(folder, name, plan):
        write_shard(folder, name, samples(shard, each, takes), plan)


def main() -> None:
    """Build --shards shards with --workers processes below --out."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--shards", type=int, default=2)
    parser.add_argument("--each", type=int, default=3)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--takes", type=float, default=0.0)
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    remove_leftovers(given.out)
    one = partial(build_one, given.out, given.each, given.takes)
    for _ in spread(one, range(given.shards), given.workers):
        pass
    names = [shard_name("tiny", shard) for shard in range(given.shards)]
    write_manifest(given.out, names, digest("plan"))


if __name__ == "__main__":
    main()
