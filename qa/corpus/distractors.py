"""Choose three wrong options: the same kind of fact of other classes, alike in form and length."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import log

from imagewikiqa.core.digests import keyed_int
from imagewikiqa.core.records import Choice
from imagewikiqa.qa.corpus.facts import ClassFacts, Fact
from imagewikiqa.qa.corpus.forms import MEASURED, Form
from imagewikiqa.qa.corpus.truth import Truth
from imagewikiqa.qa.leaks import LeakChecker

SizeOf = Callable[[Fact], float]
WANTED = 3


ENOUGH = 24  # sure candidates to choose from


@dataclass(frozen=True, slots=True)
class Candidate:
    """Another class's fact that may serve as a wrong option."""

    class_id: str
    families: frozenset[str]
    kinds: frozenset[str]
    fact: Fact


def by_form(facts: Sequence[ClassFacts]) -> dict[str, list[Candidate]]:
    """Return all facts by form, in a keyed order that does not depend on the order of classes."""
    found: dict[str, list[Candidate]] = {}
    for one in facts:
        families, kinds = frozenset(one.families), frozenset(one.kinds)
        for fact in one.facts:
            found.setdefault(fact.form, []).append(Candidate(one.id, families, kinds, fact))
    for pool in found.values():
        pool.sort(key=lambda one: keyed_int(one.class_id, one.fact.form, one.fact.key))
    return found


def candidates(
    form: Form,
    subject: ClassFacts,
    truth: Truth,
    pool: Sequence[Candidate],
    checker: LeakChecker,
    *key: str | int,
) -> list[Candidate]:
    """Return facts of other classes that are surely wrong for the subject, about 24 of them.

    Classes of the subject's own families are taken alone when they give three options. Walking
    over facts, not over distinct values, keeps common values as frequent among the wrong options
    as among the right ones.
    """
    start = keyed_int(*key, "start") % len(pool) if pool else 0
    turned = (*pool[start:], *pool[:start])
    families, kinds = frozenset(subject.families), frozenset(subject.kinds)
    for kin_only in (True, False):
        found: list[Candidate] = []
        for one in turned:
            if one.class_id == subject.id or (kin_only and not one.families & families):
                continue
            if form.apart and one.kinds & kinds:
                continue
            if truth.conflicts(form, one.fact) or checker.leaks(one.fact.value, subject.id):
                continue
            found.append(one)
            if len(found) >= ENOUGH:
                break
        if len({one.fact.key for one in found}) >= WANTED:
            return found
    return found


def choose(
    form: Form, answer: Fact, pool: Sequence[Candidate], *key: str | int
) -> tuple[Choice, Choice, Choice] | None:
    """Return three distinct wrong options, or None when the pool is too small.

    How many of them exceed the answer (in size if measured, else in length) is drawn by key from
    what the pool allows, so that the right option's rank says nothing over many questions.
    """
    fitting = [one for one in pool if _alike(answer, one.fact)]
    unique = _distinct(fitting, answer)
    if len(unique) < WANTED:
        unique = _distinct([*fitting, *pool], answer)
    if len(unique) < WANTED:
        return None
    size = _size(form)
    above = [one for one in unique if size(one.fact) > size(answer)]
    below = [one for one in unique if size(one.fact) <= size(answer)]
    feasible = [n for n in range(WANTED + 1) if len(above) >= n and len(below) >= WANTED - n]
    over = feasible[keyed_int(*key, "rank") % len(feasible)]
    picked = _nearest(above, answer, size, over) + _nearest(below, answer, size, WANTED - over)
    first, second, third = (Choice(text=one.fact.value, class_id=one.class_id) for one in picked)
    return first, second, third


def _distinct(pool: Sequence[Candidate], answer: Fact) -> list[Candidate]:
    """Return the pool without repeats; earlier ones win, so common values keep their weight."""
    seen = {answer.key}
    kept = []
    for one in pool:
        if one.fact.key not in seen:
            seen.add(one.fact.key)
            kept.append(one)
    return kept


def _alike(answer: Fact, other: Fact) -> bool:
    """Return whether two values have the same form: range or single, list or not, digits or not."""

    def shape(text: str) -> tuple[bool, ...]:
        return (
            " to " in text and text[0].isdigit(),
            "," in text or " and " in text,
            any(character.isdigit() for character in text),
            text.startswith(("The ", "One of ")),
        )

    close = abs(len(answer.value) - len(other.value)) <= max(8, len(answer.value) // 2)
    return close and shape(answer.value) == shape(other.value)


def _size(form: Form) -> SizeOf:
    if form.kind in MEASURED:
        return lambda fact: log((fact.low or 1e-9) * (fact.high or 1e-9)) / 2
    return lambda fact: float(len(fact.value))


def _nearest(pool: Sequence[Candidate], answer: Fact, size: SizeOf, count: int) -> list[Candidate]:
    """Return the nearest in size of the first few, so that neither order nor size alone decides."""
    few = pool[: max(count, 4 * count)]
    return sorted(few, key=lambda one: abs(size(one.fact) - size(answer)))[:count]
