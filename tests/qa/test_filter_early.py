"""The filter that ends early: the same verdicts, fewer calls, and rates that stay honest."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.digests import keyed_int
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import Authorship, Choice, Draft, Evidence, Judged
from imagewikiqa.qa.filter import GUESSED, FilterSettings, blind_rate, judge_draft
from imagewikiqa.qa.protocols import Answer, Ask, Judge
from imagewikiqa.qa.sequential import Stop
from tests.qa.scripted_judges import Scripted, says

RIGHT, WRONG_PICK = "right", "wrong"


def draft(number: int = 0) -> Draft:
    a, b, c, d = (Choice(text=text) for text in (RIGHT, WRONG_PICK, "other", "last"))
    return Draft(
        id=f"draft{number}", class_id="reed_panda", class_name="reed panda",
        question="What does this object eat?", question_named="What does the reed panda eat?",
        choices=(a, b, c, d),
        evidence=Evidence(page="p", page_id=None, revision_id=None, url="", quote="q", start=0,
                          end=1),
        author=Authorship(name="test", model="none", prompt="none", seed=0),
    )  # fmt: skip


def judged(*judges: Judge, settings: FilterSettings | None = None, number: int = 0) -> Judged:
    return asyncio.run(judge_draft(draft(number), judges, settings or FilterSettings()))


class Drawn:
    """A judge whose replies follow from a key: right, wrong or none, by condition."""

    def __init__(self, key: int, right: tuple[int, int], repeats: bool = False) -> None:
        self.name = "drawn"
        self.repeats = repeats
        self.asks: list[Ask] = []
        self._key, self._right = key, {"with_name": right[0], "without_name": right[1]}

    async def answer(self, ask: Ask) -> Answer:
        self.asks.append(ask)
        luck = keyed_int("drawn", self._key, ask.condition, *ask.choices, ask.sample) % 100
        if luck % 10 == 9:
            return Answer(state="refused")
        text = RIGHT if luck < self._right[ask.condition] else WRONG_PICK
        return Answer(state="answered", position=ask.choices.index(text))


rates = st.tuples(st.sampled_from([70, 95, 100]), st.sampled_from([0, 25, 35, 60]))


@given(st.integers(), st.lists(rates, min_size=1, max_size=2), st.sampled_from([1, 2, 8]))
def test_ending_early_gives_the_verdict_and_reason_of_the_whole_grid(
    key: int, judges: list[tuple[int, int]], votes: int
) -> None:
    def row(stop: Stop) -> Judged:
        drawn = [Drawn(key + at, right) for at, right in enumerate(judges)]
        settings = FilterSettings(votes=votes, votes_with=min(votes, 2), keep_with=0.7, stop=stop)
        return judged(*drawn, settings=settings)

    early, whole = row("certain"), row("never")
    assert (early.keep, early.reason) == (whole.keep, whole.reason)
    for a, b in zip(early.judges, whole.judges, strict=False):
        for one, other in ((a.with_name, b.with_name), (a.without_name, b.without_name)):
            assert one.picks == other.picks[: one.trials]
            assert one.trials >= (4 if early.keep else 1)
    count = sum(j.with_name.trials + j.without_name.trials for j in early.judges)
    assert whole.skipped == 0
    assert early.skipped == len(judges) * 4 * (votes + min(votes, 2)) - count


def test_a_question_lost_with_the_name_costs_two_calls_and_no_second_judge() -> None:
    loser, idle = Scripted("loser", with_name=says("other"), without_name=says("other")), Scripted()
    row = judged(loser, idle)
    assert len(loser.asks) == 2
    assert (idle.asks, row.skipped) == ([], 6 + 8)


def test_guesses_end_as_soon_as_the_second_of_four_is_right() -> None:
    row = judged(Scripted(with_name=says(RIGHT), without_name=says(RIGHT)))
    assert row.judges[0].without_name.picks == (0, 0)
    assert (row.reason, row.skipped) == (GUESSED, 2)


def test_six_votes_show_all_orders_once_and_the_seventh_is_another_sample() -> None:
    judge = Scripted(with_name=says(RIGHT), without_name=says(WRONG_PICK))
    judged(judge, settings=FilterSettings(votes=7, stop="never"))
    blind = [ask for ask in judge.asks if ask.condition == "without_name"]
    assert len({ask.choices for ask in blind[:24]}) == 24
    assert {ask.choices for ask in blind[24:]} == {ask.choices for ask in blind[:4]}
    assert [ask.sample for ask in blind] == [0] * 24 + [1] * 4
    for first in range(0, 28, 4):
        assert {ask.choices.index(RIGHT) for ask in blind[first : first + 4]} == {0, 1, 2, 3}


def test_a_judge_that_repeats_itself_has_no_more_votes_than_orders() -> None:
    settings = FilterSettings(votes=9, votes_with=9, stop="never")
    row = judged(Drawn(1, (100, 25), repeats=True), settings=settings)
    assert row.judges[0].without_name.trials == row.judges[0].with_name.trials == 24
    row = judged(Drawn(1, (100, 25)), settings=settings)
    assert row.judges[0].without_name.trials == 36


@pytest.mark.parametrize("setting", ["votes", "votes_with"])
def test_votes_below_one_and_votes_of_mode_paper_are_refused(setting: str) -> None:
    with pytest.raises(ToolkitError, match="cannot hold"):
        FilterSettings(**{setting: 0})  # type: ignore[arg-type]
    with pytest.raises(ToolkitError, match="mode paper cannot hold"):
        FilterSettings(mode="paper", **{setting: 2})  # type: ignore[arg-type]


def test_rates_over_rows_that_ended_early_count_first_trials_alone() -> None:
    """Else a question guessed at once would weigh as much as four, and rates would lie high."""
    rows = [
        judged(Drawn(key, (100, 40)), settings=FilterSettings(stop=stop), number=key)
        for stop in ("never", "certain")
        for key in range(300)
    ]
    whole, early = rows[:300], rows[300:]
    class_of = {row.id: row.id for row in rows}
    first = sum(row.judges[0].without_name.picks[0] == 0 for row in whole) / 300
    assert blind_rate(early, class_of, "drawn").estimate == pytest.approx(first)
    assert blind_rate(whole, class_of, "drawn").holds(0.36)  # 0.4 less the unparsed
    assert blind_rate(early, class_of, "drawn").holds(0.36)
    naive = sum(row.judges[0].without_name.rate for row in early) / 300
    assert naive > blind_rate(whole, class_of, "drawn").estimate + 0.03
