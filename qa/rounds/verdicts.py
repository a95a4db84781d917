"""From answers to verdicts: which questions are kept, fixed, dropped, or still open."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.qa.rounds.plan import RoundPlan
from imagewikiqa.qa.rounds.records import Answer, Subject, Verdict

MIN_VOTES = 2
OPEN = "too few answers"
KEPT = "the key was chosen"
OTHER = "another option was chosen"
NONE = "no option is right"
SEVERAL = "more than one option is right"
UNCLEAR = "unclear question"
UNSAID = "the article does not say"
UNANSWERABLE = "cannot be answered"
ODD = "odd wording"
TIED = "no majority"


@dataclass(frozen=True, slots=True)
class Answered:
    """A round with what came back."""

    plan: RoundPlan
    subjects: Sequence[Subject]
    answers: Sequence[Answer]


@dataclass(slots=True)
class _Count:
    """The answers to one question in one round."""

    given: list[Answer]
    flags: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.flags.update(flag for one in self.counted for flag in one.flags)

    @property
    def counted(self) -> list[Answer]:
        """Return the answers that say something about the question."""
        return [one for one in self.given if one.state != "skipped"]

    def most(self, votes: int) -> bool:
        """Return whether so many are more than half of the answers."""
        return 2 * votes > len(self.counted)

    @property
    def votes(self) -> tuple[int, int, int, int]:
        """Return how many chose each of the choices; a review may tick several."""
        chosen: Counter[int] = Counter()
        for one in self.counted:
            chosen.update(one.review.right if one.review else ())
            chosen.update([one.pick] if one.pick is not None else ())
        return chosen[0], chosen[1], chosen[2], chosen[3]

    @property
    def none_right(self) -> int:
        """Return how many say that no option is right."""
        return sum(
            one.state == "none_right" or (one.review is not None and not one.review.right)
            for one in self.counted
        )


def verdicts(rounds: Sequence[Answered], min_votes: int = MIN_VOTES) -> list[Verdict]:
    """Return a verdict on every question of the rounds, in the order of their subjects.

    The last round that holds a question and has answers enough decides it: an adjudication follows
    the round whose disagreements it settles. Enough are `min_votes`, or all raters of a question
    where it was given to fewer. Raises ToolkitError for a picture round.
    """
    found: dict[str, Verdict] = {}
    comments: dict[str, list[str]] = defaultdict(list)
    held: dict[str, list[str]] = defaultdict(list)
    for one in rounds:
        if one.plan.kind == "picture":
            raise ToolkitError(
                f"round {one.plan.round} is of kind picture: it measures how well people do, not "
                "how good questions are; give article or review rounds"
            )
        by_question: dict[str, list[Answer]] = defaultdict(list)
        for answer in sorted(one.answers, key=lambda a: (a.question_id, a.rater)):
            by_question[answer.question_id].append(answer)
        for subject in one.subjects:
            if subject.origin == "gold":
                continue
            count = _Count(by_question[subject.id])
            held[subject.id].append(one.plan.round)
            comments[subject.id] += [a.comment for a in count.given if a.comment]
            said = _decide(subject, count, one.plan, min_votes)
            if subject.id not in found or said.verdict != "open":
                found[subject.id] = said
    return [
        one.model_copy(update={"comments": tuple(comments[name]), "rounds": tuple(held[name])})
        for name, one in found.items()
    ]


def disagreements(answered: Answered) -> list[str]:
    """Return the questions whose raters did not all say the same, in the subjects' order.

    What all say alike needs no second round, be it the key or not.
    """
    said: dict[str, set[object]] = defaultdict(set)
    for one in answered.answers:
        if one.state != "skipped":
            review = one.review.model_dump_json() if one.review else None
            said[one.question_id].add((one.pick, review))
    return [one.id for one in answered.subjects if one.origin != "gold" and len(said[one.id]) > 1]


def _decide(subject: Subject, count: _Count, plan: RoundPlan, min_votes: int) -> Verdict:
    verdict, reason = "open", OPEN
    if count.counted and len(count.counted) >= min(min_votes, plan.overlap):
        rule = _review if plan.kind == "review" else _article
        verdict, reason = rule(subject.question.answer, count)
    pictures = [one.review.picture for one in count.counted if one.review]
    return Verdict.model_validate({
        "id": subject.id,
        "verdict": verdict,
        "reason": reason,
        "origin": subject.origin,
        "key": subject.question.answer,
        "votes": count.votes,
        "none_right": count.none_right,
        "skipped": len(count.given) - len(count.counted),
        "raters": sorted({one.rater for one in count.counted}),
        "consensus": _consensus(count.votes, count.none_right),
        "flags": dict(sorted(count.flags.items())),
        "wrong_picture": count.most(pictures.count("no")),
        "rounds": (plan.round,),
    })  # fmt: skip


def _article(key: int, count: _Count) -> tuple[str, str]:
    """Return verdict and reason by the answers to a question with class and article."""
    if count.most(count.flags["several_right"]):
        return "drop", SEVERAL
    if count.most(count.flags["unclear_question"]):
        return "drop", UNCLEAR
    if count.most(count.none_right):
        return "drop", NONE
    chosen = [at for at, votes in enumerate(count.votes) if count.most(votes)]
    if not chosen:
        return "drop", TIED
    if chosen[0] != key:
        return "fix", OTHER
    if count.most(count.flags["not_in_article"]):
        return "fix", UNSAID
    return "keep", KEPT


def _review(key: int, count: _Count) -> tuple[str, str]:
    """Return verdict and reason by the judgements of a question."""
    reviews = [one.review for one in count.counted if one.review]
    if count.most(sum(not one.answerable for one in reviews)):
        return "drop", UNANSWERABLE
    if count.most(count.none_right):
        return "drop", NONE
    if count.most(sum(len(one.right) > 1 for one in reviews)):
        return "drop", SEVERAL
    single = Counter(one.right[0] for one in reviews if len(one.right) == 1)
    chosen = [at for at, votes in single.items() if count.most(votes)]
    if not chosen:
        return "drop", TIED
    if chosen[0] != key:
        return "fix", OTHER
    if count.most(sum(one.wording == "odd" for one in reviews)):
        return "fix", ODD
    return "keep", KEPT


def _consensus(votes: Sequence[int], none_right: int) -> int | None:
    """Return the option that most chose; None for a tie, and where none right leads."""
    best = max(votes)
    leaders = [at for at, count in enumerate(votes) if count == best]
    return leaders[0] if best > none_right and len(leaders) == 1 else None
