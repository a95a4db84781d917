"""Quotes are found where they stand, in code points, and never where they do not."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from imagewikiqa.qa.evidence import LONGEST_GAP, fold_quote, locate

PAGE = (
    "The 𝒯iger (Panthera tigris) isn’t a lion.\n\nIt eats “deer”, 10–15 kg a\u00a0day,\n"
    "and rests. It swims well… it climbs badly.\n\nInfobox\nDiet: meat\n"
)
RETYPED = {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\u00a0": " ", "\n": " "}
ALPHABET = st.sampled_from("ab .,'\"’“”–-—\n\t\u00a0\u200b\u00adé𝒯…")


def found(quote: str, page: str = PAGE) -> str | None:
    span = locate(page, quote)
    return None if span is None else page[span[0] : span[1]]


@pytest.mark.parametrize(
    ("quote", "there"),
    [
        ("It eats “deer”", "It eats “deer”"),
        ('isn\'t a lion. It eats "deer", 10-15 kg', "isn’t a lion.\n\nIt eats “deer”, 10–15 kg"),
        ("  10-15 kg a day,  and rests. ", "10–15 kg a\u00a0day,\nand rests."),
        ('"It eats “deer”, 10–15 kg"', "It eats “deer”, 10–15 kg"),
        ("and rests. It swims well.", "and rests. It swims well"),
        ("Diet: meat", "Diet: meat"),
        ("It swims well… it climbs", "It swims well… it climbs"),
        ("swims well... it climbs", "swims well… it climbs"),
        ("The 𝒯iger ... a lion.", "The 𝒯iger (Panthera tigris) isn’t a lion."),
        (
            "The 𝒯iger [...] a lion … It eats",
            "The 𝒯iger (Panthera tigris) isn’t a lion.\n\nIt eats",
        ),
        ("... and rests. . . .", "and rests."),
        ("an\u00add re\u200bsts", "and rests"),
    ],
)
def test_a_quote_is_found_though_it_was_retyped(quote: str, there: str) -> None:
    assert found(quote) == there


@pytest.mark.parametrize(
    "quote",
    [
        "", " \n", "...", "…", '""', ".", "\u200b",
        "The Tiger (Panthera tigris)",  # another letter
        "it eats “deer”",  # another case
        "It eats deer",  # quote marks inside are words of the page
        "a lion ... The 𝒯iger",  # out of order
        "It eats ... a unicorn",
        "It eats “deer”, 10-15 kg a day, and sleeps",
    ],
)  # fmt: skip
def test_what_the_page_does_not_say_is_not_found(quote: str) -> None:
    assert locate(PAGE, quote) is None


def test_an_exact_copy_comes_before_an_earlier_retyped_place() -> None:
    page = 'He said “no”. He said "no".'
    assert locate(page, 'He said "no".') == (14, 27)


def test_parts_far_from_one_another_are_no_quote() -> None:
    near, far = "x" * LONGEST_GAP, "x" * (LONGEST_GAP + 1)
    assert found("start ... end", f"start{near}end") == f"start{near}end"
    assert found("start ... end", f"start{far}end") is None


def test_the_first_part_is_taken_where_the_others_follow() -> None:
    page = f"It eats grass. {'x' * LONGEST_GAP} It eats deer and fish."
    assert found("It eats ... fish", page) == "It eats deer and fish"


WORDS = st.text(ALPHABET, max_size=20)


@given(WORDS, WORDS, st.sampled_from("ab𝒯é7"), WORDS, WORDS)
@example("", "’", "a", "\n\n b", "")
def test_every_piece_of_a_page_is_found_after_retyping(
    before: str, left: str, letter: str, right: str, after: str
) -> None:
    piece = f"{left}{letter}{right}"
    page = f"{before}{piece}{after}"
    quote = "".join(RETYPED.get(character, character) for character in piece)
    span = locate(page, quote)
    assert span is not None
    assert 0 <= span[0] < span[1] <= len(page)
    there = fold_quote(page[span[0] : span[1]])
    assert there and there in fold_quote(quote)
    assert letter in there


@given(st.text(ALPHABET, max_size=40), st.text(ALPHABET, max_size=12))
def test_a_span_always_holds_the_words_of_its_quote(page: str, quote: str) -> None:
    span = locate(page, quote)
    plain = [
        w for w in fold_quote(quote.replace("…", " ")).replace(".", " ").split() if w.isalnum()
    ]
    if span is None:
        assert quote not in page or not any(character.isalnum() for character in quote)
        return
    there = page[span[0] : span[1]]
    assert there == there.strip()
    assert all(word in fold_quote(there) for word in plain)
