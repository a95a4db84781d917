"""Kappas by statsmodels: Cohen's for each pair of raters, Fleiss' where all answered as often."""

from collections import Counter
from collections.abc import Hashable, Sequence
from itertools import combinations
from math import isnan
from types import ModuleType

from pydantic import Field

from imagewikiqa.core.errors import MissingExtraError
from imagewikiqa.core.records import Part
from imagewikiqa.qa.agreement.votes import Votes, categories, raters, tally


class PairKappa(Part):
    """Cohen's kappa of two raters over the units that both answered."""

    first: str
    second: str
    units: int = Field(ge=1)
    agreed: float = Field(description="share of those units with the same answer")
    kappa: float | None = Field(description="None when both always gave the same one category")


class FleissKappa(Part):
    """Fleiss' kappa over the units with exactly `answers` answers."""

    answers: int = Field(ge=2)
    units: int = Field(ge=1)
    kappa: float | None = Field(description="None when only one category was given")


def cohen_kappas(votes: Votes) -> list[PairKappa]:
    """Return Cohen's kappa (1960) of every pair of raters with a unit in common.

    Raises MissingExtraError without statsmodels.
    """
    library, known = _inter_rater(), categories(votes)
    found = []
    for first, second in combinations(raters(votes), 2):
        both = [(g[first], g[second]) for g in votes.values() if first in g and second in g]
        if both:
            kappa = _cohen(library, both, known)
            agreed = sum(a == b for a, b in both) / len(both)
            found.append(
                PairKappa(first=first, second=second, units=len(both), agreed=agreed, kappa=kappa)
            )
    return found


def fleiss_kappa(votes: Votes) -> FleissKappa | None:
    """Return Fleiss' kappa (1971) on the units with the most frequent number of answers from two.

    Fleiss' form needs the same number of answers everywhere; of equally frequent numbers the
    larger counts. None when no unit has two answers. Raises MissingExtraError without statsmodels.
    """
    library, known = _inter_rater(), categories(votes)
    sizes = Counter(len(given) for given in votes.values() if len(given) > 1)
    if not sizes:
        return None
    answers = max(sizes, key=lambda size: (sizes[size], size))
    counted = [tally(given.values()) for given in votes.values() if len(given) == answers]
    kappa = None
    if len(set().union(*counted)) > 1:
        table = [[counts[category] for category in known] for counts in counted]
        kappa = _number(library.fleiss_kappa(table, method="fleiss"))
    return FleissKappa(answers=answers, units=len(counted), kappa=kappa)


def _cohen(
    library: ModuleType, both: Sequence[tuple[Hashable, Hashable]], known: Sequence[Hashable]
) -> float | None:
    if len({category for pair in both for category in pair}) < 2:
        return None
    cells = Counter(both)
    table = [[cells[a, b] for b in known] for a in known]
    return _number(library.cohens_kappa(table, return_results=False))


def _number(kappa: float) -> float | None:
    return None if isnan(kappa) else float(kappa)


def _inter_rater() -> ModuleType:
    try:
        from statsmodels.stats import inter_rater
    except ImportError as error:
        raise MissingExtraError("statsmodels", "verify") from error
    found: ModuleType = inter_rater
    return found
