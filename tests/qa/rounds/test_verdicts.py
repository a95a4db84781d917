"""Verdicts follow from the votes alone, each with its reason."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.qa.rounds.records import Answer, Kind, Review, Subject
from imagewikiqa.qa.rounds.verdicts import (
    RoundVotes,
    VerdictSettings,
    disagreements,
    verdicts,
)
from tests.qa.rounds.made import subject

S = subject()  # its key is the option 0
SKIPPED = -2
NONE = -1


def picked(rater: int, pick: int, *flags: str, asked: str = S.id, gold: bool = False) -> Answer:
    """Return an answer; NONE and SKIPPED are no options."""
    state = {NONE: "none_right", SKIPPED: "skipped"}.get(pick, "picked")
    return Answer.model_validate({
        "id": f"{asked}-{rater}", "rater": f"rater-{rater}", "question_id": asked,
        "kind": "article", "gold": gold, "state": state, "flags": flags, "by_hand": True,
        "pick": pick if pick >= 0 else None,
    })  # fmt: skip


def reviewed(rater: int, review: Review) -> Answer:
    return Answer(
        id=f"{S.id}-{rater}", rater=f"rater-{rater}", question_id=S.id, kind="review", gold=False,
        state="reviewed", review=review, by_hand=True,
    )  # fmt: skip


def asked(
    answers: Sequence[Answer], kind: Kind = "article", subjects: Sequence[Subject] = (S,),
    name: str = "one", overlap: int = 3,
) -> RoundVotes:  # fmt: skip
    return RoundVotes(round=name, kind=kind, overlap=overlap, subjects=subjects, answers=answers)


@pytest.mark.parametrize(
    ("picks", "verdict", "reason"),
    [
        ((0,), "open", "too few answers"),
        ((0, SKIPPED, SKIPPED), "open", "too few answers"),
        ((0, 0, 1), "keep", "the key was chosen"),
        ((1, 1, 0), "fix", "another option was chosen"),
        ((NONE, NONE, 0), "drop", "no option is right"),
        ((0, 1), "drop", "no majority"),
        ((0, 1, 2), "drop", "no majority"),
        ((0, 0, 1, NONE), "drop", "no majority"),
    ],
)
def test_picks_decide(picks: tuple[int, ...], verdict: str, reason: str) -> None:
    (found,) = verdicts([asked([picked(at, pick) for at, pick in enumerate(picks)])])
    assert (found.verdict, found.reason) == (verdict, reason)
    assert sum(found.votes) + found.none_right + found.skipped == len(picks)


@pytest.mark.parametrize(
    ("flag", "verdict", "reason"),
    [
        ("several_right", "drop", "more than one option is right"),
        ("unclear_question", "drop", "the question is unclear"),
        ("not_in_article", "fix", "the article does not say"),
    ],
)
def test_a_flag_counts_when_more_than_half_raise_it(flag: str, verdict: str, reason: str) -> None:
    most = [picked(0, 0, flag), picked(1, 0, flag), picked(2, 0)]
    (found,) = verdicts([asked(most)])
    assert (found.verdict, found.reason, found.flags) == (verdict, reason, {flag: 2})
    (found,) = verdicts([asked([picked(0, 0, flag), picked(1, 0)])])
    assert found.verdict == "keep"


GOOD = Review(answerable=True, right=(0,), wording="natural")


@pytest.mark.parametrize(
    ("change", "verdict", "reason"),
    [
        ({}, "keep", "the key was chosen"),
        ({"answerable": False}, "drop", "not answerable"),
        ({"right": (0, 1)}, "drop", "not exactly one option right"),
        ({"right": ()}, "drop", "not exactly one option right"),
        ({"right": (2,)}, "fix", "another option was chosen"),
        ({"wording": "odd"}, "fix", "the wording is odd"),
    ],
)
def test_reviews_decide(change: dict[str, object], verdict: str, reason: str) -> None:
    poor = GOOD.model_copy(update=change)
    given_ = [reviewed(0, poor), reviewed(1, poor), reviewed(2, GOOD)]
    (found,) = verdicts([asked(given_, "review")])
    assert (found.verdict, found.reason) == (verdict, reason)


def test_an_image_that_most_say_lacks_the_class_is_named() -> None:
    shown = S.model_copy(update={"image": "n1/a.jpg"})
    no, yes = (GOOD.model_copy(update={"picture": said}) for said in ("no", "yes"))
    for said, image in (((no, no, yes), "n1/a.jpg"), ((no, yes), None), ((no, GOOD), None)):
        answers = [reviewed(at, review) for at, review in enumerate(said)]
        (found,) = verdicts([asked(answers, "review", [shown])])
        assert (found.verdict, found.bad_image) == ("keep", image)


def test_the_last_round_that_holds_a_question_decides_and_all_votes_are_listed() -> None:
    other = subject(1)
    first = asked(
        [picked(0, 0), picked(1, 1), picked(0, 0, asked=other.id), picked(1, 0, asked=other.id)],
        subjects=[S, other],
    )
    second = asked([picked(2, 1), picked(3, 1)], name="two")
    decided, kept = verdicts([first, second])
    assert (decided.verdict, decided.votes, decided.consensus) == ("fix", (1, 3, 0, 0), 1)
    assert (decided.rounds, len(decided.raters)) == (("one", "two"), 4)
    assert (kept.verdict, kept.rounds) == ("keep", ("one",))
    waiting, _ = verdicts([first, asked([], name="two")])
    assert (waiting.verdict, waiting.votes) == ("open", (1, 1, 0, 0))


def test_gold_gets_no_verdict_and_a_picture_round_judges_people() -> None:
    gold = S.model_copy(update={"origin": "gold"})
    assert verdicts([asked([picked(0, 0, gold=True)], subjects=[gold])]) == []
    with pytest.raises(ToolkitError, match="judges people, not questions"):
        verdicts([asked([], "picture")])


@given(
    st.lists(st.integers(SKIPPED, 3), max_size=7),
    st.randoms(use_true_random=False),
    st.sampled_from([0.5, 0.6, 0.75]),
)
def test_the_order_of_answers_decides_nothing(
    picks: list[int], chance: object, share: float
) -> None:
    answers = [picked(at, pick) for at, pick in enumerate(picks)]
    mixed = list(answers)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    settings = VerdictSettings(share=share)
    assert verdicts([asked(answers)], settings) == verdicts([asked(mixed)], settings)
    assert disagreements([S], answers) == disagreements([S], mixed)


@given(st.lists(st.integers(0, 3), min_size=2, max_size=7), st.permutations(range(4)))
def test_renaming_the_options_renames_the_outcome(picks: list[int], to: list[int]) -> None:
    moved = S.question.model_copy(update={"answer": to[0]})
    renamed = S.model_copy(update={"question": moved})
    (before,) = verdicts([asked([picked(at, pick) for at, pick in enumerate(picks)])])
    answers = [picked(at, to[pick]) for at, pick in enumerate(picks)]
    (after,) = verdicts([asked(answers, subjects=[renamed])])
    assert (before.verdict, before.reason) == (after.verdict, after.reason)
    assert [before.votes[at] for at in range(4)] == [after.votes[to[at]] for at in range(4)]


@pytest.mark.parametrize(
    ("picks", "differ"),
    [((0, 0), False), ((1, 1), False), ((0, 1), True), ((0, NONE), True), ((0, SKIPPED), False)],
)
def test_raters_are_compared_with_one_another_alone(picks: tuple[int, ...], differ: bool) -> None:
    answers = [picked(at, pick) for at, pick in enumerate(picks)]
    assert disagreements([S], answers) == ([S.id] if differ else [])


def test_reviews_that_differ_in_a_judgement_disagree() -> None:
    odd = GOOD.model_copy(update={"wording": "odd"})
    assert disagreements([S], [reviewed(0, GOOD), reviewed(1, odd)]) == [S.id]
    assert disagreements([S], [reviewed(0, odd), reviewed(1, odd)]) == []


def test_an_adjudicator_alone_decides_what_only_he_was_asked() -> None:
    first = asked([picked(0, 0), picked(1, 2)])
    settled = asked([picked(9, 0)], name="two", overlap=1)
    (found,) = verdicts([first, settled])
    assert found.verdict == "keep" and found.rounds == ("one", "two")
