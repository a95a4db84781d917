"""What each rater did: how much, how right, how fast, and at which positions."""

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Any

from imagewikiqa.core.intervals import clustered_interval
from imagewikiqa.core.records import LETTERS
from imagewikiqa.qa.rounds.ballots import CATEGORIES, Ballots, category
from imagewikiqa.qa.rounds.records import Answer

FAST = 3.0  # seconds in which nobody reads a question and four options


def rate(values: Sequence[float], clusters: Sequence[str]) -> dict[str, Any] | None:
    """Return a mean with its clustered interval as JSON; None without values."""
    return clustered_interval(values, clusters).model_dump() if values else None


def accuracy(ballots: Ballots, answers: Sequence[Answer]) -> dict[str, Any] | None:
    """Return the share of answers that are right, clustered by class."""
    return rate(
        [float(ballots.right(one)) for one in answers],
        [ballots.class_of(one.question_id) for one in answers],
    )


def rater_rows(ballots: Ballots) -> list[dict[str, Any]]:
    """Return one row per rater, in order of name."""
    everyone = (*ballots.graded, *ballots.gold, *ballots.skipped)
    return [_row(ballots, name) for name in sorted({one.rater for one in everyone})]


def confusion(ballots: Ballots, answers: Iterable[Answer]) -> dict[str, dict[str, int]]:
    """Count answers by the letter of the key and by what was answered instead or as well."""
    cells = Counter((ballots.key(one.question_id), category(one)) for one in answers)
    used = [name for name in CATEGORIES if name in LETTERS or any(cells[k, name] for k in LETTERS)]
    return {key: {name: cells[key, name] for name in used} for key in LETTERS}


def _row(ballots: Ballots, name: str) -> dict[str, Any]:
    graded = [one for one in ballots.graded if one.rater == name]
    gold = [one for one in ballots.gold if one.rater == name]
    seconds = [one.seconds for one in (*graded, *gold) if one.seconds is not None]
    return {
        "rater": name,
        "answers": len(graded),
        "skipped": sum(one.rater == name for one in ballots.skipped),
        "right": accuracy(ballots, graded),
        "gold": len(gold),
        "gold_right": sum(map(ballots.right, gold)) / len(gold) if gold else None,
        "median_seconds": median(seconds) if seconds else None,
        "fast": sum(one < FAST for one in seconds) / len(seconds) if seconds else None,
        "positions": _positions((*graded, *gold)),
        "confusion": confusion(ballots, graded),
    }


def _positions(answers: Iterable[Answer]) -> list[float] | None:
    """Return the shares of picks at each shown position: far from equal means no reading."""
    shown = Counter(one.shown for one in answers if one.shown is not None)
    return [shown[at] / shown.total() for at in range(4)] if shown else None
