"""Verdicts put into the set: what stays with its votes, what leaves with its reason."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import LETTERS, HumanVotes, Item, Question, Reject
from imagewikiqa.qa.rounds.fixes import Fix, fixed
from imagewikiqa.qa.rounds.records import Verdict
from imagewikiqa.qa.rounds.verdicts import RoundVotes

STAGE = "verify apply"


@dataclass(slots=True)
class Applied:
    """A set after people looked at it."""

    questions: list[Question] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    recovered: list[Question] = field(default_factory=list)  # disputed drafts found good
    dropped: list[Reject] = field(default_factory=list)


def apply_verdicts(
    questions: Sequence[Question],
    items: Sequence[Item],
    verdicts: Mapping[str, Verdict],
    *,
    disputed: Iterable[Question] = (),
    fixes: Mapping[str, Fix] | None = None,
    verified_only: bool = False,
) -> Applied:
    """Return the set with `human` in its questions, in its order; no id and no letter moves.

    Kept questions stay; those to fix come back as `fixes` has them, else they are left out. Open
    ones and those that nobody was asked about stay unless `verified_only`. An image that raters
    found wrong leaves, and with its last image a question. Every loss is a reject.
    """
    applied = Applied()
    bad = {(v.id, v.bad_image) for v in verdicts.values() if v.bad_image is not None}
    by_question: dict[str, list[Item]] = {}
    for item in items:
        by_question.setdefault(item.question_id, []).append(item)
    for question in questions:
        verdict = verdicts.get(question.id)
        new, why = _decided(question, verdict, fixes or {}, verified_only)
        mine = by_question.get(question.id, [])
        shown = [one for one in mine if (question.id, one.image) not in bad]
        if new is not None and mine and not shown:
            why = "no image left that shows the class"
        if new is None or why:
            applied.dropped.append(_reject(question, why))
            continue
        applied.questions.append(new)
        applied.items += [_item(one, new) for one in shown]
    for question in disputed:
        verdict = verdicts.get(question.id)
        if verdict is not None and verdict.verdict == "keep":
            applied.recovered.append(_with_votes(question, verdict))
    return applied


def check_texts(rounds: Iterable[RoundVotes], questions: Mapping[str, Question]) -> None:
    """Raise ToolkitError where a round asked something else than the set holds now."""
    for one in rounds:
        for subject in one.subjects:
            now = questions.get(subject.id)
            if subject.origin == "set" and (now is None or _asked(now) != _asked(subject.question)):
                what = "is not in the run" if now is None else "has other words or options now"
                raise ToolkitError(
                    f"round {one.round}: its question {subject.id} {what}; apply the round to the "
                    "run that it was prepared from"
                )


def _asked(question: Question) -> tuple[object, ...]:
    return question.question, question.choices, question.answer


def _decided(
    question: Question, verdict: Verdict | None, fixes: Mapping[str, Fix], verified_only: bool
) -> tuple[Question | None, str]:
    """Return the question as it stays, or None and why it leaves."""
    if verdict is None:
        return (None, "nobody was asked") if verified_only else (question, "")
    if verdict.verdict == "open" and verified_only:
        return None, verdict.reason
    if verdict.verdict == "drop":
        return None, verdict.reason
    if verdict.verdict == "fix":
        fix = fixes.get(question.id)
        if fix is None:
            return None, f"to fix: {verdict.reason}"
        if fix.answer is None:
            return None, "left out by a person"
        question = fixed(question, fix)
    return _with_votes(question, verdict), ""


def _with_votes(question: Question, verdict: Verdict) -> Question:
    human = HumanVotes(
        verdict=verdict.verdict,
        votes=verdict.votes,
        none_right=verdict.none_right,
        raters=len(verdict.raters),
        rounds=verdict.rounds,
    )
    return question.model_copy(update={"human": human})


def _item(item: Item, question: Question) -> Item:
    return item.model_copy(
        update={
            "question": question.question,
            "choices": question.choices,
            "answer": question.answer,
            "letter": LETTERS[question.answer],
        }
    )


def _reject(question: Question, reason: str) -> Reject:
    return Reject(
        id=f"{STAGE}:{question.id}",
        stage=STAGE,
        input=question.id,
        reason=reason,
        detail=f"{question.class_name}: {question.question}",
    )
