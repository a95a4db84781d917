"""The report of a command that is no full rebuild: figures, tables, bars, files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from imagewikiqa.core.files import publish_text
from imagewikiqa.core.report.markdown import plain
from imagewikiqa.core.report.page import inline_svg, render, visible
from imagewikiqa.core.report.plots import bar_chart

SHOWN = 200  # rows of a table on the page; the file behind it holds all
BARS = 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A table of the report: its first rows are shown, `file` holds all of them."""

    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[object]]
    file: str
    note: str = ""
    numeric: Sequence[int] = ()
    total: int | None = None  # when `rows` are only the first of them

    @property
    def count(self) -> int:
        """Return how many rows the file holds."""
        return len(self.rows) if self.total is None else self.total


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A small picture of the report, made by `core.report.thumbnails`, and what is said of it."""

    image: str  # a data: address; "" where there is none to show, but words
    title: str
    note: str
    link: str = ""  # where it comes from
    said: Sequence[tuple[str, str]] = ()  # of a conversation about it: who, and what


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A plot of `core.report.plots`, and what is said of it."""

    svg: str
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a report says: figures first, then plots, counts as bars, tables and files."""

    title: str
    eyebrow: str
    lead: str
    figures: Mapping[str, object]
    plots: Mapping[str, Plot] = field(default_factory=dict)  # by name, as in plots/NAME.svg
    counts: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    pictures: Sequence[Picture] = ()
    pictures_title: str = "Pictures"
    listings: Sequence[Listing] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()


def write_summary(run: Path, summary: Summary) -> None:
    """Write RUN/report.html, RUN/report.md and RUN/plots/*.svg."""
    plots = {name: (plot.svg, plot.caption) for name, plot in summary.plots.items()}
    plots |= {
        f"counts-{number}": (_bars(counts), title)
        for number, (title, counts) in enumerate(summary.counts.items(), 1)
        if len(counts) > 1  # one bar says less than its figure
    }
    for name, (svg, _) in plots.items():
        publish_text(run / "plots" / f"{name}.svg", svg)
    drawn = [(inline_svg(svg, name, title), title) for name, (svg, title) in plots.items()]
    context = {"s": summary, "shown": SHOWN}
    publish_text(run / "report.html", render("summary.html", drawn=drawn, **context))
    text = render("summary.md", plots=plots, plain=plain, **context)
    publish_text(run / "report.md", text)


def _bars(counts: Mapping[str, int]) -> str:
    """Draw the largest counts; the rest is one bar."""
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    shown, rest = (ranked, []) if len(ranked) <= BARS + 1 else (ranked[:BARS], ranked[BARS:])
    if rest:
        shown.append((f"{len(rest)} others", sum(count for _, count in rest)))
    labels = [" ".join(str(visible(name)).split()) for name, _ in shown]
    return bar_chart(labels, [count for _, count in shown], "count")
