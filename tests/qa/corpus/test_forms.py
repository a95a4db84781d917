"""The question forms are well made: readable stems, compiled patterns, known kinds and families."""

import re
from typing import get_args

import pytest

from imagewikiqa.core.records import ClassEntry
from imagewikiqa.qa.corpus.families import families_of
from imagewikiqa.qa.corpus.forms import About, Form, Kind, forms_ref, load_forms

FORMS = load_forms()
FAMILIES = frozenset(
    """animal dog plant food instrument vehicle structure landform thing person country
    organisation""".split()
)


def test_there_are_many_forms_and_each_has_its_own_name_and_stem() -> None:
    assert len(FORMS) >= 60
    assert len({form.name for form in FORMS}) == len(FORMS)
    assert len({form.stem for form in FORMS}) == len(FORMS)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_a_form_is_complete(form: Form) -> None:
    assert form.kind in get_args(Kind) and form.about in get_args(About)
    assert form.families <= FAMILIES
    assert form.fields or form.find
    assert form.stem.count("{obj}") == 1 and form.stem[0].isupper() and form.stem.endswith("?")
    assert re.search(r"\{(?:obj|plural|a|bare)\}", form.named)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_a_pattern_has_the_group_that_its_kind_reads(form: Form) -> None:
    for pattern in form.find:
        groups = set(pattern.groupindex)
        assert ("w" in groups) == (form.about == "word")
        if form.kind not in {"mass", "length", "speed", "time", "count", "language"}:
            assert groups & {"v", "quoted"}


def test_the_reference_names_the_file_and_its_digest() -> None:
    assert re.fullmatch(r"forms@[0-9a-f]{12}", forms_ref())


@pytest.mark.parametrize(
    ("hypernyms", "fields", "families"),
    [
        (("wolf", "animal"), {}, {"animal"}),
        (("toy dog", "dog", "animal"), {}, {"dog", "animal"}),
        (("berry", "edible fruit", "food"), {}, {"plant"}),
        (("keyboard instrument", "musical instrument", "artifact"), {}, {"instrument"}),
        (("tool", "artifact"), {}, {"thing"}),
        (("person",), {}, {"thing"}),
        ((), {"regnum": "Animalia"}, {"animal"}),
        ((), {"regnum": "Plantae"}, {"plant"}),
        ((), {"hornbostel_sachs": "1"}, {"instrument"}),
        ((), {"main_ingredient": "Flour"}, {"food"}),
        ((), {}, {"thing"}),
        ((), {"material": "Steel"}, {"thing"}),
        ((), {"birth_date": "1 May 1900", "country": "France"}, {"person"}),
        ((), {"capital": "Luanda"}, {"country"}),
        ((), {"industry": "Retail", "founder": "A. Person"}, {"organisation"}),
        ((), {"genre": "Rock", "origin": "Seoul"}, {"other"}),
        ((), {"director": "A. Person"}, {"other"}),
    ],
)
def test_a_class_finds_its_families(
    hypernyms: tuple[str, ...], fields: dict[str, str], families: set[str]
) -> None:
    entry = ClassEntry(id="x", name="x", hypernyms=hypernyms)
    assert families_of(entry, fields) == families
