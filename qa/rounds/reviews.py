"""The figures of a round of quality reviews: four questions about each question."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any

from imagewikiqa.qa.agreement.alpha import krippendorff_alpha
from imagewikiqa.qa.rounds.ballots import Ballots
from imagewikiqa.qa.rounds.rater_table import rate
from imagewikiqa.qa.rounds.records import Answer, Review

# Name -> what is said (for alpha), and which of it is good (for the share); None: not asked.
FIELDS: dict[str, tuple[Callable[[Review], str | None], str]] = {
    "answerable": (lambda review: "yes" if review.answerable else "no", "yes"),
    "natural_wording": (lambda review: review.wording, "natural"),
    "picture_shows_the_class": (lambda review: review.picture, "yes"),
}
WORDS = {
    "answerable": "Can be answered",
    "exactly_the_key": "Exactly one option is right, and it is the key",
    "natural_wording": "Worded naturally",
    "picture_shows_the_class": "The picture shows the class",
}


def review_figures(ballots: Ballots) -> dict[str, Any]:
    """Return for each field the share of good answers with its interval, and its alpha."""
    found = {name: _field(ballots, said, good) for name, (said, good) in FIELDS.items()}
    found["exactly_the_key"] = _figure(
        ballots,
        [(one, ",".join(map(str, sorted(set(one.review.right)))))
         for one in ballots.graded if one.review],
        lambda one, _: ballots.right(one),
    )  # fmt: skip
    return {name: found[name] for name in WORDS}


def _field(ballots: Ballots, said: Callable[[Review], str | None], good: str) -> dict[str, Any]:
    pairs = [(one, said(one.review)) for one in ballots.graded if one.review]
    asked = [(one, value) for one, value in pairs if value is not None]
    return _figure(ballots, asked, lambda _, value: value == good)


def _figure(
    ballots: Ballots, asked: list[tuple[Answer, str]], good: Callable[[Answer, str], bool]
) -> dict[str, Any]:
    votes: dict[str, dict[str, str]] = defaultdict(dict)
    for one, value in asked:
        votes[one.question_id][one.rater] = value
    classes = [ballots.class_of(one.question_id) for one, _ in asked]
    clusters = {question: ballots.class_of(question) for question in votes}
    return {
        "share": rate([float(good(one, value)) for one, value in asked], classes),
        "alpha": krippendorff_alpha(votes, clusters).model_dump(),
    }
