"""Where shards are made: in processes of this machine, or on a Ray cluster."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from imagewikiqa.core.spread import spread

if TYPE_CHECKING:
    from imagewikiqa.mixtures.build import Builder


class Engine(Protocol):
    """Makes shards by number. It keeps no state: what is finished lies on disk."""

    def __call__(self, builder: "Builder", numbers: Iterable[int]) -> Iterator[int]:
        """Make the shards; yield how many samples each holds, in the order of the numbers."""


@dataclass(frozen=True, slots=True)
class Local:
    """Makes shards in this process, or in so many processes of this machine."""

    workers: int = 1

    def __call__(self, builder: "Builder", numbers: Iterable[int]) -> Iterator[int]:
        """Make the shards; ToolkitError when a process dies."""
        return spread(builder, numbers, self.workers)


def open_engine(name: Literal["local", "ray"], workers: int | None, address: str | None) -> Engine:
    """Return an engine; `workers` is how many shards are made at once, `address` that of Ray.

    Raises ToolkitError when Ray is asked for and is not installed or does not answer.
    """
    if name == "local":
        return Local(workers or 1)
    from imagewikiqa.mixtures.on_ray import open_cluster

    return open_cluster(address, workers)
