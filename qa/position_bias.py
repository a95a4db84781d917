"""How often a judge picks each shown position: a judge that does not lean picks each alike."""

from collections.abc import Iterable
from dataclasses import dataclass

from imagewikiqa.core.intervals import Interval, clustered_interval
from imagewikiqa.core.records import Judged, JudgeScore
from imagewikiqa.qa.filter import FilterSettings, shown_orders
from imagewikiqa.qa.protocols import Condition
from imagewikiqa.qa.sequential import ROUND

CHANCE = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionBias:
    """The share of a judge's picks that fell on each shown position, A to D, over one run."""

    judge: str
    condition: Condition
    shares: tuple[Interval, Interval, Interval, Interval]  # clustered by question; n is picks

    @property
    def leans(self) -> bool:
        """Return whether some position's share cannot be chance: 0.25 lies outside its interval.

        Of judges that do not lean, up to one in five is so called, as four intervals are read.
        """
        return not all(share.holds(CHANCE) for share in self.shares)


def position_bias(judged: Iterable[Judged], settings: FilterSettings) -> list[PositionBias]:
    """Return each judge's share of picks by shown position, with and without the name.

    The orders shown follow from the draft's id and the settings of the run, which must be those
    that it was filtered with. Orders start at a keyed place, so early ends favour no position;
    unparsed trials have none. A judge and condition without any pick is left out.
    """
    places: dict[tuple[str, Condition], list[tuple[int, str]]] = {}
    conditions: tuple[Condition, ...] = ("with_name", "without_name")
    for row in judged:
        for judgement in row.judges:
            for condition in conditions:
                score: JudgeScore = getattr(judgement, condition)
                seen = places.setdefault((score.judge, condition), [])
                seen += [(place, row.id) for place in _positions(row.id, score, settings)]
    return [
        PositionBias(judge=judge, condition=condition, shares=_shares(seen))
        for (judge, condition), seen in sorted(places.items())
        if seen
    ]


def _positions(draft_id: str, score: JudgeScore, settings: FilterSettings) -> list[int]:
    """Return the shown positions of a score's picks."""
    rounds = range(-(-score.trials // ROUND))
    orders = [order for vote in rounds for order in shown_orders(draft_id, settings, vote)]
    picks = zip(orders, score.picks, strict=False)  # the last round may have ended early
    return [order.index(pick) for order, pick in picks if pick is not None]


def _shares(seen: list[tuple[int, str]]) -> tuple[Interval, Interval, Interval, Interval]:
    names = [name for _, name in seen]
    a, b, c, d = (
        clustered_interval([float(place == at) for place, _ in seen], names) for at in range(4)
    )
    return a, b, c, d
