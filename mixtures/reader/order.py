"""A shuffle of N places that is computed, not kept: which sample stands where in an epoch.

A Feistel network over pairs (left, right) with left < a and right < b, as in format-preserving
encryption, is a bijection of [0, a * b); what falls outside [0, N) is sent through it again
("cycle walking", Black and Rogaway 2002). With a and b near the root of N that is rare.
"""

from math import isqrt

from imagewikiqa.core.digests import keyed_int

_ROUNDS = 4  # as many as make it a strong permutation (Luby and Rackoff 1988)
_WORD = (1 << 64) - 1
_ODD = 0x9E3779B97F4A7C15  # 2^64 over the golden ratio, as in splitmix64


class Shuffle:
    """A permutation of [0, count) decided by a seed and an epoch alone."""

    def __init__(self, count: int, seed: int, epoch: int) -> None:
        """Raise ValueError for fewer than one place."""
        if count < 1:
            raise ValueError(f"a shuffle needs at least one place, not {count}")
        self._count = count
        self._left = isqrt(count - 1) + 1
        self._right = -(-count // self._left)
        self._keys = [
            (keyed_int("mixture order", seed, epoch, one), keyed_int("and", seed, epoch, one))
            for one in range(_ROUNDS // 2)
        ]

    def __call__(self, place: int) -> int:
        """Return the number of the sample at a place; raise IndexError for no such place."""
        if not 0 <= place < self._count:
            raise IndexError(f"there is no place {place} among {self._count}")
        lefts, rights = self._left, self._right
        while True:
            left, right = divmod(place, rights)
            for first, second in self._keys:
                mixed = (right + first) * _ODD & _WORD
                mixed = (mixed ^ mixed >> 32) * _ODD & _WORD
                left = (left + (mixed >> 16)) % lefts
                mixed = (left + second) * _ODD & _WORD
                mixed = (mixed ^ mixed >> 32) * _ODD & _WORD
                right = (right + (mixed >> 16)) % rights
            place = left * rights + right
            if place < self._count:
                return place


def in_order(place: int) -> int:
    """Return the number of the sample at a place when nothing is shuffled: the place itself."""
    return place
