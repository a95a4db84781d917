"""Votes: what each rater answered on each unit; an answer that is missing is an absent key."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from typing import TypeAlias

Votes: TypeAlias = Mapping[str, Mapping[str, Hashable]]  # unit -> rater -> category


def tally(answers: Iterable[Hashable]) -> Counter[Hashable]:
    """Return how often each category was given."""
    return Counter(answers)


def categories(votes: Votes) -> list[Hashable]:
    """Return every category that was given, in order of its text."""
    return sorted({category for given in votes.values() for category in given.values()}, key=str)


def raters(votes: Votes) -> list[str]:
    """Return everyone who answered, in order of name."""
    return sorted({rater for given in votes.values() for rater in given})
