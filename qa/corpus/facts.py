"""Facts that a page states about its class, each with the sentence or infobox line that says so."""

import re
from collections.abc import Iterator
from functools import partial

from imagewikiqa.core.records import ClassEntry, Page, Part, Record
from imagewikiqa.qa.corpus import values
from imagewikiqa.qa.corpus.families import families_of, kinds_of
from imagewikiqa.qa.corpus.forms import Form, Kind, load_forms
from imagewikiqa.qa.corpus.sentences import (
    Sentence,
    is_named,
    own_words,
    page_sentences,
    speaks_of_class,
)
from imagewikiqa.qa.leaks import LeakChecker, fold, words

_REACH = 60  # characters after a cue in which its quantity must begin
_PARSERS = {
    "year": values.year,
    "date": values.date,
    "person": values.person,
    "language": values.language,
    "place": values.place,
    "taxon": values.taxon,
    "number": values.number,
    "status": values.status,
    "phrase": values.phrase,
    "first": values.first,
}
_QUANTITIES: frozenset[Kind] = frozenset({"mass", "length", "speed", "time", "count"})


class Fact(Part):
    """One answerable fact: a value of a form, and where the page says it."""

    form: str
    value: str
    key: str
    low: float | None = None
    high: float | None = None
    page: str
    start: int
    end: int


class ClassFacts(Record):
    """All facts of one class (`id` is the class id), and the word stems of its pages."""

    name: str
    families: tuple[str, ...]
    kinds: tuple[str, ...]
    facts: tuple[Fact, ...]
    stems: tuple[str, ...]


def stem(word: str) -> str:
    """Return a folded word without its number: 'berries' and 'berry' are one."""
    return re.sub(r"(?:ies|es|s|y)$", "", word) if len(word) > 4 else word


def class_facts(entry: ClassEntry, pages: tuple[Page, ...], checker: LeakChecker) -> ClassFacts:
    """Return the facts of one class over all its pages, without values that give it away."""
    fields = {name: value for page in pages for name, value in page.facts.items()}
    families = families_of(entry, fields)
    own, own_name = own_words(entry), frozenset(words(entry.name))
    found: dict[tuple[str, str], Fact] = {}
    for page in pages:
        sentences = page_sentences(page, entry)
        for form in load_forms():
            if form.families and not form.families & families:
                continue
            for fact in _facts(form, page, sentences, own, own_name):
                if not checker.leaks(fact.value, entry.id) and not _hides_name(fact, own):
                    found.setdefault((fact.form, fact.key), fact)
    return ClassFacts(
        id=entry.id,
        name=entry.name,
        families=tuple(sorted(families)),
        kinds=kinds_of(entry),
        facts=tuple(found.values()),
        stems=tuple(sorted({stem(word) for page in pages for word in words(page.text)})),
    )


def _facts(
    form: Form,
    page: Page,
    sentences: list[Sentence],
    own: frozenset[str],
    own_name: frozenset[str],
) -> Iterator[Fact]:
    """Yield the facts of a form: infobox fields first, they are the cleanest."""
    for name in form.fields:
        raw = page.facts.get(name)
        line = f"{name}: {raw}"
        at = page.text.rfind(f"\n{line}")
        if raw and at >= 0:
            make = partial(_fact, form, page, at + 1, at + 1 + len(line))
            yield from map(make, (one for one in _field_values(form, raw) if _fits(form, one)))
    for pattern in form.find:
        for sentence in sentences:
            match = pattern.search(sentence.text)
            if match is None or (form.unless and form.unless.search(sentence.text)):
                continue
            if form.about == "word":
                if not is_named(own_name, sentence, match):
                    continue
            elif not _is_about(form, sentence, match.start(), own):
                continue
            make = partial(_fact, form, page, sentence.start, sentence.end)
            found = _sentence_values(form.kind, match, sentence.text)
            yield from map(make, (value for value in found if _fits(form, value)))


def _is_about(form: Form, sentence: Sentence, at: int, own: frozenset[str]) -> bool:
    """Return whether what stands before a match speaks of the class as the form demands."""
    if form.about == "any":
        return sentence.own_pronoun or not sentence.begins_with_pronoun
    head = sentence.text[:at]
    named = form.about != "name" or any(word in own for word in words(head))
    return named and speaks_of_class(head, sentence, own)


def _hides_name(fact: Fact, own: frozenset[str]) -> bool:
    """Return whether a value is built on the class's name: 'Stratovolcano', 'Elephantidae'."""
    value = fold(fact.value)
    return any(len(word) >= 5 and word in value for word in own)


def _fits(form: Form, value: values.Value) -> bool:
    return form.must is None or form.must.search(value.text) is not None


def _fact(form: Form, page: Page, start: int, end: int, value: values.Value) -> Fact:
    return Fact(
        form=form.name, value=value.text, key=value.key, low=value.low, high=value.high,
        page=page.id, start=start, end=end,
    )  # fmt: skip


def _field_values(form: Form, raw: str) -> Iterator[values.Value]:
    if form.kind == "item":
        yield from values.items(raw)
    elif form.kind == "year" and "(" in raw:
        return  # "1914 (first scheduled airline)" dates something else
    elif form.kind in _QUANTITIES:
        value = values.measure(form.kind, raw)
        rest = re.sub(r"^.*?\d[\d.,–\- ]*", "", raw)
        if value and len(rest) < 30:
            yield value
    else:
        value = _PARSERS[form.kind](raw)
        if value:
            yield value


def _sentence_values(kind: Kind, match: re.Match[str], sentence: str) -> Iterator[values.Value]:
    if kind in _QUANTITIES:
        value = _quantity_after(kind, sentence[match.end() :])
    elif kind == "language":
        value = values.language(re.split(r"\b(?:from|of)\b", match[0], maxsplit=1)[-1])
    elif kind == "item":
        yield from values.items(match["v"])
        return
    elif "quoted" in match.re.groupindex:
        value = values.quoted(match["quoted"])
    else:
        value = _PARSERS[kind](match["v"])
    if value:
        yield value


def _quantity_after(kind: Kind, after: str) -> values.Value | None:
    """Return the first quantity of a kind soon after a cue, before another clause begins."""
    clause = re.split(
        r"[;:]|, (?:and|but|which)|\band\b(?! \d)(?= (?:is|are|has|weigh|live))", after
    )
    near = clause[0][:_REACH]
    for start in (m.start() for m in re.finditer(r"(?:^|(?<=\s))(?=\S)", near)):
        value = values.measure(kind, after[start:])
        if value:
            return value
    return None
