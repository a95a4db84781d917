"""From people's answers to verdicts: keep, fix, drop, or open while too few have answered."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.qa.rounds.records import Answer, Kind, Option, Subject, Verdict

_DROPPING = {
    "several_right": "more than one option is right",
    "unclear_question": "the question is unclear",
}
Outcome = tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class VerdictSettings:
    """How many answers decide, and the share of them that a majority must pass.

    Where a round gave a question to fewer raters, as an adjudication does, all of them decide it.
    """

    min_votes: int = 2
    share: float = 0.5

    def agree(self, count: int, of: int) -> bool:
        """Return whether `count` of `of` answers are a majority."""
        return count > self.share * of


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundVotes:
    """A round as far as verdicts need it: what it asked and what came back."""

    round: str
    kind: Kind
    overlap: int  # raters of each question
    subjects: Sequence[Subject]
    answers: Sequence[Answer]


def verdicts(
    rounds: Sequence[RoundVotes], settings: VerdictSettings = VerdictSettings()
) -> list[Verdict]:
    """Return one verdict for each question of the rounds that is no gold one.

    The last round that holds a question decides it, as an adjudication does; votes, raters and
    comments of all rounds are listed. Questions come in the order in which the rounds first hold
    them; the order of answers decides nothing. Raises ToolkitError for a picture round.
    """
    for one in rounds:
        if one.kind == "picture":
            raise ToolkitError(
                f"round {one.round} asks people to answer from the picture: that judges people, "
                "not questions; apply rounds of kind article or review"
            )
    ids = [{subject.id for subject in one.subjects} for one in rounds]
    subjects = {s.id: s for one in rounds for s in one.subjects if s.origin != "gold"}
    given: dict[str, list[list[Answer]]] = {name: [[] for _ in rounds] for name in subjects}
    for at, one in enumerate(rounds):
        for answer in sorted(one.answers, key=lambda row: (row.rater, row.id)):
            if answer.question_id in given and not answer.gold:
                given[answer.question_id][at].append(answer)
    return [
        _verdict(
            subject, rounds, [at for at, held in enumerate(ids) if name in held], given[name],
            settings,
        )
        for name, subject in subjects.items()
    ]  # fmt: skip


def disagreements(subjects: Iterable[Subject], answers: Iterable[Answer]) -> list[str]:
    """Return the ids of questions on which two raters said different things, in their order.

    Only raters are compared with one another: a question on which all chose another option than
    the key is agreed upon, and flags or comments alone are no disagreement. A review differs in
    any of its judgements. Skipped tasks and gold questions do not count.
    """
    said: dict[str, set[object]] = {}
    for one in answers:
        if one.state != "skipped":
            said.setdefault(one.question_id, set()).add((one.state, one.pick, one.review))
    return [s.id for s in subjects if s.origin != "gold" and len(said.get(s.id, ())) > 1]


def _verdict(
    subject: Subject,
    rounds: Sequence[RoundVotes],
    held: Sequence[int],
    answers: Sequence[Sequence[Answer]],
    settings: VerdictSettings,
) -> Verdict:
    every = [one for at in held for one in answers[at]]
    counted = [one for one in every if one.state != "skipped"]
    deciding = [one for one in answers[held[-1]] if one.state != "skipped"]
    key = subject.question.answer
    needed = min(settings.min_votes, rounds[held[-1]].overlap)
    if len(deciding) < needed:
        outcome = ("open", "too few answers")
    elif rounds[held[-1]].kind == "review":
        outcome = _reviewed(deciding, key, settings)
    else:
        outcome = _answered(deciding, key, settings)
    chosen = [_chosen(one) for one in counted]
    return Verdict.model_validate({
        "id": subject.id,
        "verdict": outcome[0],
        "reason": outcome[1],
        "origin": subject.origin,
        "key": key,
        "votes": tuple(chosen.count(option) for option in range(4)),
        "none_right": sum(_none_right(one) for one in counted),
        "skipped": len(every) - len(counted),
        "raters": tuple(sorted({one.rater for one in counted})),
        "consensus": _most(deciding),
        "flags": dict(sorted(Counter(flag for one in counted for flag in one.flags).items())),
        "comments": tuple(one.comment for one in every if one.comment),
        "rounds": tuple(rounds[at].round for at in held),
        "bad_image": subject.image if _not_shown(deciding, needed, settings) else None,
    })  # fmt: skip


def _answered(answers: Sequence[Answer], key: Option, settings: VerdictSettings) -> Outcome:
    """Decide by picks. A right key that the article does not bear out needs a person: fix."""
    total = len(answers)
    flags = Counter(flag for one in answers for flag in one.flags)
    for flag, reason in _DROPPING.items():
        if settings.agree(flags[flag], total):
            return "drop", reason
    if settings.agree(sum(map(_none_right, answers)), total):
        return "drop", "no option is right"
    pick = _majority(answers, settings)
    if pick is None:
        return "drop", "no majority"
    if pick != key:
        return "fix", "another option was chosen"
    if settings.agree(flags["not_in_article"], total):
        return "fix", "the article does not say"
    return "keep", "the key was chosen"


def _reviewed(answers: Sequence[Answer], key: Option, settings: VerdictSettings) -> Outcome:
    reviews = [one.review for one in answers if one.review is not None]
    total = len(reviews)
    if settings.agree(sum(not one.answerable for one in reviews), total):
        return "drop", "not answerable"
    if not settings.agree(sum(len(one.right) == 1 for one in reviews), total):
        return "drop", "not exactly one option right"
    pick = _majority(answers, settings)
    if pick is None:
        return "drop", "no majority"
    if pick != key:
        return "fix", "another option was chosen"
    if settings.agree(sum(one.wording == "odd" for one in reviews), total):
        return "fix", "the wording is odd"
    return "keep", "the key was chosen"


def _not_shown(answers: Sequence[Answer], needed: int, settings: VerdictSettings) -> bool:
    """Return whether enough raters judged the image and most say that it lacks the class."""
    seen = [one.review.picture for one in answers if one.review and one.review.picture]
    against = sum(one == "no" for one in seen)
    return len(seen) >= needed and settings.agree(against, len(seen))


def _chosen(answer: Answer) -> Option | None:
    """Return the one option that an answer holds right; None for none or several."""
    if answer.review is None:
        return answer.pick
    return answer.review.right[0] if len(answer.review.right) == 1 else None


def _none_right(answer: Answer) -> bool:
    return answer.state == "none_right" or (answer.review is not None and not answer.review.right)


def _majority(answers: Sequence[Answer], settings: VerdictSettings) -> Option | None:
    most = _most(answers)
    count = sum(most is not None and _chosen(one) == most for one in answers)
    return most if settings.agree(count, len(answers)) else None


def _most(answers: Sequence[Answer]) -> Option | None:
    """Return the option chosen most often; None for a tie or no choice."""
    votes = Counter(pick for one in answers if (pick := _chosen(one)) is not None)
    ranked = votes.most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    return ranked[0][0]
