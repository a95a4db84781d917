"""Names of authors out of strangers' HTML, and what is missing."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.builders.commons.credits import credit_of
from imagewikiqa.builders.commons.plain import LONGEST, plain_text
from imagewikiqa.builders.commons.records import Licence
from imagewikiqa.builders.commons.refusal import RefusedError

BY = Licence(id="CC-BY-4.0", name="CC BY 4.0", url="https://x.test", attribution_required=True)
PD = Licence(id="public-domain", name="PD", url="https://x.test", attribution_required=False)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("Ann", "Ann"),
        ('<a href="//x/User:Ann" title="User:Ann">Ann</a>', "Ann"),
        ("<ul>\n<li>Ann</li>\n<li>Ben, <i>Paris</i></li>\n</ul>", "Ann; Ben, Paris"),
        ("Ann<br>Museum<br />Town", "Ann; Museum; Town"),
        ('Unknown<span style="display: none;">Unknown</span>', "Unknown"),
        ("<script>steal()</script>Ann<style>p{}</style>", "Ann"),
        ("<svg><a>x</a></svg>Ann", "Ann"),
        ("a\u202eb\u200bc\x00d\u2028e", "abc d e"),
        ("&lt;script&gt;&amp;", "<script>&"),
        ("<b>Ann", "Ann"),
        ("Ann</b></div>", "Ann"),
        ("<span style='DISPLAY : none'>x<br>y</span>Ann", "Ann"),
        ("<div/>Ann<!-- not Ben --><!doctype x>", "Ann"),
    ],
)
def test_html_becomes_the_text_that_a_reader_sees(html: str, text: str) -> None:
    assert plain_text(html) == text


@given(st.text(alphabet=st.sampled_from("ab <>/&;'\"=!-\n\x00\u202e#scriptyle:dnov"), max_size=300))
def test_any_html_gives_one_line_without_shapeless_characters(html: str) -> None:
    text = plain_text(html)
    assert text == text.strip() and "  " not in text
    assert not {unicodedata.category(c) for c in text} & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text(alphabet=st.characters(whitelist_categories=("L", "N")), min_size=1, max_size=50))
def test_plain_names_stay_as_they_are(name: str) -> None:
    assert plain_text(f"<p><b>{name}</b></p>") == name


def test_html_without_end_is_refused() -> None:
    with pytest.raises(ValueError, match="characters of HTML"):
        plain_text("x" * (LONGEST + 1))
    with pytest.raises(RefusedError, match="credit too long"):
        credit_of({"Artist": "x" * (LONGEST + 1)}, BY)
    with pytest.raises(RefusedError, match="credit too long"):
        credit_of({"Artist": "x" * 1001}, BY)


def test_a_stated_attribution_is_the_credit() -> None:
    credit = credit_of({"Artist": "Ann", "Attribution": "© Ann / Lab", "Credit": "Own work"}, BY)
    assert (credit.author, credit.words, credit.source) == ("Ann", "© Ann / Lab", "Own work")
    assert credit_of({"Attribution": "Ann / Lab"}, BY).author == "Ann / Lab"
    assert credit_of({"Artist": "Ann"}, BY).words == "Ann"


@pytest.mark.parametrize("artist", ["", " ", "<b></b>", "?", "<script>Ann</script>", "—"])
def test_a_file_without_an_author_is_refused(artist: str) -> None:
    for licence in (BY, PD):
        with pytest.raises(RefusedError, match="no author stated"):
            credit_of({"Artist": artist}, licence)


@pytest.mark.parametrize(
    "artist",
    ["Unknown", "Unknown author", "anonymous", "unknown photographer.", "Author unknown",
     "Not provided", "Unknown author<br>Unknown author", "Unknown or not provided"],
)  # fmt: skip
def test_an_unknown_author_will_do_only_for_public_domain(artist: str) -> None:
    with pytest.raises(RefusedError, match="no author stated"):
        credit_of({"Artist": artist}, BY)
    assert credit_of({"Artist": artist}, PD).author.lower() != ""
    assert credit_of({"Artist": "The Unknown Photographer Ltd"}, BY).author
