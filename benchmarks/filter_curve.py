"""What the filter keeps of questions that a judge guesses this often, and what that costs.

Exact curves come from sums and dynamic programming, simulated ones from the filter itself with
judges of known guess rates. Nothing is measured in time and nothing is written.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from random import Random

from benchmarks._report import Result, parser
from imagewikiqa.core.digests import keyed_int
from imagewikiqa.core.records import Authorship, Choice, Draft, Evidence
from imagewikiqa.qa.filter import ARRANGEMENTS, FilterSettings, judge_draft
from imagewikiqa.qa.protocols import Answer, Ask
from imagewikiqa.qa.sequential import (
    ROUND,
    Operating,
    even_rounds,
    kept_share,
    leaning_rounds,
    most_against,
    operating,
    repeated_counts,
    stop_rule,
)

RATES = (0.25, 0.35, 0.45, 0.6, 0.75, 0.9)
TEXTS = ("right", "wrong", "other", "last")


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A judge that guesses; `leans` is how often it takes the second letter instead."""

    correlation: float = 0.0  # of votes on the same order
    leans: float = 0.0
    repeats: bool = False  # at temperature 0: votes on the same order are one
    count: int = 1  # judges that must agree


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Settings of the filter and the judge they are tried on."""

    name: str
    settings: FilterSettings
    kind: Kind = Kind()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One design at one guess rate; `exact` is None where no sum gives it."""

    design: str
    rate: float
    exact: float | None  # kept, of the test without the name
    exact_calls: float | None
    kept: float  # by simulation, both tests
    calls: float  # without the name, by simulation
    grid: int


TEN, LIKELY = FilterSettings(votes=10), FilterSettings(votes=10, stop="likely")
LEAN = FilterSettings(votes=10, votes_with=6, keep_with=0.75)
LEAN_LIKELY = FilterSettings(votes=10, votes_with=6, keep_with=0.75, stop="likely")
OURS = FilterSettings(votes=10, votes_with=2, keep_with=0.75, stop="likely")  # for LLM judges
DESIGNS = (
    Design(name="paper: one sample of one order", settings=FilterSettings(mode="paper")),
    Design(name="one vote", settings=FilterSettings()),
    Design(name="eight votes, certain", settings=FilterSettings(votes=8)),
    Design(name="ten votes, whole grid", settings=FilterSettings(votes=10, stop="never")),
    Design(name="ten votes, certain", settings=TEN),
    Design(name="ten votes, likely", settings=LIKELY),
    Design(name="certain, votes of an order correlate 0.5", settings=TEN,
           kind=Kind(correlation=0.5)),
    Design(name="likely, votes of an order correlate 0.5", settings=LIKELY,
           kind=Kind(correlation=0.5)),
    Design(name="certain, takes one letter 10% of the time", settings=TEN, kind=Kind(leans=0.1)),
    Design(name="same, with the name 24 trials at 0.75", settings=LEAN, kind=Kind(leans=0.1)),
    Design(name="same, likely", settings=LEAN_LIKELY, kind=Kind(leans=0.1)),
    Design(name="default for LLM judges", settings=OURS),
    Design(name="default, votes of an order correlate 0.5", settings=OURS,
           kind=Kind(correlation=0.5)),
    Design(name="default, takes one letter 10% of the time", settings=OURS, kind=Kind(leans=0.1)),
    Design(name="temperature 0, one judge", settings=TEN, kind=Kind(repeats=True)),
    Design(name="temperature 0, two judges, without 0.42",
           settings=FilterSettings(votes=6, keep_without=0.42), kind=Kind(repeats=True, count=2)),
)  # fmt: skip


class Guesser:
    """Right with the name; without it as often as told, by a key and not by luck."""

    def __init__(self, kind: Kind, rate: float, number: int) -> None:
        self.name, self.repeats = f"guesser{number}", kind.repeats
        self._kind, self._rate = kind, rate

    async def answer(self, ask: Ask) -> Answer:
        """Return a letter out of habit, else the right option, else a wrong one."""
        known = ask.condition == "with_name"
        key = (self.name, ask.question, *ask.choices, ask.condition, str(self._rate))
        luck = Random(keyed_int(*key, 0 if self.repeats else ask.sample))
        if luck.random() < self._kind.leans:
            return Answer(state="answered", position=1)
        right = luck.random() < (1.0 if known else self._chance(key))
        text = TEXTS[0] if right else luck.choice(TEXTS[1:])
        return Answer(state="answered", position=ask.choices.index(text))

    def _chance(self, key: Sequence[str]) -> float:
        """Return the chance of a right guess in this order: votes on it share their luck."""
        if not self._kind.correlation:
            return self._rate
        room = 1 / self._kind.correlation - 1
        order = Random(keyed_int("order", *key))
        return order.betavariate(self._rate * room, (1 - self._rate) * room)


def exact(design: Design, rate: float) -> Operating | None:
    """Return what the test without the name keeps; None where votes correlate and end likely."""
    settings, kind = design.settings, design.kind
    votes = min(settings.votes, ARRANGEMENTS) if kind.repeats else settings.votes
    grid = 1 if settings.mode == "paper" else ROUND * votes
    limit = most_against(grid, settings.keep_without)
    rule = stop_rule(grid, limit, settings.stop)
    if kind.correlation:
        if settings.stop == "likely":
            return None
        twice = grid - ROUND * ARRANGEMENTS  # orders asked twice
        counts = _joint(
            repeated_counts(ROUND * ARRANGEMENTS - twice, 1, rate, 0.0),
            repeated_counts(twice, 2, rate, kind.correlation),
        )
        return Operating(kept=kept_share(counts, limit), calls=float("nan"))
    leans = leaning_rounds(grid, rate, kind.leans) if kind.leans else even_rounds(grid, rate)
    one = operating(rule, leans)
    asked = sum(one.calls * one.kept**before for before in range(kind.count))
    return Operating(kept=one.kept**kind.count, calls=asked)


def _joint(first: Sequence[float], second: Sequence[float]) -> list[float]:
    both = [0.0] * (len(first) + len(second) - 1)
    for a, chance in enumerate(first):
        for b, other in enumerate(second):
            both[a + b] += chance * other
    return both


def draft(number: int) -> Draft:
    """Return one of many questions that differ in nothing but their number."""
    a, b, c, d = (Choice(text=text) for text in TEXTS)
    return Draft(
        id=f"q{number}", class_id="c", class_name="c", question=f"{number}?",
        question_named=f"{number} c?", choices=(a, b, c, d),
        evidence=Evidence(page="p", page_id=None, revision_id=None, url="", quote="q", start=0,
                          end=1),
        author=Authorship(name="simulated", model="none", prompt="none", seed=0),
    )  # fmt: skip


async def simulate(design: Design, rate: float, drafts: Sequence[Draft]) -> tuple[float, float]:
    """Return the share kept and the calls without the name per question, through the filter."""
    judges = [Guesser(design.kind, rate, number) for number in range(design.kind.count)]
    kept = calls = 0
    for one in drafts:
        judged = await judge_draft(one, judges, design.settings)
        kept += judged.keep
        calls += sum(judgement.without_name.trials for judgement in judged.judges)
    return kept / len(drafts), calls / len(drafts)


def curve(drafts: Sequence[Draft], only: str = "", rates: Sequence[float] = RATES) -> list[Row]:
    """Return every design whose name holds `only`, at every guess rate."""
    rows = []
    for design in (one for one in DESIGNS if only in one.name):
        votes = min(
            design.settings.votes, ARRANGEMENTS if design.kind.repeats else design.settings.votes
        )
        grid = 1 if design.settings.mode == "paper" else ROUND * votes
        for rate in rates:
            sums = exact(design, rate)
            kept, calls = asyncio.run(simulate(design, rate, drafts))
            known = sums is not None and sums.calls == sums.calls
            rows.append(Row(
                design=design.name, rate=rate, exact=round(sums.kept, 5) if sums else None,
                exact_calls=round(sums.calls, 2) if sums and known else None,
                kept=round(kept, 4), calls=round(calls, 2), grid=grid * design.kind.count,
            ))  # fmt: skip
    return rows


def headline() -> Result:
    """Return how much of what is guessed at 0.6 each rule drops, and what ours keeps and costs."""
    by_name = {design.name: design for design in DESIGNS}
    dropped = {
        name: 100 * (1 - operating_at(by_name[name], 0.6).kept)
        for name in ("ten votes, certain", DESIGNS[0].name, "one vote")
    }
    figures = {}
    for name in ("ten votes, certain", "ten votes, likely"):
        for rate in (0.25, 0.6):
            at = operating_at(by_name[name], rate)
            figures[f"{name}: kept at {rate}"] = round(at.kept, 4)
            figures[f"{name}: calls of 40 at {rate}"] = round(at.calls, 1)
    ours = dropped.pop("ten votes, certain")
    return Result(name="filter_curve", unit="% of questions guessed at 0.6 that are dropped",
                  ours=round(ours, 2), others={k: round(v, 2) for k, v in dropped.items()},
                  exact=figures)  # fmt: skip


def operating_at(design: Design, rate: float) -> Operating:
    """Return an exact result; ValueError for a design that has none."""
    found = exact(design, rate)
    if found is None:
        raise ValueError(f"{design.name} has no exact curve")
    return found


def table(rows: Sequence[Row]) -> str:
    """Return the curve as a Markdown table: kept share (exact / simulated) and calls."""
    rates = sorted({row.rate for row in rows})
    lines = [f"| judge and rule | {' | '.join(map(str, rates))} |", "|---" * (len(rates) + 1) + "|"]
    for name in dict.fromkeys(row.design for row in rows):
        mine = [row for row in rows if row.design == name]
        shares = [
            f"{'' if row.exact is None else f'{100 * row.exact:.2f}'} / {100 * row.kept:.1f}"
            for row in mine
        ]
        lines.append(f"| {name}: % kept | {' | '.join(shares)} |")
        calls = [f"{row.calls:.1f}" for row in mine]
        lines.append(f"| calls of {mine[0].grid} | {' | '.join(calls)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Print the curve."""
    options = parser()
    options.add_argument("--drafts", type=int, default=1000, help="simulated questions a cell")
    options.add_argument("--only", default="", help="designs whose name holds these words")
    options.add_argument("--rates", type=float, nargs="+", default=RATES, help="guess rates")
    given = options.parse_args()
    drafts = [draft(number) for number in range(given.drafts)]
    rows = curve(drafts, given.only, given.rates)
    if given.json:
        result = headline()
        told = {**asdict(result), "ratios": result.ratios, "curve": [asdict(row) for row in rows]}
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        sys.stdout.write(table(rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
