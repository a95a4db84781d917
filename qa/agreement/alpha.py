"""Krippendorff's alpha for unordered categories, with missing answers and a clustered interval."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping
from fractions import Fraction
from math import sqrt

from pydantic import Field

from imagewikiqa.core.intervals import student_t
from imagewikiqa.core.records import Part
from imagewikiqa.qa.agreement.votes import Votes, tally


class Alpha(Part):
    """Alpha (1: perfect, 0: as by chance), its 95% interval, and what it rests on."""

    alpha: float | None = Field(description="None: nothing to pair, or only one category in use")
    low: float | None = Field(None, description="None when the clusters say nothing of its spread")
    high: float | None = None
    units: int = Field(ge=0, description="units with two answers or more")
    values: int = Field(ge=0, description="answers on those units")
    clusters: int = Field(ge=0)


class _Sums:
    """What alpha needs of some units: disagreeing pairs, and how often each category was used."""

    __slots__ = ("pairs", "used")

    def __init__(self) -> None:
        self.pairs = Fraction(0)
        self.used: Counter[Hashable] = Counter()

    def add(self, counts: Counter[Hashable]) -> None:
        """Add one unit; a unit of m answers spreads each over its m - 1 partners."""
        m = counts.total()
        unequal = m * m - sum(n * n for n in counts.values())
        self.pairs += Fraction(unequal, m - 1)
        self.used.update(counts)

    def without(self, other: "_Sums") -> "_Sums":
        """Return the sums of all units but the other ones."""
        rest = _Sums()
        rest.pairs, rest.used = self.pairs - other.pairs, self.used - other.used
        return rest

    def alpha(self) -> Fraction | None:
        """Return 1 - observed / expected disagreement; None where none is to be expected."""
        n = self.used.total()
        expected = n * n - sum(count * count for count in self.used.values())
        return 1 - (n - 1) * self.pairs / expected if expected else None


def exact_alpha(votes: Votes) -> Fraction | None:
    """Return nominal alpha as an exact fraction, by way of the coincidence matrix.

    Its off-diagonal sum and its margins are all that the nominal form needs. Answers on a unit
    that nobody else answered pair with nothing and are left out. None when no unit has two
    answers, or when all of them are the same category: then alpha is 0/0, neither 1 nor 0.
    Source: Krippendorff, Computing Krippendorff's Alpha-Reliability (2011).
    """
    return _whole(_by_cluster(votes, {})).alpha()


def krippendorff_alpha(votes: Votes, clusters: Mapping[str, Hashable] | None = None) -> Alpha:
    """Return alpha with a 95% interval from the jackknife over clusters of units.

    `clusters` maps a unit to its cluster, as in its class; a unit that it lacks stands alone. One
    cluster is left out at a time and Student's t on G-1 degrees of freedom is used, so no chance
    enters. The interval is cut at 1. It is None for one cluster, when leaving one out leaves
    alpha undefined, and when no cluster changes alpha (as with perfect agreement).
    """
    parts = _by_cluster(votes, clusters or {})
    whole = _whole(parts)
    found = whole.alpha()
    low, high = _jackknife(whole, parts) if found is not None else (None, None)
    return Alpha(
        alpha=None if found is None else float(found),
        low=low,
        high=high,
        units=sum(len(given) > 1 for given in votes.values()),
        values=whole.used.total(),
        clusters=len(parts),
    )


def _by_cluster(votes: Votes, clusters: Mapping[str, Hashable]) -> dict[Hashable, _Sums]:
    parts: dict[Hashable, _Sums] = defaultdict(_Sums)
    for unit, given in votes.items():
        if len(given) > 1:
            name = ("in", clusters[unit]) if unit in clusters else ("alone", unit)
            parts[name].add(tally(given.values()))
    return parts


def _whole(parts: Mapping[Hashable, _Sums]) -> _Sums:
    whole = _Sums()
    whole.pairs = sum((part.pairs for part in parts.values()), Fraction(0))
    for part in parts.values():
        whole.used.update(part.used)
    return whole


def _jackknife(
    whole: _Sums, parts: Mapping[Hashable, _Sums]
) -> tuple[float, float] | tuple[None, None]:
    """Return the interval around the alpha of the whole, or two None where there is none."""
    found, groups = whole.alpha(), len(parts)
    left = [whole.without(part).alpha() for part in parts.values()]
    if found is None or groups < 2:
        return None, None
    known = [float(one) for one in left if one is not None]
    if len(known) < groups or max(known) == min(known):
        return None, None
    mean = sum(sorted(known)) / groups
    variance = (groups - 1) / groups * sum(sorted((one - mean) ** 2 for one in known))
    half = student_t(groups - 1) * sqrt(variance)
    return float(found) - half, min(1.0, float(found) + half)
