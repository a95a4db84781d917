"""The report page escapes every text, loads nothing, and draws the same plot twice."""

import re

import pytest
from jinja2 import UndefinedError

from imagewikiqa.core.intervals import wilson
from imagewikiqa.core.report import page as report_page
from imagewikiqa.core.report.page import data_uri, inline_svg, render, visible, web_url
from imagewikiqa.core.report.plots import bar_chart, histogram, interval_chart, line_chart

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"


@pytest.mark.parametrize("address", ["http://a.org/x?y=1", "https://en.wikipedia.org/wiki/T%C3%A9"])
def test_web_addresses_become_links(address: str) -> None:
    assert web_url(address) == address


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        " javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,<b>",
        "file:///etc/passwd",
        "//evil.org",
        "https://",
        "http://[bad",
        "https://a.org/\u202egnp",
        "",
        None,
    ],
)
def test_anything_else_stays_text(address: object) -> None:
    assert web_url(address) is None


def test_control_and_direction_characters_are_spelled_out() -> None:
    assert visible("a\u202eb\x00c\ud800") == "a[U+202E]b[U+0000]c[U+D800]"
    assert visible("tab\tline\nfeed") == "tab\tline\nfeed"
    assert visible(7) == 7


def test_only_raster_images_become_data_addresses() -> None:
    assert data_uri(b"\xff\xd8", "image/jpeg") == "data:image/jpeg;base64,/9g="
    with pytest.raises(ValueError, match="svg"):
        data_uri(b"<svg/>", "image/svg+xml")


def test_a_histogram_tells_its_lines_apart_and_groups_digits() -> None:
    edges, counts = [1, 10, 100, 1000], {"human": [20_000, 0, 5], "gpt": [1, 2, 30_000]}
    svg = histogram(edges, counts, "turns", "words")
    assert svg == histogram(edges, counts, "turns", "words")
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    assert {"human", "gpt", "words", "turns", "100", "20,000"} <= set(texts)
    alone = histogram(edges, {"human": [1, 2, 3]}, "turns", "words")
    assert "human" not in re.findall(r"<text[^>]*>([^<]*)</text>", alone)


def test_the_same_numbers_draw_the_same_bytes() -> None:
    rates = [wilson(3, 9), wilson(5, 9)]
    assert bar_chart(["A", "B"], [1, 2], "rows") == bar_chart(["A", "B"], [1, 2], "rows")
    one, two = (interval_chart(["x", "y"], rates, "right", 0.25) for _ in range(2))
    assert one == two
    assert "dc:date" not in one
    lines: dict[str, list[float | None]] = {"as the key": [0.7, 0.8], "as all": [None, 1.0]}
    assert line_chart([1, 2], lines, "%", "k") == line_chart([1, 2], lines, "%", "k")


def test_a_plot_in_a_page_has_names_of_its_own_and_the_colours_of_the_page() -> None:
    svg = inline_svg(bar_chart([HOSTILE, "$x$"], [1, 2], "rows", 1.5), "letters", HOSTILE)
    assert svg.startswith('<svg role="img" aria-label="&lt;script&gt;')
    assert "<script" not in svg
    assert "<img" not in svg
    assert "$x$" in svg
    assert "var(--accent)" in svg
    ids = re.findall(r'id="([^"]+)"', svg)
    assert len(ids) > 5
    assert all(i.startswith("letters-") for i in ids)
    assert set(re.findall(r'(?:url\(|href=")#([^)"]+)', svg)) <= set(ids)


def test_a_missing_variable_is_an_error_not_a_gap() -> None:
    with pytest.raises(UndefinedError):
        render("qa/audit.html")


def macro(call: str, **context: object) -> str:
    source = "{% import 'parts.html' as parts with context %}{{ parts." + call + " }}"
    return report_page._environment().from_string(source).render(**context)


def test_a_card_shows_the_right_option_the_quote_and_the_picture() -> None:
    card = {
        "question": HOSTILE,
        "choices": ["one", HOSTILE],
        "answer": 1,
        "quote": "A quote.",
        "url": "https://example.org/w",
        "source": HOSTILE,
        "image": data_uri(b"\x89PNG", "image/png"),
    }
    html = macro("card(q)", q=card)
    assert html.count("<li") == 2
    assert html.count("<script") == 0
    assert html.count("<img ") == 1
    assert 'src="data:image/png;base64,iVBORw=="' in html
    assert 'href="https://example.org/w" rel="noopener noreferrer"' in html
    assert html.index("class=right") > html.index("one")
    assert "href" not in macro("card(q)", q={**card, "url": "javascript:alert(1)"})
    with pytest.raises(ValueError, match="data_uri"):
        macro("card(q)", q={**card, "image": "https://example.org/x.png"})


def test_a_funnel_counts_down_from_the_whole() -> None:
    steps = [{"label": "Drafts", "count": 4000}, {"label": "Kept", "count": 1000, "note": "n<b>"}]
    html = macro("funnel(steps)", steps=steps)
    assert "4,000" in html
    assert "25.0%" in html
    assert "width: 25.00%" in html
    assert "n&lt;b&gt;" in html
    assert "<li>" not in macro("funnel(steps)", steps=[])


def test_tiles_and_tables_take_optional_parts() -> None:
    tiles = [{"label": "Rows", "value": "3"}, {"label": "x", "value": 1, "verdict": "leak"}]
    html = macro("tiles(items)", items=tiles)
    assert html.count('<li class="tile') == 2
    assert 'class="tile leak"' in html
    table = macro("table(('a', 'b'), ((1, '<i>'),), numeric=(0,))")
    assert '<td dir="auto" class=num>1</td>' in table
    assert "&lt;i&gt;" in table
