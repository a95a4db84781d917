"""Confidence intervals for rates: Wilson's for single units, a clustered one for the rest."""

from collections import defaultdict
from collections.abc import Hashable, Sequence
from math import pi, sqrt, tan
from statistics import NormalDist

from pydantic import Field

from imagewikiqa.core.records import Part

LEVEL = 0.95


class Interval(Part):
    """A rate between 0 and 1, its two-sided interval, and the number of units behind it."""

    estimate: float
    low: float
    high: float
    n: int = Field(ge=1)

    def holds(self, value: float) -> bool:
        """Return whether a value lies within the interval, ends included."""
        return self.low <= value <= self.high


def wilson(k: float, n: int, level: float = LEVEL) -> Interval:
    """Return Wilson's score interval (1927) for k successes in n independent units.

    k may be fractional (shared credit). Raises ValueError when n < 1 or k is outside 0..n.
    """
    if n < 1 or not 0 <= k <= n:
        raise ValueError(f"wilson needs 0 <= k <= n and n >= 1, got k={k}, n={n}")
    low, high = _score_bounds(k / n, n, NormalDist().inv_cdf((1 + level) / 2))
    return Interval(estimate=k / n, low=low, high=high, n=n)


def clustered_interval(
    values: Sequence[float], clusters: Sequence[Hashable], level: float = LEVEL
) -> Interval:
    """Return the mean of values in 0..1 with an interval that respects their clusters.

    The linearised variance of a mean over clusters (with its G/(G-1) correction) gives an
    effective sample size, which enters Wilson's formula with Student's t on G-1 degrees of
    freedom (the complex-survey form: Dean and Pagano 2015). It never leaves 0..1 and never has
    width 0. One cluster says nothing about spread, so its interval is 0..1. Raises ValueError
    on no values, unequal lengths or a value outside 0..1.
    """
    if not values or len(values) != len(clusters):
        raise ValueError(f"got {len(values)} values for {len(clusters)} cluster names")
    if not all(0 <= value <= 1 for value in values):
        raise ValueError("a clustered interval is for values between 0 and 1")
    n, mean = len(values), min(1.0, max(0.0, sum(values) / len(values)))
    residuals: dict[Hashable, float] = defaultdict(float)
    for value, cluster in zip(values, clusters, strict=True):
        residuals[cluster] += value - mean
    groups = len(residuals)
    if groups == 1:
        return Interval(estimate=mean, low=0.0, high=1.0, n=n)
    variance = sum(r * r for r in residuals.values()) / n**2 * groups / (groups - 1)
    # Equal values everywhere show no spread; then the clusters alone count as evidence.
    effective = mean * (1 - mean) / variance if variance > 1e-15 else float(groups)
    low, high = _score_bounds(mean, min(max(effective, 1.0), n), student_t(groups - 1, level))
    return Interval(estimate=mean, low=low, high=high, n=n)


def student_t(df: int, level: float = LEVEL) -> float:
    """Return the two-sided critical value of Student's t, right to 0.2% from df 1 up.

    Exact for 1 and 2 degrees of freedom, else the expansion of Abramowitz and Stegun 26.7.5.
    """
    p = (1 + level) / 2
    if df == 1:
        return 1 / tan(pi * (1 - p))
    if df == 2:
        return (2 * p - 1) / sqrt(2 * p * (1 - p))
    z = NormalDist().inv_cdf(p)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / float(df) ** (power + 1) for power, term in enumerate(terms))


def uniformity(counts: Sequence[int]) -> float:
    """Return the p-value of Pearson's chi-squared test that all counts come from equal shares.

    Uses the Wilson-Hilferty cube-root approximation; 1.0 when there is nothing to test.
    """
    total, df = sum(counts), len(counts) - 1
    if df < 1 or len(set(counts)) == 1:
        return 1.0
    expected = total / len(counts)
    statistic = sum((count - expected) ** 2 for count in counts) / expected
    spread = 2 / (9 * df)
    cube_root: float = (statistic / df) ** (1 / 3)
    return 1 - NormalDist().cdf((cube_root - (1 - spread)) / sqrt(spread))


def _score_bounds(rate: float, n: float, z: float) -> tuple[float, float]:
    """Return the ends of the score interval; they always hold the rate itself."""
    centre = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * sqrt(rate * (1 - rate) / n + z * z / (4 * n * n))
    return min(rate, max(0.0, centre - half)), max(rate, min(1.0, centre + half))
