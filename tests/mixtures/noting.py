"""A builder that is slow and leaves a note of where it worked; workers import it by its name."""

import time
from dataclasses import dataclass

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
