"""A finished mixture shard by shard: which there are, and the samples of one, checked first."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from imagewikiqa.mixtures.reader.mixture import load
from imagewikiqa.mixtures.reader.sample import Sample
from imagewikiqa.mixtures.reader.trusted import read_manifest, read_receipts


@dataclass(frozen=True, slots=True)
class ShardPlace:
    """A shard of a mixture: its name without .tar, its samples' numbers, and its digest."""

    name: str
    first: int
    count: int
    sha256: str

    @property
    def file(self) -> str:
        """Return its file's name."""
        return f"{self.name}.tar"


@dataclass(frozen=True, slots=True)
class Contents:
    """What the receipts of a mixture say; `sha256` is the manifest's, and stands for all of it."""

    folder: Path
    sha256: str
    plan: str
    samples: int
    shards: tuple[ShardPlace, ...]


def contents_of(folder: Path) -> Contents:
    """Return the shards of a mixture by name.

    Raises ToolkitError for a folder that holds no finished mixture, and where a receipt is not the
    manifest's.
    """
    opened = read_manifest(folder)
    shards: list[ShardPlace] = []
    first = 0
    for one in read_receipts(folder, opened.manifest):
        shards.append(ShardPlace(one.shard.removesuffix(".tar"), first, one.count, one.sha256))
        first += one.count
    return Contents(folder, opened.sha256, opened.manifest.plan, first, tuple(shards))


def samples_of(folder: Path, shard: ShardPlace) -> Iterator[Sample]:
    """Yield the samples of a shard in their order.

    Every byte of it is hashed before the first. Raises ToolkitError for a shard that is not its
    receipt's, in one sentence that names it.
    """
    mixture = load(folder, shuffle=False)
    mixture.advance(shard.first)
    return islice(iter(mixture), shard.count)
