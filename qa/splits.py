"""Splits by class: a class goes where its own id says, so none moves when others join."""

from collections.abc import Mapping

from imagewikiqa.core.digests import keyed_int

_STEPS = 1 << 32


def split_of(class_id: str, splits: Mapping[str, float], seed: int) -> str | None:
    """Return the split of a class; None where there are no splits.

    A keyed hash of the class falls between the bounds of the shares, taken in the order of
    `splits`. Shares hold over many classes and never exactly.
    """
    place, bound, last = keyed_int(seed, "split", class_id) % _STEPS, 0.0, None
    for last, share in splits.items():
        bound += share
        if place < bound * _STEPS:
            return last
    return last
