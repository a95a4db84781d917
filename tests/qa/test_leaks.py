"""A text that gives its class away is caught, however the name is written, and no other text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.records import ClassEntry
from imagewikiqa.qa.leaks import Leak, LeakChecker, contains_phrase, contains_spelling, fold, words
from imagewikiqa.qa.naming import name_question, plural_phrase

IMAGENET = load_classes("imagenet")
BY_NAME = {entry.name: entry for entry in IMAGENET}
CHECKER = LeakChecker(IMAGENET)


def found(text: str, name: str) -> list[Leak]:
    return CHECKER.leaks(text, BY_NAME[name].id)


@pytest.mark.parametrize(
    ("text", "name", "kind"),
    [
        ("Stripes help the tiger hide", "tiger", "name"),
        ("It preys on TIGERS", "tiger", "plural"),
        ("the tiger's stripes", "tiger", "name"),
        ("a tiger-like cat", "tiger", "name"),
        ("tiger", "tiger", "name"),
        ("Panthera tigris", "tiger", "synonym"),
        ("Which maize dish is it?", "corn", "synonym"),
        ("Siberian Huskies", "Siberian Husky", "plural"),
        ("flamingoes", "flamingo", "plural"),
        ("flamingos", "flamingo", "plural"),
        ("volcanos", "volcano", "plural"),
        ("computer mice", "computer mouse", "plural"),
        ("a Golden\nRetriever", "Golden Retriever", "name"),
        ("ping pong ball", "ping-pong ball", "name"),
        ("ping\u2010pong ball", "ping-pong ball", "name"),
        ("pingpong ball", "ping-pong ball", "name"),
        ("an ice-cream", "ice cream", "name"),
        ("a Tshirt", "T-shirt", "name"),
        ("cow boy hat", "cowboy hat", "name"),
        ("bath-tub", "bathtub", "name"),
        ("yellow lady\u2019s slipper", "yellow lady's slipper", "name"),
        ("a slipper", "yellow lady's slipper", "word"),
        ("Saint Bernard", "St. Bernard", "synonym"),
        ("the Huskies", "Siberian Husky", "word"),
        ("one sunglass", "sunglasses", "plural"),
        ("ＴＩＧＥＲ", "tiger", "name"),
    ],
)
def test_a_name_leaks_however_it_is_written(text: str, name: str, kind: str) -> None:
    assert kind in {leak.kind for leak in found(text, name)}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("elephant restaurant plants", "ant"),
        ("wheel, steel and feel", "eel"),
        ("zebra library", "bra"),
        ("an acorn in the cornfield", "corn"),
        ("tigerish", "tiger"),
        ("a nt", "ant"),
        ("volcanic ash", "volcano"),
        ("a large white bear of the sea", "polar bear"),
        ("a retriever", "Golden Retriever"),  # six breeds are retrievers
        ("the machine can wash", "washing machine"),
        ("", "tiger"),
    ],
)
def test_other_words_do_not_leak(text: str, name: str) -> None:
    assert found(text, name) == []


def test_every_imagenet_name_its_plural_and_its_named_question_leak() -> None:
    assert len(IMAGENET) == 1000
    for entry in IMAGENET:
        for text in (
            entry.name,
            f"What is {entry.name.upper()}?",
            plural_phrase(entry),
            name_question("What is this object?", entry),
            name_question("What are these objects?", entry),
            entry.name.replace(" ", "-"),
            entry.name.replace("-", " "),
            entry.name.replace("'", "\u2019"),
            *entry.synonyms,
        ):
            assert CHECKER.leaks(text, entry.id), (text, entry.name)


def test_a_word_of_one_name_leaks_until_others_share_it() -> None:
    crane = ClassEntry(id="1", name="whooping crane")
    others = [ClassEntry(id=str(n), name=f"kind {n} crane") for n in range(2, 4)]
    assert LeakChecker([crane]).leaks("a crane", "1") == [Leak("word", "crane")]
    assert LeakChecker([crane, others[0]]).leaks("a crane", "1") == [Leak("word", "crane")]
    assert LeakChecker([crane, *others]).leaks("a crane", "1") == []
    assert LeakChecker([crane, *others]).leaks("a whooping bird", "1") == [Leak("word", "whooping")]


def test_what_tells_titles_apart_is_no_part_of_the_name() -> None:
    book = ClassEntry(id="b", name="Animalia (book)", title="Animalia (picture book)")
    checker = LeakChecker([book])
    assert checker.leaks("a book with a picture", "b") == []
    assert checker.leaks("Animalia", "b")[0] == Leak("name", "animalia")


def test_names_without_letters_and_with_signs_are_compared_as_they_are() -> None:
    classes = [ClassEntry(id="q", name="? (film)"), ClassEntry(id="n", name="N.EX.T")]
    checker = LeakChecker(classes)
    assert checker.leaks("What is this object?", "q") == []
    assert checker.leaks("the band N.EX.T played", "n")
    assert not checker.leaks("the band NEXT played", "n")


def test_an_unknown_class_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        CHECKER.leaks("tiger", "nobody")


def test_words_and_folding_keep_apostrophes_and_drop_hyphens() -> None:
    assert fold(" Jack\u2010O\u2019-Lantern  \u2013 X ") == "jack o' lantern x"
    assert words("Lady\u2019s slipper, 3 kg") == ["lady's", "slipper", "kg"]


@given(st.text(), st.sampled_from(["tiger", "ping pong ball", "st. bernard", "t shirt", "ant"]))
def test_a_phrase_is_found_wherever_it_stands_apart(text: str, phrase: str) -> None:
    around = fold(f"{text} ({phrase}) {text}")
    assert contains_phrase(around, phrase) and contains_spelling(around, phrase)


@given(st.text(alphabet="tigers -", max_size=20), st.sampled_from(["tiger", "tigers", "tig er s"]))
def test_whatever_stands_as_a_phrase_also_stands_as_a_spelling(text: str, phrase: str) -> None:
    if contains_phrase(text, phrase):
        assert contains_spelling(text, phrase)
