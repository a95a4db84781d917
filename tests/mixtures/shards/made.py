"""Samples of every shape, and a small mixture made of them."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from imagewikiqa.core.digests import digest, keyed_int
from imagewikiqa.mixtures.records import Manifest, ShardFile, ShardSample, Span
from imagewikiqa.mixtures.shards.write import shard_name, write_manifest, write_shard

PLAN = digest("a plan")
SIZES = (0, 1, 511, 512, 513, 1024, 3000, 70_000)  # of images: both sides of a block's end


def content(number: int, size: int) -> bytes:
    """Return bytes that nothing else has."""
    words = [keyed_int("content", number, at) for at in range(-(-size // 8))]
    return b"".join(word.to_bytes(8, "big") for word in words)[:size]


def sample(number: int, sources: Path | None = None, size: int | None = None) -> ShardSample:
    """Return an image with its JSON; below `sources` the image is a file, a span of it given."""
    image: bytes | Span = content(number, SIZES[number % len(SIZES)] if size is None else size)
    if sources is not None:
        path = sources / f"{number}.jpg"
        path.write_bytes(image)
        image = Span(path=path, length=len(image))
    key = f"s-{number:06d}"
    text = json.dumps({"id": key, "conversations": []}).encode()
    extension = ("jpg", "png", "webp")[number % 3]
    return ShardSample(
        key=key,
        files=(
            ShardFile(extension=extension, content=image),
            ShardFile(extension="json", content=text),
        ),
    )


def samples(numbers: Sequence[int], sources: Path | None = None) -> Iterator[ShardSample]:
    """Yield samples by number."""
    return (sample(number, sources) for number in numbers)


def make_mixture(folder: Path, shards: int, each: int = 4) -> Manifest:
    """Build a small mixture, shard by shard."""
    names = [shard_name("tiny", at) for at in range(shards)]
    for at, name in enumerate(names):
        write_shard(folder, name, samples(range(at * each, (at + 1) * each)), PLAN)
    return write_manifest(folder, names, PLAN)
