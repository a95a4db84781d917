"""Real and nasty pages become text without markup, references, captions or parameters."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagewikiqa.builders.dump import read_dump
from imagewikiqa.builders.raw import RawPage
from imagewikiqa.builders.sample import read_sample
from imagewikiqa.builders.wikitext import clean
from tests.builders.wikitext_scan import flaws_in, scan, source_words, words

NASTY = Path(__file__).parent.parent / "data" / "wiki" / "nasty"
# The names of months are written out from numbers: {{start date|1918|05}}.
SPELLED = set(
    "january february march april may june july august september october november december".split()
)
# Templates whose words are seen although they stand nowhere else on the page.
MEANT = re.compile(
    r"\{\{\s*(?:lang|convert|cvt|nihongo|transl|.*quot|small|hlist|angbr|vr\b|ipa\b|ipaslink|val\b"
    r"|script|as of|nowrap|columns-list|midsize|nuclide|zh|ill\b|formatnum|infobox|.*taxobox"
    r"|speciesbox|rail ?gauge|linktext|harvtxt|currency|us\b|unbulleted)",
    re.I,
)


def real_pages(shared: Path) -> Iterator[tuple[str, str]]:
    """Yield the names and wikitext of all real pages."""
    for dump in sorted((shared / "wiki_xml").glob("*.bz2")):
        for page in read_dump(dump):
            if isinstance(page, RawPage):
                yield page.title, page.wikitext
    for file in sorted((shared / "wikitext_pages").glob("*/*.txt")):
        yield file.stem, file.read_text("utf-8")


def leaks(wikitext: str) -> dict[str, set[str]]:
    """Return the words of the clean text that the source holds only where none may be seen."""
    taken, shown = scan(wikitext), set(words(clean(wikitext).text)) - SPELLED
    meant = [template for template in taken.templates if MEANT.match(template)]
    silent = [template for template in taken.templates if not MEANT.match(template)]
    rest, elsewhere = source_words(taken.rest), source_words(" ".join([taken.prose, *meant]))
    found = {
        "reference": set(words(" ".join(taken.refs))) - rest,
        "caption": set(words(" ".join(taken.captions))) - rest,
        "parameter": set(words(" ".join(silent))) - elsewhere,
    }
    return {kind: only & shown for kind, only in found.items() if only & shown}


def test_the_scan_finds_references_captions_and_templates() -> None:
    page = (
        "a<ref name=x>b {{c|d}}</ref> [[File:e.jpg|f [[g]] h]] i {{j|k {{l}}|m}} n<ref name=x/>"
        "<gallery>\no.jpg|p\n</gallery> <!-- q -->\n| image_caption = r\n[[s|t]]''u''v"
    )
    taken = scan(page)
    assert [words(text) for text in taken.refs] == [["b", "c", "d"], []]
    assert words(" ".join(taken.captions)) == ["o", "jpg", "p", "r", "file", "e", "jpg", *"fgh"]
    assert taken.templates == ("{{j|k {{l}}|m}}",)
    assert words(taken.prose) == ["a", "i", "n", "s", "t", "u", "v"]
    assert source_words("'''A'''b [[c|d]]e 1,234 {{linktext|f|g}}") >= {"ab", "de", "1234", "fg"}


@pytest.mark.parametrize("name", ["heron", "teapot"])
def test_a_nasty_page_shows_what_a_reader_would_read(name: str) -> None:
    wikitext = (NASTY / f"{name}.wikitext").read_text("utf-8")
    text = clean(wikitext).text
    assert text == (NASTY / f"{name}.txt").read_text("utf-8").strip()
    assert "hid" in wikitext
    assert "hid" not in text
    assert flaws_in(text) == []


def test_the_sample_shows_no_markup_reference_caption_or_parameter() -> None:
    pages = list(read_sample())
    assert len(pages) > 60
    assert {p.title: found for p in pages if (found := leaks(p.wikitext))} == {}
    assert {p.title: bad for p in pages if (bad := flaws_in(clean(p.wikitext).text))} == {}


def test_real_pages_show_no_markup_reference_caption_or_parameter(shared_data: Path) -> None:
    pages = list(real_pages(shared_data))
    assert len(pages) == 117 + 42
    assert sum(len(scan(wikitext).refs) for _, wikitext in pages) > 5000
    assert sum(len(scan(wikitext).captions) for _, wikitext in pages) > 800
    assert {name: found for name, text in pages if (found := leaks(text))} == {}
    assert {name: bad for name, text in pages if (bad := flaws_in(clean(text).text))} == {}
