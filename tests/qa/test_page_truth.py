"""Wrong options that the page states are found; others, and words in another sense, are not."""

import pytest

from imagewikiqa.qa.page_truth import true_options
from tests.qa.quoted import QUOTE, TEXT, draft, page


@pytest.mark.parametrize("option", ["Berries", "eggs", "the eggs", "BERRIES."])
def test_an_option_beside_the_right_one_in_the_quoted_sentence_is_true(option: str) -> None:
    assert true_options(draft("Frogs", option, "Urchins"), page()) == [option]


@pytest.mark.parametrize(
    "option",
    ["Reeds", "Frogs", "egg", "Seagrass", "It", "12"],
)  # another sentence, another word, part of a word, nothing that tells
def test_an_option_elsewhere_or_without_a_telling_word_is_not(option: str) -> None:
    assert true_options(draft("Beetles", option, "Urchins"), page()) == []


def test_the_sentence_counts_where_the_quote_is_a_part_of_it() -> None:
    assert true_options(draft("Eggs", "Frogs", "Urchins", quote="mainly bamboo"), page()) == [
        "Eggs"
    ]


def test_a_word_of_the_right_option_is_no_second_answer() -> None:
    text = "It eats bamboo shoots and eggs."
    one = draft("Bamboo", "Frogs", "Urchins", right="Bamboo shoots", quote=text, text=text)
    assert true_options(one, page(text)) == []


@pytest.mark.parametrize(
    "text",
    ["It eats bamboo, not eggs.", "It eats bamboo rather than eggs.",
     "Unlike lizards that eat eggs, it eats bamboo."],
)  # fmt: skip
def test_a_contrast_makes_nothing_true(text: str) -> None:
    one = draft("Eggs", "Frogs", "Urchins", quote=text, text=text)
    assert true_options(one, page(text)) == []


def test_what_the_question_names_is_no_answer() -> None:
    asked = "Besides eggs, what does this object eat?"
    assert true_options(draft("Eggs", "Frogs", "Urchins", question=asked), page()) == []


def test_one_value_of_the_infobox_states_the_same_field() -> None:
    one = draft("Moss", "Frogs", "Urchins")
    assert true_options(one, page(facts={"diet": "bamboo, moss"})) == ["Moss"]
    assert true_options(one, page(facts={"habitat": "moss", "diet": "bamboo"})) == []


def test_a_statement_about_something_else_is_not_read() -> None:
    text = "It lives in Asia. It was seen in Europe, Africa and eggs."
    one = draft("Eggs", "Frogs", "Urchins", right="Asia", quote="It was seen in Europe", text=text)
    assert true_options(one, page(text)) == []  # the sentence does not speak of the right option


def test_the_fixture_stands_in_its_page() -> None:
    one = draft()
    assert TEXT[one.evidence.start : one.evidence.end] == QUOTE
