"""Words compare as a reader would compare them, whatever the text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.builders.resolve.lead import first_sentence, is_list, nouns, said_to_be
from imagewikiqa.builders.resolve.words import (
    fold,
    knowing,
    rarity,
    singular,
    squeeze,
    stem,
    stems,
)
from imagewikiqa.core.records import ClassEntry


@pytest.mark.parametrize(
    "words", [("swimming", "swimmer's", "swim"), ("candles", "candle"), ("glasses", "glass")]
)
def test_forms_of_a_word_share_a_stem(words: tuple[str, ...]) -> None:
    assert len({stem(word) for word in words}) == 1


@pytest.mark.parametrize(
    ("plural", "single"),
    [("cherries", "cherry"), ("boxes", "box"), ("cats", "cat"), ("bus", "bus"), ("iris", "iris"),
     ("grass", "grass"), ("gas", "gas")],
)  # fmt: skip
def test_regular_plurals_lose_their_ending_and_other_words_keep_it(
    plural: str, single: str
) -> None:
    assert singular(plural) == single


def test_spaces_hyphens_accents_and_case_do_not_tell_words_apart() -> None:
    assert squeeze("Sand-bar") == squeeze("sand bar") == squeeze("SANDBAR")
    assert fold("Consommé") == "consomme"
    assert squeeze("Jack-o'-lantern") == squeeze("jack o’ lantern")


@given(st.text())
def test_any_text_has_a_folded_form_that_folds_to_itself(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert all(word == fold(word) for word in stems(text))
    assert not stems(text) & {""}


def test_a_rare_word_tells_more_than_one_of_every_class() -> None:
    classes = [
        ClassEntry(id=str(n), name=f"name{n}", definition="an animal" + " with tusks" * (n == 0))
        for n in range(5)
    ]
    rare = rarity(classes)
    assert rare.weight("animal") == 0
    assert rare.weight("tusk") > 1
    told = frozenset({"animal", "tusk"})
    assert rare.overlap(told, frozenset({"tusk"})) == pytest.approx(1)
    assert rare.overlap(frozenset(), told) == 0


def test_no_noun_of_a_kind_is_also_called_contrary_to_all_kinds() -> None:
    both = {kind.name: sorted(kind.nouns & knowing().contrary) for kind in knowing().kinds}
    assert {name: words for name, words in both.items() if words} == {}


@pytest.mark.parametrize(
    ("lead", "said"),
    [
        ("The tench (Tinca tinca) is a fresh- and brackish-water fish of the carp family.", "fish"),
        ("A shield is a piece of personal armour held in the hand.", "armour"),
        ("Sunglasses are a form of eyewear designed primarily to protect the eyes.", "eyewear"),
        ('"Puma" is a song by an English band. It is 3 minutes long.', "song"),
        ("Yurts, also called gers (Turkic (old) word), are round tents.", "tents"),
        ("A crane is a machine used to move things. A crane is a bird.", "machine"),
        ("Crane is an English surname.", "surname"),
    ],
)
def test_a_lead_says_what_its_subject_is(lead: str, said: str) -> None:
    assert said in said_to_be(first_sentence(lead))
    assert "bird" not in said_to_be(first_sentence(lead))


def test_a_lead_that_says_nothing_of_its_kind_has_no_nouns() -> None:
    assert said_to_be("Puma!") == ()
    assert nouns("") == ()


@pytest.mark.parametrize(
    "lead",
    ["Tope may refer to:", "Vine snake may refer to any of several genera of snakes.",
     "Water snake is the common name of several snakes."],
)  # fmt: skip
def test_a_lead_that_opens_a_list_of_meanings_is_seen(lead: str) -> None:
    assert is_list(lead)
    assert not is_list("The tench is a fish. In law, tench may refer to: nothing.")
    assert not is_list("Rickshaw originally referred to a two-wheeled cart.")


@given(st.text(max_size=400))
def test_any_lead_is_read_without_an_error(lead: str) -> None:
    sentence = first_sentence(lead)
    assert "\n" not in sentence
    assert all(noun == noun.lower() for noun in said_to_be(sentence))
    assert is_list(lead) in (True, False)
