"""Judges that lean on a letter, and judges that do not, over keyed questions."""

import asyncio
from typing import Literal

import pytest

from imagewikiqa.core.digests import keyed_int
from imagewikiqa.core.records import Authorship, Choice, Draft, Evidence, Judged
from imagewikiqa.qa.filter import FilterSettings, judge_draft
from imagewikiqa.qa.position_bias import position_bias
from imagewikiqa.qa.protocols import Answer, Ask

TEXTS = ("right", "wrong", "other", "last")
SOURCE = Evidence(page="p", page_id=None, revision_id=None, url="", quote="q", start=0, end=1)


class Leaning:
    """Pick one position in `percent` of 100 asks, else a text by key; refuse one ask in 20."""

    def __init__(self, percent: int, position: int = 1) -> None:
        self.name = f"leaning{percent}"
        self._percent, self._position = percent, position

    async def answer(self, ask: Ask) -> Answer:
        luck = keyed_int("lean", ask.question, ask.condition, *ask.choices)
        if luck % 20 == 7:
            return Answer(state="refused")
        if luck // 20 % 100 < self._percent:
            return Answer(state="answered", position=self._position)
        known = ask.condition == "with_name"
        text = TEXTS[0] if known else TEXTS[luck // 2000 % 4]
        return Answer(state="answered", position=ask.choices.index(text))


def rows(judge: Leaning, settings: FilterSettings, count: int = 400) -> list[Judged]:
    made = []
    for number in range(count):
        a, b, c, d = (Choice(text=text) for text in TEXTS)
        draft = Draft(
            id=f"d{number}", class_id="c", class_name="c", question=f"q{number}",
            question_named=f"q{number}", choices=(a, b, c, d), evidence=SOURCE,
            author=Authorship(name="test", model="none", prompt="none", seed=0),
        )  # fmt: skip
        made.append(asyncio.run(judge_draft(draft, [judge], settings)))
    return made


@pytest.mark.parametrize("stop", ["never", "certain", "likely"])
def test_a_judge_that_leans_is_found_and_how_far(
    stop: Literal["never", "certain", "likely"],
) -> None:
    settings = FilterSettings(votes=2, keep_with=0.3, stop=stop)
    named, blind = position_bias(rows(Leaning(20), settings), settings)
    assert (named.condition, blind.condition) == ("with_name", "without_name")
    for found in (named, blind):
        assert found.leans
        assert found.shares[1].holds(0.2 + 0.8 * 0.25)
        assert all(found.shares[place].holds(0.8 * 0.25) for place in (0, 2, 3))
        assert sum(share.estimate for share in found.shares) == pytest.approx(1)


@pytest.mark.parametrize("stop", ["never", "certain"])
def test_a_judge_that_does_not_lean_is_at_chance_however_early_it_ends(
    stop: Literal["never", "certain"],
) -> None:
    settings = FilterSettings(votes=8, stop=stop)
    for found in position_bias(rows(Leaning(0), settings), settings):
        assert all(abs(share.estimate - 0.25) < 0.04 for share in found.shares)


def test_refusals_have_no_position_and_the_count_says_so() -> None:
    settings = FilterSettings(stop="never")
    made = rows(Leaning(0), settings, 50)
    scores = [row.judges[0].without_name for row in made]
    blind = position_bias(made, settings)[1]
    assert blind.shares[0].n == sum(score.trials - score.unparsed for score in scores) < 200


def test_other_settings_than_those_of_the_run_would_show_other_positions() -> None:
    settings = FilterSettings(stop="never")
    made = rows(Leaning(100), settings, 20)
    assert position_bias(made, settings)[1].shares[1].estimate == 1
    assert position_bias(made, FilterSettings(seed=1))[1].shares[1].estimate < 1


def test_nothing_judged_has_no_bias() -> None:
    assert position_bias([], FilterSettings()) == []
