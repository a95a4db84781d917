"""What the samples of a mixture are, counted from the shards themselves."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from imagewikiqa.core.progress import Progress
from imagewikiqa.core.spread import spread
from imagewikiqa.mixtures.exports.shards import Contents, ShardPlace, samples_of
from imagewikiqa.mixtures.interchange import FACTS
from imagewikiqa.mixtures.reader.sample import Sample

# As ImageNet names its files: n01440764_10026.JPEG, ILSVRC2012_val_00000001.JPEG.
_IMAGENET_FILE = re.compile(r"(?:ILSVRC\d{4}_|n\d{8}_\d+\.)", re.IGNORECASE)


@dataclass(slots=True)
class Tally:
    """Counts that add up over shards."""

    templates: Counter[tuple[str, str]] = field(default_factory=Counter)  # by source and template
    extensions: Counter[str] = field(default_factory=Counter)
    facts: set[str] = field(default_factory=set)  # of FACTS, those that some sample has
    imagenet: set[str] = field(default_factory=set)  # sources with files named as ImageNet's are
    example: Mapping[str, Any] | None = None  # the JSON of the first sample
    misnamed: int = 0  # samples that are named as another class, as the recipe asks

    def add(self, sample: Sample) -> None:
        """Count a sample."""
        record = sample.record
        source = str(record.get("source", ""))
        self.templates[source, str(record.get("template", ""))] += 1
        self.extensions.update(sample.files.keys())
        self.facts.update(name for name in FACTS if name in record)
        self.misnamed += "named_class_id" in record
        name = PurePosixPath(str(record.get("source_id", ""))).name
        if sample.files and _IMAGENET_FILE.match(name):
            self.imagenet.add(source)
        self.example = record if self.example is None else self.example

    def join(self, other: "Tally") -> None:
        """Add the counts of shards that come after these."""
        self.templates += other.templates
        self.extensions += other.extensions
        self.facts |= other.facts
        self.imagenet |= other.imagenet
        self.misnamed += other.misnamed
        self.example = other.example if self.example is None else self.example


@dataclass(frozen=True, slots=True)
class ShardTally:
    """Counts a shard; it travels to worker processes."""

    mixture: Path

    def __call__(self, shard: ShardPlace) -> Tally:
        """Return the counts of a shard; ToolkitError where it is not its receipt's."""
        found = Tally()
        for sample in samples_of(self.mixture, shard):
            found.add(sample)
        return found


def tally_of(contents: Contents, workers: int, progress: Progress) -> Tally:
    """Return the counts of a mixture, every byte of which is checked meanwhile."""
    total = Tally()
    progress.begin("check", contents.samples, 0)
    tallies = spread(ShardTally(contents.folder), contents.shards, workers)
    for shard, found in zip(contents.shards, tallies, strict=True):
        total.join(found)
        progress.advance(shard.count)
    progress.end()
    return total
