"""The majority of the answers to a unit."""

from collections.abc import Hashable, Mapping

from imagewikiqa.qa.agreement.votes import tally


def majority(given: Mapping[str, Hashable]) -> Hashable | None:
    """Return the category most raters gave; None for a tie at the top and for no answer."""
    ranked = tally(given.values()).most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]
