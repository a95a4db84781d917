"""The answers of a round joined to their questions: what counts as a vote, and for which key."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import LETTERS
from imagewikiqa.qa.rounds.records import Answer, Kind, Subject

NONE, SEVERAL = "none", "several"
CATEGORIES = (*LETTERS, NONE, SEVERAL)


def category(answer: Answer) -> str | None:
    """Return what an answer votes for: a letter of the question's choices, 'none' or 'several'.

    A review votes for the one option it finds right. None when the task was skipped.
    """
    if answer.pick is not None:
        return LETTERS[answer.pick]
    if answer.review is not None:
        right = set(answer.review.right)
        if len(right) == 1:
            return LETTERS[right.pop()]
        return SEVERAL if right else NONE
    return NONE if answer.state == "none_right" else None


@dataclass(frozen=True, slots=True)
class Ballots:
    """All answers of a round by what they are for; gold ones measure raters and nothing else."""

    kind: Kind | None
    subjects: Mapping[str, Subject]  # by the question's id
    graded: tuple[Answer, ...]  # on questions that are no gold, and not skipped
    gold: tuple[Answer, ...]  # on gold questions, and not skipped
    skipped: tuple[Answer, ...]
    votes: Mapping[str, Mapping[str, str]]  # question -> rater -> category, without gold

    def key(self, question: str) -> str:
        """Return the letter of the right option."""
        return LETTERS[self.subjects[question].question.answer]

    def class_of(self, question: str) -> str:
        """Return the class id of a question: intervals are clustered by it."""
        return self.subjects[question].question.class_id

    def right(self, answer: Answer) -> bool:
        """Return whether an answer votes for the key alone."""
        return category(answer) == self.key(answer.question_id)


def join(subjects: Sequence[Subject], answers: Sequence[Answer]) -> Ballots:
    """Join answers to their questions; the order of the answers does not matter.

    Raises ToolkitError on an answer to an unknown question, on answers of two kinds, and on two
    answers of one rater to one question.
    """
    known = {one.question.id: one for one in subjects}
    ordered = sorted(answers, key=lambda one: (one.question_id, one.rater, one.id))
    kinds = sorted({one.kind for one in ordered})
    if len(kinds) > 1:
        raise ToolkitError(
            f"answers.jsonl holds answers of the kinds {' and '.join(kinds)}, but a round has one:"
            " run verify pull again"
        )
    votes: dict[str, dict[str, str]] = defaultdict(dict)
    for one in ordered:
        _add(votes, one, known)
    given = [one for one in ordered if one.state != "skipped"]
    return Ballots(
        kind=kinds[0] if kinds else None,
        subjects=known,
        graded=tuple(one for one in given if not one.gold),
        gold=tuple(one for one in given if one.gold),
        skipped=tuple(one for one in ordered if one.state == "skipped"),
        votes=dict(votes),
    )


def _add(votes: dict[str, dict[str, str]], one: Answer, known: Mapping[str, Subject]) -> None:
    if one.question_id not in known:
        raise ToolkitError(
            f"answer {one.id} in answers.jsonl is to question {one.question_id}, which"
            " subjects.jsonl lacks: both have to come from the same round"
        )
    if one.gold or (found := category(one)) is None:
        return
    if one.rater in votes[one.question_id]:
        raise ToolkitError(
            f"answers.jsonl holds two answers of {one.rater} to question {one.question_id}: run"
            " verify pull again"
        )
    votes[one.question_id][one.rater] = found
