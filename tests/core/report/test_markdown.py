"""Texts in Markdown show as they are."""

import pytest

from imagewikiqa.core.intervals import wilson
from imagewikiqa.core.report.markdown import code, indented, plain, rate_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<b>|a_b*", r"\<b\>\|a\_b\*"),
        ("two\nlines\u2028three", "two lines three"),
        ("[x](y) ![z]", r"\[x\](y) \!\[z\]"),
        ("&amp; a@b.c https://x", r"\&amp; a\@b.c https\://x"),
        ("\u202egnp", "[U+202E]gnp".replace("[", r"\[").replace("]", r"\]")),
        (7, "7"),
    ],
)
def test_plain_text_escapes_what_markdown_reads(text: object, expected: str) -> None:
    assert plain(text) == expected


def test_a_code_span_cannot_be_closed_from_inside() -> None:
    assert code("a`b``\n|c") == "a'b'' ¦c"


def test_every_line_of_a_block_is_indented() -> None:
    assert indented("{\n```\n\n}") == "    {\n    ```\n    \n    }"


def test_a_rate_comes_with_its_interval() -> None:
    assert rate_text(wilson(1, 4)) == "25.0% (4.6 to 69.9)"
