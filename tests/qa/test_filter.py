"""The filter with scripted judges, then with the corpus judge on eight small pages."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.digests import text_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import (
    Authorship,
    Choice,
    ClassEntry,
    Draft,
    Evidence,
    Judged,
    Judgement,
    JudgeScore,
    Page,
)
from imagewikiqa.qa.corpus_judge import CorpusJudge
from imagewikiqa.qa.filter import (
    GUESSED,
    KEPT,
    UNCLEAR_WITH,
    UNCLEAR_WITHOUT,
    WRONG,
    FilterSettings,
    ask_in_order,
    blind_rate,
    closed_book_accuracy,
    cyclic_orders,
    judge_draft,
    self_consistency,
    shown_orders,
    verdict,
)
from imagewikiqa.qa.protocols import Answer, Ask, Condition, Judge, State
from tests.qa.scripted_judges import Scripted, says

PAGES_FILE = Path(__file__).parent.parent / "data" / "judge_pages.json"
STRICT, PAPER = FilterSettings(), FilterSettings(mode="paper")
WHOLE = FilterSettings(stop="never")  # every trial of the grid
RIGHT, WRONG_PICK = "right", "wrong"


def draft(
    question: str = "What does this object eat?",
    choices: tuple[str, str, str, str] = ("right", "wrong", "other", "last"),
    about: str = "reed panda",
    number: int = 0,
) -> Draft:
    a, b, c, d = (Choice(text=text) for text in choices)
    return Draft(
        id=f"draft{number}", class_id=about.replace(" ", "_"), class_name=about, question=question,
        question_named=question.replace("this object", f"the {about}"), choices=(a, b, c, d),
        evidence=Evidence(page="p", page_id=None, revision_id=None, url="", quote="q", start=0,
                          end=1),
        author=Authorship(name="test", model="none", prompt="none", seed=0),
    )  # fmt: skip


def silent(state: State) -> Callable[[Ask], Answer]:
    return lambda ask: Answer(state=state)


def first_shown(ask: Ask) -> Answer:
    return Answer(state="answered", position=0)


def only_when_first(text: str, otherwise: Callable[[Ask], Answer]) -> Callable[[Ask], Answer]:
    """Follow another rule in the one rotation of four that shows a text first."""
    return lambda ask: otherwise(ask) if ask.choices[0] == text else says(WRONG_PICK)(ask)


def judged(*judges: Judge, settings: FilterSettings = STRICT, of: Draft | None = None) -> Judged:
    return asyncio.run(judge_draft(of or draft(), judges, settings))


def test_a_draft_right_with_the_name_and_wrong_without_is_kept() -> None:
    good = Scripted(with_name=says(RIGHT), without_name=says(WRONG_PICK))
    for settings in (STRICT, PAPER):
        row = judged(good, settings=settings)
        assert (row.keep, row.reason, row.id) == (True, KEPT, "draft0")


def test_strict_asks_four_cyclic_orders_twice_and_paper_one_order_twice() -> None:
    for settings, orders in ((STRICT, 4), (PAPER, 1)):
        judge = Scripted(with_name=says(RIGHT), without_name=first_shown)
        row = judged(judge, settings=settings)
        assert Counter(ask.condition for ask in judge.asks) == {
            "with_name": orders,
            "without_name": orders,
        }
        assert row.judges[0].with_name.trials == row.judges[0].without_name.trials == orders
        assert len({ask.choices for ask in judge.asks}) == orders


def test_each_option_stands_once_at_each_position_over_the_cyclic_orders() -> None:
    orders = cyclic_orders((2, 0, 3, 1))
    assert orders[0] == (2, 0, 3, 1)
    for position in range(4):
        assert sorted(order[position] for order in orders) == [0, 1, 2, 3]
    for order in orders:
        after = {order[i]: order[(i + 1) % 4] for i in range(4)}
        assert after == {2: 0, 0: 3, 3: 1, 1: 2}  # neighbours stay neighbours


def test_a_judge_sees_the_class_only_with_the_name_and_never_the_key() -> None:
    judge = Scripted(with_name=says(RIGHT), without_name=says(WRONG_PICK))
    judged(judge)
    for ask in judge.asks:
        named = ask.condition == "with_name"
        assert ask.class_id == ("reed_panda" if named else None)
        assert ask.class_name == ("reed panda" if named else None)
        assert ask.question == f"What does {'the reed panda' if named else 'this object'} eat?"
        assert sorted(ask.choices) == ["last", "other", "right", "wrong"]


@pytest.mark.parametrize("settings", [STRICT, PAPER])
def test_the_right_option_is_shown_first_no_more_often_than_chance(
    settings: FilterSettings,
) -> None:
    positions = Counter(shown_orders(f"draft{n}", settings)[0].index(0) for n in range(800))
    assert all(160 <= positions[place] <= 240 for place in range(4))
    assert shown_orders("draft1", settings) == shown_orders("draft1", settings)


def test_another_seed_shows_other_orders() -> None:
    other = FilterSettings(seed=1)
    changed = [shown_orders(f"d{n}", STRICT) != shown_orders(f"d{n}", other) for n in range(50)]
    assert sum(changed) > 40


def test_a_judge_that_always_picks_what_it_sees_first_is_at_chance_and_never_keeps() -> None:
    row = judged(Scripted(with_name=first_shown, without_name=first_shown), settings=WHOLE)
    assert row.judges[0].with_name.right == row.judges[0].without_name.right == 1
    assert sorted(row.judges[0].with_name.picks, key=str) == [0, 1, 2, 3]
    assert (row.keep, row.reason) == (False, WRONG)


def test_picks_are_indexes_into_the_draft_whatever_the_order_shown() -> None:
    row = judged(Scripted(with_name=says("right"), without_name=says("last")))
    assert row.judges[0].with_name.picks == (0, 0, 0, 0)
    assert row.judges[0].without_name.picks == (3, 3, 3, 3)


def test_a_draft_answered_wrong_once_in_four_orders_is_dropped() -> None:
    three_of_four = Scripted(
        with_name=lambda ask: says(WRONG_PICK if ask.choices[0] == "last" else RIGHT)(ask),
        without_name=says(WRONG_PICK),
    )
    row = judged(three_of_four, settings=WHOLE)
    assert (row.judges[0].with_name.right, row.reason) == (3, WRONG)
    lenient = FilterSettings(keep_with=0.75)
    assert judged(three_of_four, settings=lenient).keep


def test_a_draft_guessed_more_often_than_chance_is_dropped() -> None:
    half = Scripted(
        with_name=says(RIGHT),
        without_name=lambda ask: says(RIGHT if ask.choices.index(RIGHT) < 2 else WRONG_PICK)(ask),
    )
    row = judged(half)
    assert (row.judges[0].without_name.right, row.keep, row.reason) == (2, False, GUESSED)


@pytest.mark.parametrize("mode", ["strict", "paper"])
@pytest.mark.parametrize("state", ["ambiguous", "refused", "empty"])
def test_an_unparsed_reply_never_passes(state: State, mode: Literal["strict", "paper"]) -> None:
    settings = FilterSettings(mode=mode)
    unread = Scripted(with_name=silent(state), without_name=says(WRONG_PICK))
    row = judged(unread, settings=settings)
    assert (row.keep, row.reason) == (False, UNCLEAR_WITH)
    assert row.judges[0].with_name.right == 0
    assert row.judges[0].with_name.unparsed == row.judges[0].with_name.trials
    unguessed = Scripted(with_name=says(RIGHT), without_name=silent(state))
    row = judged(unguessed, settings=settings)
    assert (row.keep, row.reason) == (False, UNCLEAR_WITHOUT)


def test_one_unparsed_reply_in_four_counts_against_the_draft_on_either_side() -> None:
    """With the name as not right; without it as if right: alone it is at chance, with one more
    right guess it is above."""
    mute_once = Scripted(
        with_name=lambda ask: (silent("refused") if ask.choices[0] == "last" else says(RIGHT))(ask),
        without_name=says(WRONG_PICK),
    )
    assert judged(mute_once).reason == UNCLEAR_WITH
    alone = Scripted(with_name=says(RIGHT), without_name=only_when_first("last", silent("refused")))
    assert judged(alone).keep

    def refused_or_right(ask: Ask) -> Answer:
        rules = {"last": silent("refused"), "other": says(RIGHT)}
        return rules.get(ask.choices[0], says(WRONG_PICK))(ask)

    assert judged(Scripted(with_name=says(RIGHT), without_name=refused_or_right)).reason == (
        UNCLEAR_WITHOUT
    )


def score(right: int, unparsed: int, trials: int) -> JudgeScore:
    picks = (0,) * right + (None,) * unparsed + (1,) * (trials - right - unparsed)
    return JudgeScore(judge="j", right=right, trials=trials, unparsed=unparsed, picks=picks)


@st.composite
def scores(draw: st.DrawFn) -> JudgeScore:
    trials = draw(st.sampled_from([1, 4]))
    right = draw(st.integers(0, trials))
    return score(right, draw(st.integers(0, trials - right)), trials)


@given(scores(), scores())
def test_parsing_a_reply_for_the_worse_never_keeps_a_dropped_draft(
    named: JudgeScore, blind: JudgeScore
) -> None:
    """Whatever the unparsed replies would have said, a kept draft would still have been kept."""
    kept = verdict(Judgement(with_name=named, without_name=blind), STRICT) == KEPT
    worst = Judgement(
        with_name=score(named.right, 0, named.trials),
        without_name=score(blind.right + blind.unparsed, 0, blind.trials),
    )
    assert kept == (verdict(worst, STRICT) == KEPT)


def test_all_judges_must_agree_and_the_first_to_drop_gives_the_reason() -> None:
    good = Scripted("good", with_name=says(RIGHT), without_name=says(WRONG_PICK))
    guesser = Scripted("guesser", with_name=says(RIGHT), without_name=says(RIGHT))
    loser = Scripted("loser", with_name=says("other"), without_name=says("other"))
    assert judged(good, good).keep
    row = judged(good, guesser, loser, settings=WHOLE)
    assert (row.keep, row.reason) == (False, GUESSED)
    assert [judgement.with_name.judge for judgement in row.judges] == ["good", "guesser", "loser"]
    assert judged(loser, good).reason == WRONG


def test_no_judge_and_useless_thresholds_are_refused_in_one_sentence() -> None:
    with pytest.raises(ToolkitError, match="no judge"):
        judged()
    for bad in ({"keep_with": 0.0}, {"keep_with": 1.1}, {"keep_without": 1.0}):
        with pytest.raises(ToolkitError, match="set keep_with above 0"):
            FilterSettings(**bad)  # type: ignore[arg-type]


@pytest.mark.parametrize("position", [-1, 4])
def test_a_judge_that_points_outside_the_options_is_a_bug(position: int) -> None:
    bad = Scripted(with_name=lambda ask: Answer(state="answered", position=position),
                   without_name=first_shown)  # fmt: skip
    with pytest.raises(ValueError, match=f"position {position}"):
        judged(bad)


def test_an_answer_without_a_position_is_a_bug() -> None:
    bad = Scripted(with_name=silent("answered"), without_name=first_shown)
    with pytest.raises(ValueError, match="has a pick exactly when"):
        judged(bad)


TEXTS: dict[str, str] = json.loads(PAGES_FILE.read_text(encoding="utf-8"))
CORPUS = CorpusJudge(
    [
        Page(
            id=f"page:{name}", class_ids=(name.replace(" ", "_"),), title=name, page_id=None,
            revision_id=None, revision_timestamp=None, url="", license="CC0-1.0", text=text,
            facts={}, sections=(), source="test", sha256=text_digest(text),
        )
        for name, text in TEXTS.items()
    ],
    [ClassEntry(id=name.replace(" ", "_"), name=name) for name in TEXTS],
)  # fmt: skip
PLAIN = draft("What does this object mainly eat?", ("bamboo", "figs", "voles", "algae"))
LEAKY = draft(
    "What does this object, which cracks shells with stones while floating, mainly eat?",
    ("urchins", "figs", "voles", "algae"),
    "surf otter",
    1,
)
UNTRUE = draft("What does this object mainly eat?", ("figs", "bamboo", "voles", "algae"), number=2)
ABSENT = draft("What does this object mainly eat?", ("krill", "figs", "voles", "algae"), number=3)
TWO_TRUE = draft(
    "Where is this object native to?", ("Japan", "Russia", "Peru", "Korea"), "surf otter", 4
)


@pytest.mark.parametrize(
    ("of", "reason"),
    [
        (PLAIN, KEPT),
        (LEAKY, GUESSED),
        (UNTRUE, WRONG),
        (ABSENT, UNCLEAR_WITH),
        (TWO_TRUE, UNCLEAR_WITH),
    ],
    ids=["plain", "leaky", "untrue", "absent", "two true"],
)
def test_the_corpus_judge_keeps_the_plain_question_alone(of: Draft, reason: str) -> None:
    assert judged(CORPUS, of=of).reason == reason


def test_the_plain_question_scores_one_in_four_without_the_name() -> None:
    judgement = judged(CORPUS, of=PLAIN).judges[0]
    assert (judgement.with_name.right, judgement.without_name.right) == (4, 1)
    assert sorted(judgement.without_name.picks, key=str) == [0, 1, 2, 3]
    assert judgement.without_name.unparsed == 0


def test_closed_book_is_scored_in_strict_mode_by_judges_that_can() -> None:
    strict = judged(CORPUS, of=PLAIN).judges[0].closed_book
    assert strict is not None and strict.trials == 4 and strict.unparsed == 0
    assert judged(CORPUS, of=PLAIN, settings=PAPER).judges[0].closed_book is None
    unable = Scripted(with_name=says("bamboo"), without_name=says("figs"))
    assert judged(unable, of=PLAIN).judges[0].closed_book is None


def test_judging_twice_gives_the_same_rows() -> None:
    for settings in (STRICT, PAPER):
        for of in (PLAIN, LEAKY, UNTRUE, ABSENT, TWO_TRUE):
            assert judged(CORPUS, of=of, settings=settings) == judged(
                CORPUS, of=of, settings=settings
            )


def test_set_wide_rates_share_ties_and_cluster_by_class() -> None:
    rare_right = draft("Where is this object native to?", ("Peru", "Russia", "Korea", "Nepal"),
                       "cave tapir", 5)  # fmt: skip
    common_right = draft("Where is this object native to?", ("Russia", "Peru", "Korea", "Nepal"),
                         "plains fox", 6)  # fmt: skip
    drafts = [LEAKY, rare_right, common_right]  # closed book: a tie of four, 0 and 1
    rows = [judged(CORPUS, of=of) for of in drafts]
    class_of = {of.id: of.class_id for of in drafts}
    closed = closed_book_accuracy(rows, class_of)
    assert closed.estimate == pytest.approx((0.25 + 0 + 1) / 3)
    assert closed.n == 3
    assert closed.low < 0.25 < closed.high
    assert self_consistency(rows, class_of).estimate == 1.0
    assert blind_rate(rows, class_of).n == 3
    assert blind_rate(rows[:1], class_of).estimate == 1.0


def test_a_rate_over_nothing_is_refused_with_the_next_step() -> None:
    paper = [judged(CORPUS, of=PLAIN, settings=PAPER)]
    with pytest.raises(ToolkitError, match="no question has a closed_book score of judge corpus"):
        closed_book_accuracy(paper, {"draft0": "reed_panda"})
    with pytest.raises(ToolkitError, match="with_name score of judge gpt"):
        self_consistency(paper, {"draft0": "reed_panda"}, "gpt")


def test_an_ask_shows_the_options_in_the_order_given() -> None:
    conditions: tuple[Condition, ...] = ("with_name", "without_name", "closed_book")
    for condition in conditions:
        ask = ask_in_order(draft(), condition, (2, 0, 3, 1))
        assert ask.choices == ("other", "right", "last", "wrong")
