"""Wikitext from a grammar: seen words survive in order, hidden words and markup never do."""

import re
import unicodedata
from collections import Counter

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from imagewikiqa.builders.tidy import tidy
from imagewikiqa.builders.wikitext import CleanText, clean
from tests.builders.wikitext_grammar import pages
from tests.builders.wikitext_scan import flaws_in, markup_in, words

Page = tuple[str, list[str], list[str]]
_OURS = re.compile(r"(?:vis|hid)[a-z]+")
_BREAKS = (
    "<ref>", "</ref>", "{{", "}}", "[[", "]]", "{|", "|}", "|-", "'''", "<!--", "-->", "<nowiki>",
    "</nowiki>", "==", "\n", "\n\n", "<div>", "</span>", "[[File:", "{{cite|", "<ref", "|",
    "<table>", "</table>", "<gallery>", "</gallery>", "<math>", "{{{", "}}}", "<pre>",
    "&#", "&lt;ref&gt;",
)  # fmt: skip


def assert_parts_make_the_text(cleaned: CleanText) -> None:
    """Sections, headings and blank lines are all there is, in order and without overlap."""
    last, heads = 0, Counter(word for s in cleaned.sections for p in s.path for word in words(p))
    for section in cleaned.sections:
        assert last <= section.start < section.end
        between = cleaned.text[last : section.start]
        assert not Counter(words(between)) - heads
        last = section.end
    assert last == len(cleaned.text)
    assert unicodedata.is_normalized("NFC", cleaned.text)


@settings(max_examples=500)
@given(pages())
def test_seen_words_survive_in_order_and_hidden_words_never_do(page: Page) -> None:
    source, seen, hidden = page
    cleaned = clean(source)
    found = _OURS.findall(cleaned.text)
    assert [word for word in found if word in hidden] == []
    assert found == seen
    assert flaws_in(cleaned.text) == []
    assert_parts_make_the_text(cleaned)


@settings(max_examples=300)
@given(pages(), st.data())
def test_broken_pages_never_raise_and_leave_no_markup(page: Page, data: st.DataObject) -> None:
    source = page[0]
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(source)))
        cut = data.draw(st.integers(0, 5))
        source = source[:at] + data.draw(st.sampled_from(_BREAKS)) + source[at + cut :]
    cleaned = clean(source)
    assert markup_in(cleaned.text) == []
    assert_parts_make_the_text(cleaned)


@settings(max_examples=300)
@given(pages(), st.data())
def test_a_page_cut_anywhere_shows_no_hidden_word(page: Page, data: st.DataObject) -> None:
    source, _, hidden = page
    cut = source[: data.draw(st.integers(0, len(source)))]
    assume(cut.count("{| class") == cut.count("\n|}"))  # an open table only loses its rows
    cleaned = clean(cut)
    whole = set(hidden)
    assert [word for word in _OURS.findall(cleaned.text) if word in whole] == []
    assert markup_in(cleaned.text) == []


@settings(max_examples=200)
@given(pages())
def test_clean_text_cleaned_again_keeps_its_words(page: Page) -> None:
    once = clean(page[0]).text
    assert words(clean(once).text) == words(once)


@settings(max_examples=300)
@given(st.text(alphabet="ab .,;:()[]|'–<>&\u00a0éA!?", max_size=60))
def test_tidying_twice_is_tidying_once(text: str) -> None:
    once = tidy(text)
    assert tidy(once) == once


def test_struck_text_that_is_never_closed_hides_a_block_in_it() -> None:
    cleaned = clean("visb\n\n<ul><li>visc <del><div class=x>hidd</div>")
    assert "hidd" not in cleaned.text and "visb" in cleaned.text
