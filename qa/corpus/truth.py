"""Would a wrong option also be true of the class? Better lose one than ask unfairly."""

from functools import lru_cache
from importlib import resources

import yaml

from imagewikiqa.qa.corpus.facts import ClassFacts, Fact, stem
from imagewikiqa.qa.corpus.forms import MEASURED, Form
from imagewikiqa.qa.leaks import contains_phrase, fold, words

_MARGIN = 1.25  # measured options differ by at least this factor between their nearest bounds
_ROOT = 8  # letters in which "commemoration" and "commemorating" are the same word
_SMALL = frozenset("and the for with from that are its into near also one two most".split())


class Truth:
    """What is true of one class, as far as its pages tell."""

    def __init__(self, subject: ClassFacts) -> None:
        self._facts = subject.facts
        self._stems = frozenset(subject.stems)
        self._roots = frozenset(one[:_ROOT] for one in subject.stems if len(one) >= _ROOT)

    def conflicts(self, form: Form, other: Fact) -> bool:
        """Return whether another class's value may also be right here.

        Measured: its range comes near one of ours. Words: our pages use a content word of it, or
        one value lies within the other (places, languages and materials by within.yaml).
        """
        own = [fact for fact in self._facts if fact.form == form.name]
        if any(too_near(form, fact, other) for fact in own):
            return True
        if form.kind in MEASURED or form.kind in {"number", "date", "status"}:
            return False
        content = [word for word in words(other.key) if len(word) > 2 and word not in _SMALL]
        return any(stem(word) in self._stems or word[:_ROOT] in self._roots for word in content)


def too_near(form: Form, one: Fact, other: Fact) -> bool:
    """Return whether two values cannot both be options: equal, overlapping, one in the other."""
    if one.key == other.key:
        return True
    if form.kind in MEASURED:
        return _near(form, one, other)
    if form.kind in {"number", "date", "status"}:
        return False
    nested = contains_phrase(one.key, other.key) or contains_phrase(other.key, one.key)
    return nested or _related(one.key, other.key)


def _near(form: Form, own: Fact, other: Fact) -> bool:
    if own.low is None or own.high is None or other.low is None or other.high is None:
        return True
    if form.kind == "year":
        return abs(own.low - other.low) < 3
    if form.kind == "count":
        return own.low <= other.high and other.low <= own.high
    return own.low < other.high * _MARGIN and other.low < own.high * _MARGIN


@lru_cache(maxsize=65536)
def _related(own: str, other: str) -> bool:
    """Return whether two values name what overlaps: Canada, say, is in the Arctic and America."""
    inside = _within()
    mine = {part for name in _known(own) for part in (name, *inside.get(name, ()))}
    theirs = {part for name in _known(other) for part in (name, *inside.get(name, ()))}
    return not mine.isdisjoint(theirs)


@lru_cache(maxsize=65536)
def _known(key: str) -> tuple[str, ...]:
    """Return the places, languages and materials of within.yaml that a folded value names."""
    return tuple(name for name in _names() if contains_phrase(key, name))


@lru_cache(maxsize=1)
def _within() -> dict[str, frozenset[str]]:
    """Return everything with all that lies in it, at any depth."""
    text = resources.files("imagewikiqa.qa.corpus").joinpath("within.yaml").read_text("utf-8")
    listed = yaml.safe_load(text).items()
    direct = {fold(big): {fold(part) for part in parts} for big, parts in listed}

    def inside(name: str, seen: frozenset[str]) -> set[str]:
        parts = direct.get(name, set()) - seen
        return parts.union(*(inside(part, seen | parts) for part in parts)) if parts else set()

    return {name: frozenset(inside(name, frozenset({name}))) for name in direct}


@lru_cache(maxsize=1)
def _names() -> tuple[str, ...]:
    within = _within()
    return tuple(sorted({*within, *(part for parts in within.values() for part in parts)}))
