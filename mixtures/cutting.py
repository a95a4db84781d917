"""Where shards begin and end, and in which order those with and without images stand."""

from collections.abc import Sequence

import numpy as np

from imagewikiqa.mixtures.sources.index import Ints


def cut(sizes: Ints, most_samples: int, most_bytes: float) -> list[int]:
    """Return where each shard begins, and the end: as full as allowed, one sample at the least."""
    ends = np.concatenate([[0], np.cumsum(sizes)])
    places = [0]
    while places[-1] < len(sizes):
        at = places[-1]
        full = int(np.searchsorted(ends, ends[at] + most_bytes, side="right")) - 1
        places.append(max(at + 1, min(full, at + most_samples, len(sizes))))
    return places


def interleaved(counts: Sequence[int]) -> list[int]:
    """Return which of several lists each place is filled from, so that each is spread evenly."""
    middles = [
        ((at + 0.5) / count, kind) for kind, count in enumerate(counts) for at in range(count)
    ]
    return [kind for _, kind in sorted(middles)]
