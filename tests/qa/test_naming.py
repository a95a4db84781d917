"""The grammar of class names: articles by sound, plurals, agreement and repaired placeholders."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.records import ClassEntry
from imagewikiqa.qa.corpus.forms import Form, load_forms
from imagewikiqa.qa.naming import (
    PLACEHOLDER,
    has_placeholder,
    name_question,
    one_phrase,
    plural,
    plural_phrase,
    render_stem,
    singular,
    with_article,
)

IMAGENET = load_classes("imagenet")
HUSKY = ClassEntry(id="husky", name="Siberian Husky")
IPOD = ClassEntry(id="ipod", name="iPod")
PLAYER = ClassEntry(id="player", name="CD player")
FOX = ClassEntry(id="fox", name="fox")
SUNGLASSES = ClassEntry(id="sunglasses", name="sunglasses", number="plural")
GUACAMOLE = ClassEntry(id="guacamole", name="guacamole", number="mass")


@pytest.mark.parametrize(
    "expected",
    """an hourglass|a unicycle|an airliner|an MP3 player|a CD player|an SUV|a UFO|an X-ray|a T-shirt
    a St. Bernard|a NASA probe|an A4 sheet|an 8-bit console|an 80-inch screen|a one-piece|an iPod
    a European polecat|a ukulele|an honest man|a Siberian Husky|an O'Neill|a hare|an LED""".replace(
        "\n", "|"
    ).split("|"),
)
def test_the_article_goes_by_sound(expected: str) -> None:
    name = expected.strip().split(" ", 1)[1]
    assert with_article(name) == expected.strip()


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("fox", "foxes"),
        ("bow tie", "bow ties"),
        ("computer mouse", "computer mice"),
        ("goose", "geese"),
        ("bighorn sheep", "bighorn sheep"),
        ("grey wolf", "grey wolves"),
        ("lady's slipper", "lady's slippers"),
        ("Border Collie", "Border Collies"),
        ("Siberian Husky", "Siberian Huskies"),
        ("Bouvier des Flandres", "Bouviers des Flandres"),
        ("Great Pyrenees", "Great Pyrenees"),
        ("Pekingese", "Pekingese"),
        ("triceratops", "triceratops"),
        ("Ford Model T", "Ford Model Ts"),
        ("CD player", "CD players"),
        ("iPod", "iPods"),
        ("burrito", "burritos"),
        ("volcano", "volcanoes"),
        ("chest of drawers", "chests of drawers"),
        ("hen of the woods mushroom", "hen of the woods mushrooms"),
        ("man-of-war", "men-of-war"),
        ("mother-in-law", "mothers-in-law"),
        ("thief", "thieves"),
        ("ox", "oxen"),
    ],
)
def test_plurals_keep_capitals_and_bend_the_head(one: str, many: str) -> None:
    assert plural(one) == many


@pytest.mark.parametrize("name", ["tiger", "ox", "fox", "computer mouse", "leaf", "strawberry"])
def test_the_singular_undoes_the_plural(name: str) -> None:
    assert singular(plural(name)) == name


def test_a_singular_without_plural_form_stays_as_it_is() -> None:
    assert singular("tiger") == "tiger"


def test_every_imagenet_name_has_a_sound_plural_and_article() -> None:
    assert len(IMAGENET) == 1000
    for entry in IMAGENET:
        several, one = plural_phrase(entry), one_phrase(entry)
        assert not re.search(r"ss$|(?<![A-Z])[A-Z]S$|[^aeiou]ys$|eses$", several), several
        assert several[0] == entry.name[0]
        if entry.number == "count":
            assert one in {f"a {entry.name}", f"an {entry.name}"}
        else:
            assert one == several == entry.name


@pytest.mark.parametrize("form", load_forms(), ids=lambda form: form.name)
def test_every_stem_reads_well_with_every_imagenet_name(form: Form) -> None:
    blind = render_stem(form.stem, None)
    assert blind.count(PLACEHOLDER) == 1
    for entry in IMAGENET:
        for text in (render_stem(form.named, entry), render_stem(form.stem, entry)):
            assert not re.search(r"[\[\]{}|]|  |this object|\ban? (?:a|an|the)\b", text), text
            assert text[0].isupper() and text.endswith("?")
            if entry.number == "plural":
                shown = re.escape(entry.name)
                assert not re.search(rf"\b(?:is|does|was|has|an?|the) {shown}", text), text
        assert entry.name in render_stem(form.stem, entry)


@pytest.mark.parametrize(
    ("question", "entry", "expected"),
    [
        ("Where does this object live?", FOX, "Where does the fox live?"),
        ("What do these objects eat?", FOX, "What do foxes eat?"),
        ("How big is a this object?", FOX, "How big is the fox?"),
        ("Is the this object rare?", FOX, "Is the fox rare?"),
        ("This object is a breed.", HUSKY, "The Siberian Husky is a breed."),
        ("these objects pull sleds?", HUSKY, "Siberian Huskies pull sleds?"),
        ("This object's coat is what?", HUSKY, "The Siberian Husky's coat is what?"),
        ("These objects' coats are what?", HUSKY, "Siberian Huskies' coats are what?"),
        ("These objects play what?", IPOD, "iPods play what?"),
        ("This object plays what?", IPOD, "The iPod plays what?"),
        ("Who made that object?", PLAYER, "Who made the CD player?"),
        ("These objects read what?", PLAYER, "CD players read what?"),
        ("Is it old? This object is.", PLAYER, "Is it old? The CD player is."),
        ("Is this object like this object?", FOX, "Is the fox like the fox?"),
        ("THIS OBJECT is what?", FOX, "The fox is what?"),
        ("What is this object made of?", SUNGLASSES, "What are sunglasses made of?"),
        ("Does this object float?", SUNGLASSES, "Do sunglasses float?"),
        ("Who knows what this object was?", SUNGLASSES, "Who knows what sunglasses were?"),
        ("This object's lens is what?", SUNGLASSES, "Sunglasses' lens is what?"),
        ("What is this object's use?", SUNGLASSES, "What is sunglasses' use?"),
        ("What are these objects made of?", GUACAMOLE, "What is guacamole made of?"),
        ("Do these objects float?", GUACAMOLE, "Does guacamole float?"),
        ("What is a this object?", GUACAMOLE, "What is guacamole?"),
        ("Why is it called 'this object'?", FOX, "Why is it called 'the fox'?"),
    ],
)
def test_a_placeholder_becomes_the_name_and_the_sentence_agrees(
    question: str, entry: ClassEntry, expected: str
) -> None:
    assert has_placeholder(question)
    assert name_question(question, entry) == expected
    assert not has_placeholder(name_question(question, entry))


@pytest.mark.parametrize(
    "text", ["this objective", "an object", "these objectives", "", "thisobject"]
)
def test_other_words_are_no_placeholder(text: str) -> None:
    assert not has_placeholder(text)
    assert name_question(text, FOX) == text


@given(
    st.sampled_from(IMAGENET),
    st.lists(
        st.sampled_from(["this object", "These objects", "a this object", "it is", "?", "'s"])
    ),
)
def test_no_placeholder_survives_naming(entry: ClassEntry, parts: list[str]) -> None:
    question = " ".join(parts)
    named = name_question(question, entry)
    assert not has_placeholder(named)
    asked = len(re.findall(r"this object|these objects", question, re.I))
    shown = {entry.name.lower(), plural_phrase(entry).lower()}
    assert sum(named.lower().count(name) for name in shown) >= asked
