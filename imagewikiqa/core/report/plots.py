"""Plots for reports: plain SVG, the same bytes for the same numbers."""

from collections.abc import Mapping, Sequence
from io import StringIO
from typing import TYPE_CHECKING

from imagewikiqa.core.intervals import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Roles of the page's style sheet; report.page.inline_svg swaps each colour for its role.
PALETTE = {
    "paper": "#fbfaf7",
    "ink": "#1d2126",
    "soft": "#5b626b",
    "line": "#ddd9cf",
    "accent": "#1f6068",
    "second": "#b9683a",
}
_STYLE: dict[str, object] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "imagewikiqa",
    "font.family": "sans-serif",
    "font.size": 10.5,
    "text.color": PALETTE["ink"],
    "axes.labelcolor": PALETTE["soft"],
    "axes.edgecolor": PALETTE["line"],
    "xtick.color": PALETTE["soft"],
    "ytick.color": PALETTE["ink"],
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "ytick.left": False,
    "axes.unicode_minus": False,
    "text.parse_math": False,
}
WIDTH = 4.9  # inches: 353 px, so that a phone shows the letters near their own size


def bar_chart(
    labels: Sequence[str], values: Sequence[float], unit: str, reference: float | None = None
) -> str:
    """Return horizontal bars as SVG text, first label on top; `reference` draws a dashed line."""
    from matplotlib import style
    from matplotlib.ticker import FuncFormatter

    with style.context(["default", _STYLE]):  # a user's matplotlibrc must not show
        figure, axes = _axes(len(labels))
        axes.barh(range(len(labels)), values, height=0.62, color=PALETTE["accent"])
        top = 1.12 * max([*values, reference or 0, 1e-9])
        for row, value in enumerate(values):
            inside = value > 0.2 * top
            axes.annotate(  # at the foot of its bar, clear of the reference line
                _grouped(value), (0 if inside else value, row), (6, 0),
                textcoords="offset points", va="center", ha="left",
                color=PALETTE["paper" if inside else "ink"],
            )  # fmt: skip
        axes.set_xlim(0, top)
        axes.locator_params(axis="x", nbins=6, integer=all(v == int(v) for v in values))
        axes.xaxis.set_major_formatter(FuncFormatter(_grouped))
        return _finish(figure, axes, labels, unit, reference)


def interval_chart(
    labels: Sequence[str], rates: Sequence[Interval], unit: str, reference: float | None = None
) -> str:
    """Return rates in percent with their intervals as SVG text, first label on top."""
    from matplotlib import style

    with style.context(["default", _STYLE]):  # a user's matplotlibrc must not show
        figure, axes = _axes(len(labels))
        for row, rate in enumerate(rates):
            axes.plot(
                [100 * rate.low, 100 * rate.high], [row, row], color=PALETTE["accent"], lw=2.4
            )
            axes.plot([100 * rate.estimate], [row], "o", ms=7, color=PALETTE["accent"])
            axes.annotate(
                f"{100 * rate.estimate:.1f}%", (1, row), xycoords=("axes fraction", "data"),
                va="center", ha="right", color=PALETTE["ink"],
            )  # fmt: skip
        top = max([100 * rate.high for rate in rates] + [100 * (reference or 0)])
        axes.set_xlim(0, 1.3 * top if top else 1)  # room for the figures on the right
        axes.set_xticks([tick for tick in axes.get_xticks() if 0 <= tick <= min(100, 1.1 * top)])
        return _finish(figure, axes, labels, unit, None if reference is None else 100 * reference)


def line_chart(
    steps: Sequence[int], lines: Mapping[str, Sequence[float | None]], unit: str, along: str
) -> str:
    """Return up to two lines of shares (0 to 1) in percent over whole steps as SVG text.

    None leaves a gap. `unit` is said of the height, `along` of the steps.
    """
    from matplotlib import style
    from matplotlib.figure import Figure

    with style.context(["default", _STYLE]):  # a user's matplotlibrc must not show
        figure = Figure(figsize=(WIDTH, 3.1), layout="constrained")
        axes = figure.add_subplot()
        for (name, shares), colour in zip(lines.items(), ("accent", "second"), strict=False):
            heights = [float("nan") if share is None else 100 * share for share in shares]
            axes.plot(steps, heights, "o-", color=PALETTE[colour], lw=1.8, ms=5.5, label=name)
        axes.set_xticks(list(steps))
        axes.set_ylim(top=101)
        axes.set_xlabel(along)
        axes.set_ylabel(unit)
        axes.grid(axis="y", color=PALETTE["line"], lw=0.8)
        axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
        return _svg(figure, axes)


def histogram(
    edges: Sequence[int], series: Mapping[str, Sequence[int]], unit: str, along: str
) -> str:
    """Return up to two histograms over the same bins [edge, next edge) as SVG text.

    Edges are at least 1 and drawn on a logarithmic scale. `unit` is said of the height, `along` of
    the values.
    """
    from matplotlib import style
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    with style.context(["default", _STYLE]):  # a user's matplotlibrc must not show
        figure = Figure(figsize=(WIDTH, 2.9), layout="constrained")
        axes = figure.add_subplot()
        for (name, counts), colour in zip(series.items(), ("accent", "second"), strict=False):
            shade = PALETTE[colour]
            axes.stairs(counts, edges, fill=True, color=shade, alpha=0.3)
            axes.stairs(counts, edges, color=shade, lw=1.6, label=name)
        axes.set_xscale("log")
        few = edges[-1] <= 300 * edges[0]  # powers of ten alone would leave it bare
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
        axes.xaxis.set_major_formatter(FuncFormatter(_grouped))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10], integer=True))
        axes.yaxis.set_major_formatter(FuncFormatter(_grouped))
        axes.set_xlim(edges[0], edges[-1])
        axes.set_ylim(bottom=0)
        axes.set_xlabel(along)
        axes.set_ylabel(unit)
        axes.set_axisbelow(True)
        axes.grid(axis="y", color=PALETTE["line"], lw=0.8)
        if len(series) > 1:
            axes.legend(frameon=False, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
        return _svg(figure, axes)


def _axes(rows: int) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 0.85 + 0.46 * rows), layout="constrained")
    axes = figure.add_subplot()
    axes.set_ylim(rows - 0.45, -0.6)
    return figure, axes


def _finish(
    figure: "Figure", axes: "Axes", labels: Sequence[str], unit: str, reference: float | None
) -> str:
    """Label the rows and return the SVG without a date in it."""
    axes.set_yticks(range(len(labels)), [_short(label) for label in labels])
    axes.set_xlabel(unit)
    if reference is not None:
        axes.axvline(reference, color=PALETTE["second"], lw=1.2, ls=(0, (4, 3)))
    return _svg(figure, axes)


def _svg(figure: "Figure", axes: "Axes") -> str:
    axes.patch.set_visible(False)
    figure.patch.set_visible(False)
    stream = StringIO()
    figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
    return stream.getvalue()


def _grouped(value: float, _: int | None = None) -> str:
    return f"{value:,.10g}"


def _short(label: str) -> str:
    return label if len(label) <= 28 else f"{label[:27]}…"
