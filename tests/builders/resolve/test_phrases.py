"""A class is asked for by all its wordings, and the weak ones are known as weak."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.builders.resolve.phrases import (
    alternatives,
    bare,
    forms,
    hints,
    phrases_of,
)
from imagewikiqa.builders.resolve.titles import Title, fit, is_name_like, is_shouted, parted
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.records import ClassEntry

CLASSES = [
    ClassEntry(id="mouse", name="computer mouse", synonyms=("mouse",), definition="a device"),
    ClassEntry(id="cougar", name="cougar", synonyms=("puma", "panther", "Felis concolor"),
               definition="large American feline", hypernyms=("cat", "feline")),
    ClassEntry(id="jaguar", name="jaguar", synonyms=("panther", "Cougar")),
    ClassEntry(id="hat", name="bearskin hat", synonyms=("busby", "hat (bearskin or shako)",
               "traffic or street sign", "hat")),
]  # fmt: skip


def weakness(class_id: str, text: str) -> str:
    return next(p.weakness for p in phrases_of(CLASSES)[class_id] if p.text == text)


def test_a_synonym_shorter_than_the_name_is_weak() -> None:
    assert weakness("mouse", "mouse") == "part of the name"
    assert weakness("cougar", "puma") == ""


def test_a_phrase_of_several_classes_is_weak_and_another_class_s_name_more_so() -> None:
    assert weakness("cougar", "panther") == "shared with another class"
    assert weakness("jaguar", "Cougar") == "names another class"
    assert weakness("cougar", "cougar") == ""


def test_latin_names_are_told_from_breeds_and_places() -> None:
    found = {
        phrase.text
        for phrases in phrases_of(load_classes("imagenet")).values()
        for phrase in phrases
        if phrase.source == "scientific name"
    }
    assert {"Tinca tinca", "Vulpes macrotis", "Capra ibex", "Felis concolor"} <= found
    assert not found & {"Siberian husky", "Siamese cat", "African elephant", "Walker hound"}
    assert len(found) > 100


def test_brackets_become_hints_and_joined_synonyms_say_nothing_new() -> None:
    texts = [phrase.text for phrase in phrases_of(CLASSES)["hat"]]
    assert texts == ["bearskin hat", "busby", "hat"]
    assert hints(CLASSES[3]) == ("bearskin or shako",)
    assert bare("kite (bird of prey)") == "kite"


def test_a_name_for_several_things_has_parts() -> None:
    assert alternatives("shield or buckler") == ("shield", "buckler")
    assert alternatives("Faces / Faces easy") == ("Faces", "Faces easy")
    assert alternatives("mortar and pestle") == ()
    assert alternatives("mirror") == ()


@pytest.mark.parametrize(
    ("text", "form"),
    [("gray whale", "grey whale"), ("sunglasses", "sunglass"), ("cherry", "cherries"),
     ("tea cosy", "tea cozy"), ("toy box", "toy boxes")],
)  # fmt: skip
def test_other_spellings_and_numbers_are_tried(text: str, form: str) -> None:
    assert text in forms(text)
    assert form in forms(text)


@given(st.lists(st.text(st.characters(exclude_categories=["C"]), min_size=1), min_size=1))
def test_any_names_make_phrases_without_doubles(names: list[str]) -> None:
    entry = ClassEntry(id="x", name=names[0], synonyms=tuple(names[1:]))
    texts = [phrase.text for phrase in phrases_of([entry])["x"]]
    assert len({*texts}) == len(texts)
    assert all(forms(text) for text in texts)


@pytest.mark.parametrize(
    ("text", "parts"),
    [("Crane (bird)", ("Crane", "bird", False)), ("Orange, Connecticut", ("Orange", "Connecticut",
      True)), ("Tench", ("Tench", "", False)), ("Geyser (fireboat, 1886)", ("Geyser",
      "fireboat, 1886", False))],
)  # fmt: skip
def test_a_title_has_a_base_and_a_qualifier(text: str, parts: tuple[str, str, bool]) -> None:
    assert parted(text) == Title(text, *parts)


def test_titles_fit_phrases_by_their_base() -> None:
    (kite, *_) = phrases_of([ClassEntry(id="k", name="kite")])["k"]
    assert fit(parted("Kite (bird)"), kite) == "same"
    assert fit(parted("Kites"), kite) == "variant"
    assert fit(parted("Kite flying"), kite) == "longer"
    assert fit(parted("Kitesurfing"), kite) == "none"


def test_capitals_tell_brands_and_names_from_common_words() -> None:
    (tank, chair) = (
        phrases_of([ClassEntry(id="x", name=name)])["x"][0] for name in ("tank", "rocking chair")
    )
    assert is_shouted(parted("TANK (gene)"), tank)
    assert not is_shouted(parted("Tank"), tank)
    assert is_name_like(parted("Rocking Chair"), chair)
    assert not is_name_like(parted("Rocking chair"), chair)
