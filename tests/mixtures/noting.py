"""Builders that are slow, die or fail, and leave notes; workers import them by their names."""

import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from imagewikiqa.mixtures.build import Builder

TAKES = 0.3  # seconds


@dataclass(frozen=True, slots=True)
class NotingBuilder(Builder):
    """Makes shards, and notes in OUT/work when each is begun and ended, and by which node."""

    def __call__(self, number: int) -> int:
        """Make a shard and leave two notes: begun-NUMBER-NODE, ended-NUMBER-NODE."""
        from ray.util import get_node_ip_address

        node = get_node_ip_address()
        (self.work / f"begun-{number}-{node}").touch()
        time.sleep(TAKES)
        count = Builder.__call__(self, number)
        (self.work / f"ended-{number}-{node}").touch()
        return count


@dataclass(frozen=True, slots=True)
class DyingBuilder(Builder):
    """Makes shards, but its process dies on some as often as said, and others raise.

    Each try leaves a note in OUT/work: try-NUMBER-ANYTHING.
    """

    dies: Mapping[int, int] = field(default_factory=dict)
    raises: Mapping[int, type[Exception]] = field(default_factory=dict)

    def __call__(self, number: int) -> int:
        """Make a shard, or not."""
        os.close(tempfile.mkstemp(prefix=f"try-{number}-", dir=self.work)[0])
        if len([*self.work.glob(f"try-{number}-*")]) <= self.dies.get(number, 0):
            os._exit(7)
        if number in self.raises:
            raise self.raises[number](f"shard {number} is ill")
        return Builder.__call__(self, number)
