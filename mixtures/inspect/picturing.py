"""The plots of an inspection; one is left out where it would show a single bar."""

from collections import Counter
from collections.abc import Mapping

from imagewikiqa.core.report.plots import bar_chart, histogram
from imagewikiqa.core.report.summary import Plot
from imagewikiqa.mixtures.inspect.figures import class_rows
from imagewikiqa.mixtures.inspect.inspection import Inspection
from imagewikiqa.mixtures.inspect.measures import below, binned, edges_to, spread_of
from imagewikiqa.mixtures.inspect.names import PAPER, RULES, SAID
from imagewikiqa.mixtures.inspect.tally import TOKENS
from imagewikiqa.mixtures.inspect.words import share

_BARS = 8
_TOWERS = (224, 336)  # pixels that CLIP towers take


def plots(found: Inspection) -> dict[str, Plot]:
    """Return the plots by name."""
    tally = found.tally
    drawn = {
        "words": _drawn(
            {
                "human": tally.measure("words of a human turn"),
                "gpt": tally.measure("words of a gpt turn"),
            },
            "turns",
            "words",
            "How long turns are, in words.",
        ),
        "tokens": _drawn({"tokens": tally.measure(TOKENS)}, "samples", "tokens", _tokens(found)),
        "classes": _drawn(
            {"samples": _seen(found)},
            "classes",
            "samples of a class",
            _often(found),
        ),
        "names": _drawn(_named(found), "classes", "times named", _said(found)),
        "sides": _drawn(
            {
                "width": tally.measure("width of an image"),
                "height": tally.measure("height of an image"),
            },
            "images",
            "pixels",
            _sides(found),
        ),
        "bytes": _drawn(
            {"kilobytes": tally.measure("kilobytes of an image")},
            "images",
            "kilobytes",
            "How large image files are.",
        ),
        "turns": _turns(tally.measure("turns of a sample")),
    }
    return {name: plot for name, plot in drawn.items() if plot is not None}


def _drawn(
    series: Mapping[str, Mapping[int, int]], unit: str, along: str, caption: str
) -> Plot | None:
    """Return histograms over common bins; None where fewer than two bins would be filled."""
    spreads = [one for values in series.values() if (one := spread_of(values)) is not None]
    if not spreads or max(one.most for one in spreads) < 1:
        return None
    least = max(1, min(one.least for one in spreads))
    most = max(one.most for one in spreads)
    steps = 4 if most > 8 * least else 12
    edges = edges_to(least, most, steps)
    bins = {name: binned(values, edges) for name, values in series.items()}
    if sum(any(at) for at in zip(*bins.values(), strict=True)) < 2:
        return None
    return Plot(svg=histogram(edges, bins, unit, along), caption=caption)


def _turns(values: Mapping[int, int]) -> Plot | None:
    """Return a bar for each of the least numbers of turns, and one for all above."""
    if len(values) < 2:
        return None
    first = sorted(values)[:_BARS]
    bars = {f"{turns:,}": values[turns] for turns in first}
    if rest := sum(values.values()) - sum(bars.values()):
        bars["more"] = rest
    svg = bar_chart(list(bars), list(bars.values()), "samples")
    return Plot(svg=svg, caption="How many turns samples have.")


def _tokens(found: Inspection) -> str:
    values = found.tally.measure(TOKENS)
    over = sum(times for value, times in values.items() if value > 2048)
    return (
        f"Tokens of the text of a sample. {over:,} samples ({share(over, values.total())}) have"
        " more than 2,048, where LLaVA's trainer cuts them."
    )


def _seen(found: Inspection) -> Counter[int]:
    return Counter(row.samples for row in class_rows(found) if row.samples)


def _often(found: Inspection) -> str:
    spread = spread_of(_seen(found))
    if spread is None:
        return ""
    return (
        f"How often the {spread.counted:,} classes that are seen are seen: at least"
        f" {spread.least:,}, by the median {spread.median:,}, at most {spread.most:,} times."
    )


def _named(found: Inspection) -> dict[str, Counter[int]]:
    if not found.classes:
        return {}
    rows = class_rows(found)
    places = {"paper's rule": RULES.index(PAPER), "ours": RULES.index(SAID)}
    return {
        name: Counter(row.named[place] for row in rows if row.named[place])
        for name, place in places.items()
    }


def _said(found: Inspection) -> str:
    if not found.classes:
        return ""
    rows, place = class_rows(found), RULES.index(SAID)
    never = sum(not row.named[place] for row in rows)
    return (
        "How often the conversations say the names of classes: sentences by the paper's rule,"
        f" mentions by ours. By ours {never:,} of {len(rows):,} classes are never named."
    )


def _sides(found: Inspection) -> str:
    sides = found.tally.measure("shorter side of an image")
    count = sides.total()
    small = " and ".join(f"{share(below(sides, side), count)} below {side} px" for side in _TOWERS)
    return f"Width and height of images. Of the shorter sides, {small}."
