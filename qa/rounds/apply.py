"""Verdicts into a dataset: kept and fixed questions carry their votes, dropped ones a reason."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from imagewikiqa.core.records import LETTERS, ClassEntry, HumanVotes, Item, Question, Reject
from imagewikiqa.qa.naming import name_question
from imagewikiqa.qa.rounds.fixes import Fix
from imagewikiqa.qa.rounds.records import Verdict

STAGE = "verify"
UNFIXED = "to be fixed, and not in --fixes"
UNASKED = "no person was asked"
BARE = "no image is left that shows the class"


@dataclass(slots=True)
class Applied:
    """The set after the verdicts, and what left it."""

    questions: list[Question] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)


def apply(
    questions: Sequence[Question],
    items: Sequence[Item],
    verdicts: Mapping[str, Verdict],
    fixes: Mapping[str, Fix],
    shown: Mapping[str, str | None],
    *,
    verified_only: bool = False,
) -> Applied:
    """Return the set that people leave: letters and options of what stays do not move.

    `shown` is the image that raters saw, by question. What no person was asked, or too few
    answered, stays as it is unless `verified_only`.
    """
    made = Applied()
    by_question: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        by_question[item.question_id].append(item)
    for question in questions:
        verdict = verdicts.get(question.id)
        if reason := _why_dropped(question, verdict, fixes, verified_only):
            made.rejects.append(_reject(question, reason, verdict))
            continue
        changed = question
        if verdict is not None and verdict.verdict != "open":
            changed = _with_votes(question, verdict, fixes)
        kept = _items(changed, by_question[question.id], verdict, shown)
        if by_question[question.id] and not kept:
            made.rejects.append(_reject(question, BARE, verdict))
            continue
        made.questions.append(changed)
        made.items += kept
    return made


def _why_dropped(
    question: Question, verdict: Verdict | None, fixes: Collection[str], verified_only: bool
) -> str | None:
    """Return the reason why a question leaves; None when it stays."""
    if verdict is None or verdict.verdict == "open":
        return (verdict.reason if verdict else UNASKED) if verified_only else None
    if verdict.verdict == "drop":
        return verdict.reason
    return UNFIXED if verdict.verdict == "fix" and question.id not in fixes else None


def _with_votes(question: Question, verdict: Verdict, fixes: Mapping[str, Fix]) -> Question:
    """Return a question with its votes, corrected where people asked for it."""
    human = HumanVotes(
        verdict="fix" if verdict.verdict == "fix" else "keep",
        votes=verdict.votes,
        none_right=verdict.none_right,
        raters=len(verdict.raters),
        rounds=verdict.rounds,
    )
    if verdict.verdict == "keep":
        return question.model_copy(update={"human": human})
    fix = fixes[question.id]
    named = question.question_named
    if fix.question != question.question:
        entry = ClassEntry(id=question.class_id, name=question.class_name)
        named = name_question(fix.question, entry)
    return question.model_copy(
        update={
            "question": fix.question,
            "question_named": named,
            "choices": fix.choices,
            "answer": fix.answer,
            "human": human,
        }
    )


def _items(
    question: Question,
    items: Sequence[Item],
    verdict: Verdict | None,
    shown: Mapping[str, str | None],
) -> list[Item]:
    """Return a question's items as it stands now, without an image that shows another thing."""
    refused = shown.get(question.id) if verdict is not None and verdict.wrong_picture else None
    return [
        item.model_copy(
            update={
                "question": question.question,
                "choices": question.choices,
                "answer": question.answer,
                "letter": LETTERS[question.answer],
            }
        )
        for item in items
        if refused is None or item.image != refused
    ]


def _reject(question: Question, reason: str, verdict: Verdict | None) -> Reject:
    votes = f" (votes {verdict.votes}, none right {verdict.none_right})" if verdict else ""
    return Reject(
        id=f"{STAGE}:{question.id}",
        stage=STAGE,
        input=question.id,
        reason=reason,
        detail=f"{question.class_name}: {question.question}{votes}",
    )
