"""How often each row of a source is drawn: exactly as asked, by keyed hash where it is a choice.

A row keeps its rank when others join, so a growing source changes who is drawn, never the order of
those who stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures.keyed import keyed_ints
from imagewikiqa.mixtures.recipe import Recipe, SourceSettings
from imagewikiqa.mixtures.sources.index import Ints, SourceIndex

Times = npt.NDArray[np.int64]
OVER_CAP, NOT_DRAWN = "over the cap of its class", "not among those drawn"
MOST = 2**31 - 1  # samples of a mixture
MOST_TIMES = 10_000  # that a row is drawn


@dataclass(frozen=True, slots=True)
class Draws:
    """The rows drawn, each as often as it is drawn, and what was left out by choice."""

    rows: Ints
    repeats: Ints  # how often the row was drawn before
    left_out: dict[str, int]


def shares(recipe: Recipe, indexes: Sequence[SourceIndex]) -> list[int | None]:
    """Return how many samples each source with a weight gets: largest remainder, first on ties.

    What sources without a weight give comes off the recipe's `samples` first. Raises ToolkitError
    when that is more than `samples`.
    """
    if recipe.samples is None:
        return [None] * len(recipe.sources)
    fixed = sum(
        amount(source, index)
        for source, index in zip(recipe.sources, indexes, strict=True)
        if source.weight is None
    )
    rest = recipe.samples - fixed
    if rest < 0:
        raise ToolkitError(
            f"the sources without a weight give {fixed:,} samples, more than the {recipe.samples:,}"
            " asked for: raise samples or draw less from them"
        )
    weights = np.array([source.weight or 0 for source in recipe.sources], float)
    exact = rest * weights / weights.sum()
    counts = np.floor(exact).astype(np.int64)
    short = rest - int(counts.sum())
    counts[np.argsort(counts - exact, kind="stable")[:short]] += 1
    pairs = zip(recipe.sources, counts.tolist(), strict=True)
    return [None if source.weight is None else count for source, count in pairs]


def amount(source: SourceSettings, index: SourceIndex) -> int:
    """Return how many samples a source without a weight gives."""
    if source.frequencies is not None:
        return sum(source.frequencies.values())
    if source.count is not None:
        return source.count
    usable = index.usable
    if source.per_class is not None:
        here = np.bincount(index.class_of[usable], minlength=len(index.class_ids))
        return round(int(np.minimum(here, source.per_class).sum()) * (source.epochs or 1))
    return round(len(usable) * (source.epochs or 1))


def draw(source: SourceSettings, index: SourceIndex, seed: int, share: int | None) -> Draws:
    """Return the draws of a source, in the order of its rows.

    Raises ToolkitError when nothing can be drawn of it, or of a class that was asked for.
    """
    if lost := sorted({*source.where.classes} - {*index.class_ids}):
        raise ToolkitError(
            f"source {source.name} has no class {lost[0]!r}, which its where asks for: correct the"
            " id, or leave it out"
        )
    usable = index.usable
    if not len(usable):
        reasons = ", ".join(f"{name}: {n:,}" for name, n in index.left_out().items())
        raise ToolkitError(
            f"no row of source {source.name} can be drawn ({reasons or 'it has none'}): ask for"
            f" less in where, or give another table{_unlisted(source, index)}"
        )
    wanted = share if share is not None else amount(source, index)
    if wanted > MOST:
        raise ToolkitError(f"source {source.name} asks for {wanted:,} samples: draw fewer")
    if source.frequencies is None and wanted > MOST_TIMES * len(usable):
        raise ToolkitError(
            f"source {source.name} has {len(usable):,} usable rows and {wanted:,} samples are asked"
            f" of it, more than {MOST_TIMES:,} of each: draw fewer"
        )
    rank = _ranks(source, index, usable, seed, wanted)
    left_out = {}
    if source.per_class is not None:
        kept = _place_in_class(index.class_of[usable], rank) < source.per_class
        left_out[OVER_CAP] = int((~kept).sum())
        usable, rank = usable[kept], _places(rank[kept])
    if source.frequencies is not None:
        times = _asked_of_classes(source, index, usable, rank)
    else:
        times = _spread(wanted, len(usable), rank)
    left_out[NOT_DRAWN] = int((times == 0).sum())
    rows = np.repeat(usable, times)
    starts = np.repeat(np.cumsum(times) - times, times)
    repeats = np.arange(len(rows), dtype=np.int64) - starts
    return Draws(rows, repeats, {reason: n for reason, n in left_out.items() if n})


def _unlisted(source: SourceSettings, index: SourceIndex) -> str:
    """Return what to compare where a class list is of other classes than the index."""
    if source.classes is None or not index.class_ids:
        return ""
    some = ", ".join(index.class_ids[:3])
    return f"; compare its class ids, as {some}, with those of classes: {source.classes}"


def _ranks(source: SourceSettings, index: SourceIndex, rows: Ints, seed: int, wanted: int) -> Ints:
    """Return the place of every row in the keyed order of its source; 0 where all are drawn alike.

    For a million rows the hashes take a second.
    """
    chosen = source.per_class is not None or source.frequencies is not None
    if not chosen and wanted % len(rows) == 0:
        return np.zeros(len(rows), np.int64)
    return _places(keyed_ints(seed, "take", source.name, names=index.ids.take(pa.array(rows))))


def _places(keys: npt.NDArray[np.generic]) -> Ints:
    """Return the place of each key among all of them, from 0."""
    places = np.empty(len(keys), np.int64)
    places[np.argsort(keys, kind="stable")] = np.arange(len(keys))
    return places


def _place_in_class(class_of: npt.NDArray[np.int32], rank: Ints) -> Ints:
    """Return the place of every row in the order of the rows of its class."""
    order = np.lexsort((rank, class_of))
    ordered = class_of[order]
    first = np.searchsorted(ordered, ordered, side="left")
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order)) - first
    return place


def _spread(wanted: int, rows: int, rank: Ints) -> Times:
    """Return how often each row is drawn: all as often, and the first by rank once more."""
    whole, rest = divmod(wanted, rows)
    return np.asarray(whole + (rank < rest), np.int64)


def _asked_of_classes(source: SourceSettings, index: SourceIndex, rows: Ints, rank: Ints) -> Times:
    asked = source.frequencies or {}
    class_of = index.class_of[rows]
    there = np.bincount(class_of, minlength=len(index.class_ids))
    having = {one for one, n in zip(index.class_ids, there.tolist(), strict=True) if n}
    lost = sorted(one for one, count in asked.items() if count and one not in having)
    if lost:
        raise ToolkitError(
            f"source {source.name} has no usable image of class {lost[0]} and is asked for"
            f" {asked[lost[0]]:,}: leave it out of frequencies, or index images of it"
        )
    wanted = np.array([asked.get(one, 0) for one in index.class_ids], np.int64)[class_of]
    whole, rest = np.divmod(wanted, there[class_of])
    return np.asarray(whole + (_place_in_class(class_of, rank) < rest), np.int64)
