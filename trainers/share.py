"""This process's share of a mixture, where several train together."""

import os
from pathlib import Path
from typing import TypedDict, Unpack

import torch

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures import Mixture, load
from imagewikiqa.mixtures.reader.mixture import Tail
from imagewikiqa.mixtures.reader.shards import Check


class Reading(TypedDict, total=False):
    """The options of `mixtures.load`."""

    seed: int
    rank: int
    ranks: int
    shuffle: bool
    epoch: int
    tail: Tail
    check: Check
    cache: Path | None


def load_share(folder: str | Path, **reading: Unpack[Reading]) -> Mixture:
    """Open a mixture as `mixtures.load` does, with rank and ranks of `torch.distributed`.

    Both may be given instead. Raises ToolkitError as `mixtures.load`, and in a process that a
    launcher started among others and that has not joined them.
    """
    if given := {"rank", "ranks"} & reading.keys():
        if len(given) == 1:
            raise ToolkitError(f"{given.pop()} was given alone: give rank and ranks, or neither")
    else:
        reading["rank"], reading["ranks"] = _rank_and_ranks()
    return load(folder, **reading)


def _rank_and_ranks() -> tuple[int, int]:
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        return torch.distributed.get_rank(), torch.distributed.get_world_size()
    if (count := os.environ.get("WORLD_SIZE", "1")) != "1":
        raise ToolkitError(
            f"this is one of {count} processes (WORLD_SIZE) and each would read every sample: call"
            " torch.distributed.init_process_group first, or give rank and ranks"
        )
    return 0, 1
