"""Sentences, stems and the index: against known splits and a slow BM25."""

import re
import time
from collections import Counter
from math import log

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagewikiqa.core.digests import text_digest
from imagewikiqa.core.records import Page, Section
from imagewikiqa.qa.retrieval import (
    Index,
    Weighting,
    content_words,
    sentence_spans,
    words,
)


def page(text: str, sections: tuple[Section, ...] = (), number: int = 0) -> Page:
    return Page(
        id=f"page{number}", class_ids=(f"c{number}",), title="T", page_id=None, revision_id=None,
        revision_timestamp=None, url="", license="CC0-1.0", text=text, sections=sections,
        facts={}, source="test", sha256=text_digest(text),
    )  # fmt: skip


def sentences(text: str) -> list[str]:
    return [text[start:end].strip() for start, end in sentence_spans(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It eats figs. It swims.", ["It eats figs.", "It swims."]),
        ("Diet\n\nIt eats figs.\nMass: 3.5 kg", ["Diet", "It eats figs.", "Mass: 3.5 kg"]),
        ("It grows to 3.5 m. It is old.", ["It grows to 3.5 m.", "It is old."]),
        ("Named by J. Smith of St. Paul in c. 1890. It ran.",
         ["Named by J. Smith of St. Paul in c. 1890.", "It ran."]),
        ("Bred in the U.S. Army. Why? “Speed!” 12 were sold.",
         ["Bred in the U.S. Army.", "Why?", "“Speed!”", "12 were sold."]),
        ("up to 9 kg, e.g. in Peru", ["up to 9 kg, e.g. in Peru"]),
        ("  \n ", []),
        ("", []),
    ],
)  # fmt: skip
def test_sentences_end_where_a_reader_ends_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(st.text(alphabet="Ab1. \n!?é”c", max_size=60))
def test_sentences_hold_every_letter_once_and_in_order(text: str) -> None:
    kept = "".join(text[start:end] for start, end in sentence_spans(text))
    assert re.sub(r"\s", "", kept) == re.sub(r"\s", "", text)


@pytest.mark.parametrize(
    "family",
    [
        "eat eats eating Eats", "box boxes", "glass glasses", "fly flies", "live lived living",
        "run runs running", "weigh weighed weighs", "breed breeds breeding", "sell sells selling",
        "panda panda's pandas", "evening evenings", "use uses",
    ],
)  # fmt: skip
def test_forms_of_a_word_share_a_stem(family: str) -> None:
    assert len(set(words(family))) == 1


@pytest.mark.parametrize("pair", ["bus bu", "king k", "figs fins", "1.5 15", "spring spr"])
def test_different_words_keep_different_stems(pair: str) -> None:
    assert len(set(words(pair))) == 2


def test_a_measured_number_is_one_word_whatever_its_commas() -> None:
    assert words("1,250 kg") == words("1250kg") == ("1250", "kg")
    assert words("3.5–4 m") == ("3.5", "4", "m")
    assert words("two kilograms at 9 kilometres") == ("2", "kg", "at", "9", "km")


def test_content_words_are_distinct_and_leave_out_what_every_question_says() -> None:
    found = content_words("Which of these does this object eat, or like to eat?")
    assert set(found) == set(words("eat like"))
    assert len(found) == 2


def test_a_phrase_never_runs_across_sentences_or_pages() -> None:
    index = Index(
        [page("It likes New. Guinea pigs eat.\nNew Guinea is wet."), page("new", number=1)]
    )
    assert index.phrase(words("New Guinea"), index.everything) == [2]
    assert index.phrase(words("Guinea"), index.everything) == [1, 2]
    assert index.phrase(words("eat New"), index.everything) == []
    assert index.phrase(words("new"), index.page_span(1)) == [3]
    assert index.phrase(words("Guineas on Mars"), index.everything) == []
    assert index.phrase((), index.everything) == []


def test_windows_carry_the_headings_of_their_innermost_section() -> None:
    text = "A lead.\nDiet\nFigs.\nWild\nRoots."
    sections = (
        Section(path=(), start=0, end=8),
        Section(path=("Diet",), start=8, end=len(text)),
        Section(path=("Diet", "Wild"), start=19, end=len(text)),
    )
    index = Index([page(text, sections)])
    assert [w for w in range(5) if index.window_has(w, words("diet")[0])] == [1, 2, 3, 4]
    assert [w for w in range(5) if index.window_has(w, "wild")] == [3, 4]


def test_an_index_of_nothing_finds_nothing() -> None:
    for index in (Index([]), Index([page(""), page("", number=1)])):
        assert index.phrase(("fig",), index.everything) == []
        assert index.holding("fig", index.everything) == []


WORDS = st.sampled_from(["fig", "seed", "water", "peru", "kg", "12", "of"])
PAGES = st.lists(
    st.lists(st.lists(WORDS, min_size=1, max_size=8), max_size=5), min_size=1, max_size=5
)
QUERY = st.lists(WORDS | st.just("absent"), min_size=1, max_size=5, unique=True)
DIALS = st.sampled_from([Weighting(), Weighting(k1=0.4, b=1.0), Weighting(k1=0.0, b=0.0)])


def slow_bm25(query: list[str], bodies: list[list[str]], at: int, dials: Weighting) -> float:
    """Score one window from the formula, with nothing precomputed; borders count as length."""
    mean = sum(len(body) + 2 for body in bodies) / len(bodies)
    score = 0.0
    for word in query:
        holders = sum(word in body for body in bodies)
        idf = log(1 + (len(bodies) - holders + 0.5) / (holders + 0.5))
        tf = Counter(bodies[at])[word]
        if tf:
            norm = 1 - dials.b + dials.b * (len(bodies[at]) + 2) / mean
            score += idf * tf * (dials.k1 + 1) / (tf + dials.k1 * norm)
    return score


@settings(max_examples=150)
@given(PAGES, QUERY, DIALS)
def test_relevance_equals_a_slow_bm25(
    texts: list[list[list[str]]], query: list[str], dials: Weighting
) -> None:
    pages = [page("\n".join(" ".join(s) for s in text), number=n) for n, text in enumerate(texts)]
    index = Index(pages)
    bodies = [list(words(" ".join(sentence))) for text in texts for sentence in text]
    stems = [words(word)[0] for word in query]
    for at in range(len(bodies)):
        expected = slow_bm25(stems, bodies, at, dials)
        assert index.relevance(stems, at, dials) == pytest.approx(expected, abs=1e-12)


@settings(max_examples=150)
@given(PAGES, st.lists(WORDS, min_size=1, max_size=3))
def test_phrases_are_found_wherever_a_slow_search_finds_them(
    texts: list[list[list[str]]], phrase: list[str]
) -> None:
    pages = [page("\n".join(" ".join(s) for s in text), number=n) for n, text in enumerate(texts)]
    index = Index(pages)
    placed = [(n, sentence) for n, text in enumerate(texts) for sentence in text]
    expected = [
        at
        for at, (_, sentence) in enumerate(placed)
        if any(sentence[i : i + len(phrase)] == phrase for i in range(len(sentence)))
    ]
    stems = words(" ".join(phrase))
    assert index.phrase(stems, index.everything) == expected
    assert [index.page_of(window) for window in expected] == [placed[at][0] for at in expected]
    for number in range(len(pages)):
        on_page = [at for at in expected if placed[at][0] == number]
        assert index.phrase(stems, index.page_span(number)) == on_page


@pytest.mark.parametrize("run", ["A. ", "Mr. B "])
def test_a_line_of_initials_takes_linear_time(run: str) -> None:
    began = time.process_time()
    assert len(list(sentence_spans(run * 40_000))) == 1
    assert time.process_time() - began < 10
