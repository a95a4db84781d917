"""The report page escapes every text, loads nothing, and draws the same plot twice."""

import re

import pytest
from jinja2 import UndefinedError

from imagewikiqa.qa.intervals import wilson
from imagewikiqa.qa.report_page import data_uri, inline_svg, render, visible, web_url
from imagewikiqa.qa.report_plots import bar_chart, interval_chart

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


def test_the_same_numbers_draw_the_same_bytes() -> None:
    rates = [wilson(3, 9), wilson(5, 9)]
    assert bar_chart(["A", "B"], [1, 2], "rows") == bar_chart(["A", "B"], [1, 2], "rows")
    one, two = (interval_chart(["x", "y"], rates, "right", 0.25) for _ in range(2))
    assert one == two
    assert "dc:date" not in one


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
        render("audit.html")
