"""Sentences know where they stand and whether the class is what they speak of."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.digests import text_digest
from imagewikiqa.core.records import ClassEntry, Page, Section
from imagewikiqa.qa.corpus.sentences import (
    Sentence,
    is_named,
    own_words,
    page_sentences,
    speaks_of_class,
    split_sentences,
)

TIGER = ClassEntry(id="tiger", name="tiger", synonyms=("Panthera tigris",))
HUSKY = ClassEntry(id="husky", name="Siberian Husky")
SAMSUNG = ClassEntry(id="samsung", name="Samsung")


def page(text: str) -> Page:
    sections = (Section(path=(), start=0, end=len(text)),)
    return Page(
        id="p", class_ids=("c",), title="T", page_id=None, revision_id=None,
        revision_timestamp=None, url="", license="CC0-1.0", text=text, sections=sections,
        facts={}, source="test", sha256=text_digest(text),
    )  # fmt: skip


def spoken(text: str, entry: ClassEntry = TIGER) -> list[bool]:
    return [sentence.own_pronoun for sentence in page_sentences(page(text), entry)]


def test_sentences_end_at_full_stops_but_not_at_abbreviations() -> None:
    text = "It is c. 3 m long. J. Smith of St. Louis saw it in 1900. Was it a cat? It was."
    assert [sentence for _, sentence in split_sentences(text)] == [
        "It is c. 3 m long.",
        "J. Smith of St. Louis saw it in 1900.",
        "Was it a cat?",
        "It was.",
    ]


def test_a_closing_quotation_mark_belongs_to_its_sentence() -> None:
    found = [
        sentence for _, sentence in split_sentences('It means "big." (Or "old.") Then it ends.')
    ]
    assert found == ['It means "big."', '(Or "old.")', "Then it ends."]


@given(st.text(alphabet="aA. \"')1?!é\n", max_size=60), st.integers(0, 9))
def test_every_sentence_stands_where_it_says(text: str, offset: int) -> None:
    for start, sentence in split_sentences(text, offset):
        assert sentence and text[start - offset : start - offset + len(sentence)] == sentence


def test_headings_and_the_infobox_give_no_sentences() -> None:
    body = "The tiger is a cat.\n\nDiet\n\nIt eats deer.\n\n"
    text = body + "Infobox\nweight: 200 kg."
    sections = (
        Section(path=(), start=0, end=len(body)),
        Section(path=("Infobox",), start=len(body), end=len(text)),
    )
    full = page(text).model_copy(update={"sections": sections})
    found = page_sentences(full, TIGER)
    assert [sentence.text for sentence in found] == ["The tiger is a cat.", "It eats deer."]
    assert all(text[one.start : one.end] == one.text for one in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The tiger is big. It eats deer. They swim.", [True, True, True]),
        ("Tigers hunt. They swim.", [True, True]),
        ("It is a cat.", [True]),  # a paragraph opens on the page's subject
        ("The tiger is big. The leopard is small. It weighs 60 kg.", [True, False, False]),
        ("The Siberian tiger is pale. It weighs 300 kg.", [False, False]),
        ("The largest tiger lived in a zoo. It weighed 400 kg.", [False, False]),
        ("The tiger (Panthera tigris) is big. It roars.", [True, True]),
        ("The coat is orange. It is thick.", [False, False]),
        ("The tiger's tail is long. It is striped.", [False, False]),
        ("The tiger sleeps.\n\nIt eats deer.", [True, True]),
        ("A poet said:\n\nIt is the finest of books.\n\nIt eats deer.", [False, False, True]),
    ],
)
def test_a_pronoun_is_the_class_only_while_the_paragraph_speaks_of_it(
    text: str, expected: list[bool]
) -> None:
    assert spoken(text) == expected


def test_a_name_that_goes_on_in_capitals_is_another_name() -> None:
    text = "Samsung Fire insures. It is the largest insurer. Samsung makes chips. It is a group."
    assert spoken(text, SAMSUNG) == [False, False, True, True]


def test_part_of_a_name_without_its_head_is_another_name() -> None:
    text = "Siberian tigers are cats. They are big. Siberian Huskies are dogs. They pull."
    assert spoken(text, HUSKY) == [False, False, True, True]


def test_the_words_of_a_class_are_those_of_its_names_in_both_numbers() -> None:
    assert own_words(TIGER) >= {"tiger", "tigers", "panthera", "tigris"}


@pytest.mark.parametrize(
    ("head", "pronoun", "expected"),
    [
        ("The tiger", False, True),
        ("Adult tigers usually", False, True),
        ("It", True, True),
        ("It", False, False),
        ("The leopard", False, False),
        ("The Siberian tiger", False, False),
        ("A tiger sharks", False, False),
        ("The tiger is a large cat", False, True),
        ("The tiger (also called the striped cat)", False, True),
        ("It is a cat that", True, True),
        ("Its neighbour", True, False),
        ("Hunters of the tiger", False, False),
        ("", False, False),
    ],
)
def test_only_openers_and_the_name_may_stand_before_the_verb(
    head: str, pronoun: bool, expected: bool
) -> None:
    sentence = Sentence(f"{head} weighs 9 kg.", 0, own_pronoun=pronoun, continues=pronoun)
    assert speaks_of_class(head, sentence, own_words(TIGER)) is expected


@pytest.mark.parametrize(
    ("text", "continues", "expected"),
    [
        ('The word "tiger" comes from Greek.', False, True),
        ("The English name tiger comes from Greek.", False, True),
        ("The name of the tiger comes from Greek.", False, True),
        ("The name comes from Greek.", True, True),
        ("The name comes from Greek.", False, False),
        ("Its name comes from Greek.", True, True),
        ("The genus name Panthera comes from Greek.", True, False),
        ("The word leopard comes from Greek.", True, False),
        ("The city's name comes from Greek.", True, False),
        ("Others hold that the name comes from Greek.", True, False),
    ],
)
def test_a_word_is_explained_only_if_it_is_the_name(
    text: str, continues: bool, expected: bool
) -> None:
    match = re.search(r"\b(?:word|name)\b(?P<w>.*?)\bcomes\b", text)
    assert match is not None
    sentence = Sentence(text, 0, own_pronoun=False, continues=continues)
    assert is_named(frozenset({"tiger"}), sentence, match) is expected


@pytest.mark.parametrize("run", ["A. ", "Mr. B "])
def test_a_line_of_initials_takes_linear_time(run: str) -> None:
    began = time.process_time()
    assert len(list(split_sentences(run * 40_000))) == 1
    assert time.process_time() - began < 10
