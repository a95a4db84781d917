"""The report of a small command shows its figures, counts and tables, and hostile text as text."""

import re
from pathlib import Path

from imagewikiqa.core.report.page import data_uri
from imagewikiqa.core.report.plots import line_chart
from imagewikiqa.core.report.summary import Listing, Picture, Plot, Summary, write_summary

HOSTILE = "<script>alert(1)</script> | `x` [a](javascript:b)"


def summary(**more: object) -> Summary:
    listing = Listing(
        title="Rejects", heads=("Image", "Why"), rows=[(HOSTILE, "cut")] * 250, file="rejects.jsonl"
    )
    fields: dict[str, object] = {
        "title": "Images of flowers102",
        "eyebrow": "Image index",
        "lead": HOSTILE,
        "figures": {"images": 8189, "rate": "3.1%"},
        "counts": {"By disposition": {f"kind {n}": n for n in range(20)}, "Nothing": {}},
        "listings": [listing],
        "pictures": [
            Picture(
                image=data_uri(b"\xff\xd8", "image/jpeg"),
                title=HOSTILE,
                note=HOSTILE,
                link="https://example.org/file",
            )
        ],
        "files": {"images.parquet": "one row an image"},
        "notes": [HOSTILE],
    }
    return Summary(**{**fields, **more})  # type: ignore[arg-type]


def test_the_page_holds_figures_bars_tables_and_files(tmp_path: Path) -> None:
    write_summary(tmp_path, summary())
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "8,189" in page
    assert "3.1%" in page
    assert "The first 200 of 250 are shown" in page
    assert page.count("<svg") == 1
    assert page.count("<img") == 1
    assert 'href="https://example.org/file"' in page
    assert 'href="images.parquet"' in page
    assert (tmp_path / "plots" / "counts-1.svg").is_file()


def test_hostile_text_stays_text_in_both_forms(tmp_path: Path) -> None:
    write_summary(tmp_path, summary())
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    text = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "\\<script\\>" in text
    assert not re.search(r"(?<!\\)[<\[]", text.replace("![", ""))


def test_counts_past_the_last_bar_are_one_bar(tmp_path: Path) -> None:
    write_summary(tmp_path, summary())
    assert "6 others" in (tmp_path / "plots" / "counts-1.svg").read_text(encoding="utf-8")


def test_a_report_without_tables_or_counts_is_whole(tmp_path: Path) -> None:
    write_summary(tmp_path, summary(counts={}, listings=[], notes=[], files={}))
    assert not (tmp_path / "plots").exists()
    assert (tmp_path / "report.md").read_text(encoding="utf-8").startswith("# Images of flowers102")


def test_plots_of_ones_own_come_before_the_counts(tmp_path: Path) -> None:
    svg = line_chart([1, 2], {"right": [0.7, 0.9]}, "%", "answers")
    write_summary(tmp_path, summary(plots={"curve": Plot(svg=svg, caption=HOSTILE)}))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.index('id="curve-') < page.index('id="counts-1-')
    assert "<script" not in page
    assert (tmp_path / "plots" / "curve.svg").read_text(encoding="utf-8") == svg
    assert "plots/curve.svg" in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_a_picture_may_say_a_conversation_or_have_nothing_but_words(tmp_path: Path) -> None:
    turns = [("human", HOSTILE), ("gpt", "A")]
    picture = Picture(image="", title="talk", note="text only", said=turns)
    write_summary(tmp_path, summary(pictures=[picture], pictures_title="Samples"))
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<img" not in page and ">Samples</h2>" in page and 'class="talks"' in page
    assert "<b>human</b> <bdi>&lt;script&gt;" in page and "<script" not in page


def test_names_of_counts_are_drawn_on_one_line_with_what_hides_in_them(tmp_path: Path) -> None:
    counts = {"one\nline": 2, "a\u202eb": 1}
    write_summary(tmp_path, summary(counts={"Sources": counts}))
    drawn = (tmp_path / "plots" / "counts-1.svg").read_text(encoding="utf-8")
    assert "one line" in drawn and "a[U+202E]b" in drawn and "\u202e" not in drawn
