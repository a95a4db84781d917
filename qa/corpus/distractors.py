"""Choose three wrong options: the same kind of fact of other classes, alike in form and length.

The four options of a question should be exchangeable: nothing but knowledge tells which is right.
So all facts that are asked about stand on one ring per form and shape, in a keyed order, and a
question takes the next three on the ring that are surely wrong and do not crowd each other. Every
value then serves about three times as a wrong option for each time it is right, and no closeness
to the right answer is sought, which would make it the one in the middle.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from imagewikiqa.core.digests import keyed_int
from imagewikiqa.core.records import Choice
from imagewikiqa.qa.corpus.facts import ClassFacts, Fact
from imagewikiqa.qa.corpus.forms import Form
from imagewikiqa.qa.corpus.truth import Truth, too_near
from imagewikiqa.qa.leaks import LeakChecker

WANTED = 3
_LENGTHS = (9, 16, 28, 45)  # upper bounds of the classes of length, in characters


@dataclass(frozen=True, slots=True)
class Candidate:
    """A fact that is asked about, and the class it belongs to."""

    class_id: str
    families: frozenset[str]
    kinds: frozenset[str]
    fact: Fact


def ring(asked: Sequence[tuple[ClassFacts, Fact]], seed: int) -> list[Candidate]:
    """Return the facts of one form in an order decided by class and value alone."""
    found = [
        Candidate(one.id, frozenset(one.families), frozenset(one.kinds), fact)
        for one, fact in asked
    ]
    return sorted(found, key=lambda one: keyed_int(seed, one.fact.form, one.class_id, one.fact.key))


def choose(
    form: Form,
    answer: Candidate,
    around: Sequence[Candidate],
    truth: Truth,
    checker: LeakChecker,
) -> tuple[Choice, Choice, Choice] | None:
    """Return the next three sure wrong options on the ring; None when no three go together.

    Options of the answer's shape and family are taken first, then of its family, then any. Where
    the first ones crowd each other later ones are tried, so that more classes never lose a
    question.
    """
    options = _in_order(form, answer, around)
    wrong: dict[int, bool] = {}  # asked for lazily: most questions need a handful

    def search(start: int, picked: tuple[Candidate, ...]) -> tuple[Candidate, ...] | None:
        if len(picked) == WANTED:
            return picked
        for at in range(start, len(options)):
            one = options[at]
            if any(too_near(form, one.fact, other.fact) for other in picked):
                continue
            if at not in wrong:
                wrong[at] = _is_wrong(form, one, answer, truth, checker)
            found = search(at + 1, (*picked, one)) if wrong[at] else None
            if found:
                return found
        return None

    picked = search(0, ())
    if picked is None:
        return None
    first, second, third = (Choice(text=one.fact.value, class_id=one.class_id) for one in picked)
    return first, second, third


def _in_order(form: Form, answer: Candidate, around: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return the distinct values after the answer on its ring: alike, of its family, others."""
    here = next(at for at, one in enumerate(around) if one is answer)
    turned = [
        one
        for one in (*around[here + 1 :], *around[:here])
        if one.class_id != answer.class_id and not (form.apart and one.kinds & answer.kinds)
    ]
    shape, kin = _shape(answer.fact.value), answer.families
    family = [one for one in turned if one.families & kin]
    alike = [one for one in family if _shape(one.fact.value) == shape]
    distinct: dict[str, Candidate] = {}
    for one in (*alike, *family, *turned):
        distinct.setdefault(one.fact.key, one)
    return tuple(distinct.values())


def _is_wrong(
    form: Form, one: Candidate, answer: Candidate, truth: Truth, checker: LeakChecker
) -> bool:
    if truth.conflicts(form, one.fact):
        return False
    return not checker.leaks(one.fact.value, answer.class_id)


def _shape(text: str) -> tuple[bool | int, ...]:
    """Return the form of a value: range, list, digits, article, class of length."""
    return (
        " to " in text and text[0].isdigit(),
        "," in text or " and " in text,
        any(character.isdigit() for character in text),
        text.startswith(("The ", "One of ")),
        sum(len(text) > bound for bound in _LENGTHS),
    )
