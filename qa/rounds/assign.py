"""Who answers what: every question by as many raters as asked, loads and pairs balanced."""

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

from imagewikiqa.core.digests import keyed_int, keyed_order


def assign(
    questions: Sequence[str], raters: Sequence[str], overlap: int, seed: int = 0
) -> dict[str, tuple[str, ...]]:
    """Return the raters of each question, in the raters' own order.

    Loads differ by one at most. Each question goes to those who have the least so far, among
    them to those who met each other least, so that every pair shares questions. Raises ValueError
    when `overlap` is not between 1 and the number of raters.
    """
    if not 1 <= overlap <= len(raters):
        raise ValueError(f"an overlap of {overlap} needs as many raters, got {len(raters)}")
    load: Counter[str] = Counter()
    met: Counter[tuple[str, str]] = Counter()
    given: dict[str, tuple[str, ...]] = {}
    for question in keyed_order(questions, str, seed, "assign"):
        chosen: list[str] = []
        for _ in range(overlap):
            chosen.append(
                min(
                    (rater for rater in raters if rater not in chosen),
                    key=lambda rater: (
                        load[rater],
                        sum(met[_pair(rater, other)] for other in chosen),
                        keyed_int(seed, "rater", question, rater),
                    ),
                )
            )
        load.update(chosen)
        met.update(_pair(a, b) for a, b in combinations(chosen, 2))
        given[question] = tuple(rater for rater in raters if rater in chosen)
    return {question: given[question] for question in questions}


def _pair(a: str, b: str) -> tuple[str, str]:
    return (a, b) if a < b else (b, a)
