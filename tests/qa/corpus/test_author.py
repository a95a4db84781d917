"""The corpus author's drafts: true, verbatim, without leaks, stable, and sane on real pages."""

import asyncio
import random
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imagewikiqa.builders.pages import make_page, match, open_source
from imagewikiqa.builders.raw import RawPage
from imagewikiqa.core.classes import slug
from imagewikiqa.core.records import ClassEntry, Draft, Page, Reject
from imagewikiqa.qa.corpus.author import CorpusAuthor, question_id
from imagewikiqa.qa.corpus.facts import ClassFacts, Fact, class_facts
from imagewikiqa.qa.corpus.forms import MEASURED, load_forms
from imagewikiqa.qa.leaks import LeakChecker, fold
from imagewikiqa.qa.naming import PLACEHOLDER, plural
from imagewikiqa.qa.protocols import Subject

FORMS = {form.name: form for form in load_forms()}
MARKUP = re.compile(r"\[\[|\]\]|\{\{|\}\}|\{\||\|\}|'''|''|<[a-z/!]|&\w+;|==|https?:|\||\n|\t|  |�")
Drafts = tuple[tuple[Draft, ...], tuple[Reject, ...]]


def written(
    classes: Sequence[ClassEntry],
    pages: dict[str, Page],
    facts: Sequence[ClassFacts],
    checker: LeakChecker,
    seed: int = 0,
) -> Drafts:
    author = CorpusAuthor(facts, checker, seed)
    made = [
        asyncio.run(author.draft(Subject(entry=entry, pages=(pages[entry.id],))))
        for entry in classes
    ]
    drafts = tuple(draft for one in made for draft in one.drafts)
    return drafts, tuple(reject for one in made for reject in one.rejects)


@pytest.fixture(scope="module")
def sample(
    classes: tuple[ClassEntry, ...],
    pages: dict[str, Page],
    facts: tuple[ClassFacts, ...],
    checker: LeakChecker,
) -> Drafts:
    return written(classes, pages, facts, checker)


def test_the_sample_gives_enough_drafts_of_enough_forms(sample: Drafts) -> None:
    drafts, rejects = sample
    assert len(drafts) >= 250
    assert len({draft.class_id for draft in drafts}) >= 45
    assert len({draft.author.form for draft in drafts}) >= 25
    assert max(Counter(draft.author.form for draft in drafts).values()) <= 0.15 * len(drafts)
    assert {reject.reason for reject in rejects} <= {
        "name leak in the question",
        "too few wrong options",
    }
    ids = [draft.id for draft in drafts]
    assert len(set(ids)) == len(ids)


def check_drafts(
    drafts: Sequence[Draft], pages: dict[str, Page], facts: Sequence[ClassFacts]
) -> None:
    """Assert what holds for every draft, whatever the pages."""
    stated: dict[tuple[str, str, str], Fact] = {
        (one.id, fact.form, fact.value): fact for one in facts for fact in one.facts
    }
    for draft in drafts:
        own, form = stated[draft.class_id, draft.author.form, draft.choices[0].text], FORMS
        assert draft.choices[0].class_id == draft.class_id
        assert draft.id == question_id(draft.class_id, draft.author.form, own.key)
        quote, text = draft.evidence, pages[draft.class_id].text
        assert quote.quote and text[quote.start : quote.end] == quote.quote
        assert len({fold(choice.text) for choice in draft.choices}) == 4
        assert draft.question.count(PLACEHOLDER) == 1
        assert PLACEHOLDER not in draft.question_named
        for choice in draft.choices[1:]:
            assert choice.class_id is not None and choice.class_id != draft.class_id
            other = stated[choice.class_id, draft.author.form, choice.text]
            assert form[other.form].kind == form[own.form].kind
        shown = [draft.question, draft.question_named, *(c.text for c in draft.choices)]
        for text in shown:
            assert text == text.strip() and not MARKUP.search(text), text


def test_every_draft_of_the_sample_holds_what_is_promised(
    sample: Drafts,
    pages: dict[str, Page],
    facts: tuple[ClassFacts, ...],
    classes: tuple[ClassEntry, ...],
    checker: LeakChecker,
) -> None:
    drafts, _ = sample
    check_drafts(drafts, pages, facts)
    names = {entry.id: entry.name for entry in classes}
    for draft in drafts:
        assert names[draft.class_id] == draft.class_name
        name = draft.class_name
        assert name in draft.question_named or plural(name) in draft.question_named
        for text in (draft.question, *(choice.text for choice in draft.choices)):
            assert not checker.leaks(text, draft.class_id), (text, draft.class_name)


def test_the_right_option_is_neither_the_longest_nor_the_largest_too_often(
    sample: Drafts, facts: tuple[ClassFacts, ...]
) -> None:
    drafts, _ = sample
    sizes = {
        (one.id, fact.form, fact.value): (fact.low or 0) * (fact.high or 0)
        for one in facts
        for fact in one.facts
    }
    longest = shortest = 0.0
    ranks: Counter[int] = Counter()
    for draft in drafts:
        lengths = [len(choice.text) for choice in draft.choices]
        for extreme, is_longest in ((max(lengths), True), (min(lengths), False)):
            share = 1 / lengths.count(extreme) if lengths[0] == extreme else 0.0
            longest, shortest = (
                (longest + share, shortest) if is_longest else (longest, shortest + share)
            )
        if FORMS[draft.author.form].kind in MEASURED:
            own, *others = [
                sizes[str(choice.class_id), draft.author.form, choice.text]
                for choice in draft.choices
            ]
            ranks[sum(other > own for other in others)] += 1
    assert longest / len(drafts) == pytest.approx(0.25, abs=0.06)
    assert shortest / len(drafts) == pytest.approx(0.25, abs=0.06)
    measured = sum(ranks.values())
    assert measured >= 40 and max(ranks.values()) <= 0.5 * measured


def test_wrong_options_mostly_come_from_kin(sample: Drafts, facts: tuple[ClassFacts, ...]) -> None:
    families = {one.id: set(one.families) for one in facts}
    wrong = [
        bool(families[str(choice.class_id)] & families[draft.class_id])
        for draft in sample[0]
        for choice in draft.choices[1:]
    ]
    assert sum(wrong) / len(wrong) > 0.75


def test_drafts_depend_on_nothing_but_pages_classes_and_seed(
    sample: Drafts,
    classes: tuple[ClassEntry, ...],
    pages: dict[str, Page],
    facts: tuple[ClassFacts, ...],
    checker: LeakChecker,
) -> None:
    mixed, shuffled = list(classes), list(facts)
    random.Random(5).shuffle(mixed)
    random.Random(6).shuffle(shuffled)
    again = written(mixed, pages, shuffled, LeakChecker(mixed))
    assert {draft.id: draft for draft in again[0]} == {draft.id: draft for draft in sample[0]}
    assert written(classes, pages, facts, checker) == sample
    other = written(classes, pages, facts, checker, seed=1)
    assert other[0] != sample[0]
    check_drafts(other[0], pages, facts)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.integers(12, 70))
def test_questions_answers_and_ids_stay_when_classes_are_added(
    sample: Drafts,
    classes: tuple[ClassEntry, ...],
    pages: dict[str, Page],
    facts: tuple[ClassFacts, ...],
    checker: LeakChecker,
    key: int,
    count: int,
) -> None:
    full = {draft.id: draft for draft in sample[0]}
    kept = {entry.id for entry in random.Random(key).sample(classes, min(count, len(classes)))}
    few = [entry for entry in classes if entry.id in kept]
    drafts, _ = written(few, pages, [one for one in facts if one.id in kept], checker)
    for draft in drafts:
        now = full[draft.id]
        assert (now.question, now.question_named) == (draft.question, draft.question_named)
        assert now.choices[0] == draft.choices[0] and now.evidence == draft.evidence


def test_too_few_classes_give_rejects_with_reasons(
    classes: tuple[ClassEntry, ...],
    pages: dict[str, Page],
    facts: tuple[ClassFacts, ...],
    checker: LeakChecker,
) -> None:
    drafts, rejects = written(classes[:2], pages, facts[:2], checker)
    assert drafts == ()
    assert len(rejects) >= 8 and {one.reason for one in rejects} == {"too few wrong options"}
    assert {one.stage for one in rejects} == {"draft"}
    assert {one.input for one in rejects} == {entry.id for entry in classes[:2]}


def test_a_stem_that_names_the_class_is_rejected(
    pages: dict[str, Page], classes: tuple[ClassEntry, ...]
) -> None:
    entry = classes[0].model_copy(update={"synonyms": ("biological family",)})
    every = (entry, *classes[1:])
    checker = LeakChecker(every)
    facts = [class_facts(one, (pages[one.id],), checker) for one in every]
    drafts, rejects = written(every, pages, facts, checker)
    assert "name leak in the question" in {one.reason for one in rejects if one.input == entry.id}
    assert not [d for d in drafts if d.class_id == entry.id and d.author.form == "family"]


def _real(shared: Path) -> tuple[list[ClassEntry], dict[str, Page]]:
    """Return the real articles as classes of a plain list of titles, with their pages."""
    found: dict[str, ClassEntry] = {}
    pages: dict[str, Page] = {}
    specs = [f"dump:{file}" for file in sorted((shared / "wiki_xml").glob("*.bz2"))]
    specs += [f"folder:{shared / 'wikitext_pages' / name}" for name in ("wtf_wikipedia", "taxa")]
    for spec in specs:
        source = open_source(spec)
        entries = {
            slug(raw.title): ClassEntry(id=slug(raw.title), name=raw.title)
            for raw in source
            if isinstance(raw, RawPage) and raw.namespace == 0 and slug(raw.title)
        }
        for matched in match(source, entries.values()).pages:
            page = make_page(matched)
            if isinstance(page, Page):
                pages.update({name: page for name in page.class_ids if name not in found})
                found |= {name: entries[name] for name in page.class_ids if name not in found}
    return list(found.values()), pages


def test_real_articles_give_clean_questions(shared_data: Path) -> None:
    classes, pages = _real(shared_data)
    assert len(classes) >= 80
    checker = LeakChecker(classes)
    facts = [class_facts(entry, (pages[entry.id],), checker) for entry in classes]
    drafts, rejects = written(classes, pages, facts, checker)
    assert len(drafts) >= 12 and len({draft.class_id for draft in drafts}) >= 5
    check_drafts(drafts, pages, facts)
    for draft in drafts:
        assert "(" not in draft.question_named
        for text in (draft.question, *(choice.text for choice in draft.choices)):
            assert not checker.leaks(text, draft.class_id), (text, draft.class_name)
    assert len(drafts) + len(rejects) == len({one.id for one in (*drafts, *rejects)})
