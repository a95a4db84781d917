"""What raters say becomes one verdict a question, whatever the order of their rows."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.qa.rounds.records import Answer, Kind, Review, Verdict
from imagewikiqa.qa.rounds.verdicts import Answered, disagreements, verdicts
from tests.qa.rounds.made import plan, subject

KEY = 0  # of every subject here


def answer(rater: str, pick: int | str, question: str = "n1:0", **fields: Any) -> Answer:
    """Return an answer: an option, "none" or "skip"."""
    states = {"none": "none_right", "skip": "skipped"}
    state = states[pick] if isinstance(pick, str) else "picked"
    return Answer(
        id=f"{rater}:{question}", rater=rater, question_id=question, kind="article", gold=False,
        state=state, pick=pick if isinstance(pick, int) else None, by_hand=True, **fields,
    )  # fmt: skip


def review(rater: str, right: tuple[int, ...] = (KEY,), **fields: Any) -> Answer:
    """Return a review, sound unless said otherwise."""
    judged: dict[str, Any] = {"answerable": True, "wording": "natural", "right": right, **fields}
    return Answer(
        id=f"{rater}:n1:0", rater=rater, question_id="n1:0", kind="review", gold=False,
        state="reviewed", review=Review(**judged), by_hand=True,
    )  # fmt: skip


def decide(answers: list[Answer], kind: Kind = "article") -> Verdict:
    (found,) = verdicts([Answered(plan(kind), [subject()], answers)])
    return found


def picks(*given_: int | str, **fields: Any) -> list[Answer]:
    return [answer(f"r{at}", pick, **fields) for at, pick in enumerate(given_)]


@pytest.mark.parametrize(
    ("given_", "verdict", "reason"),
    [
        ((0, 0, 0), "keep", "the key was chosen"),
        ((0, 0, 2), "keep", "the key was chosen"),
        ((2, 2, 0), "fix", "another option was chosen"),
        ((0, 2), "drop", "no majority"),
        ((0, 1, 2), "drop", "no majority"),
        (("none", "none", 0), "drop", "no option is right"),
        ((0, 0, "skip"), "keep", "the key was chosen"),
        ((0, "skip", "skip"), "open", "too few answers"),
        ((), "open", "too few answers"),
    ],
)
def test_the_majority_decides(given_: tuple[int | str, ...], verdict: str, reason: str) -> None:
    found = decide(picks(*given_))
    assert (found.verdict, found.reason) == (verdict, reason)


@pytest.mark.parametrize(
    ("flag", "verdict", "reason"),
    [
        ("several_right", "drop", "more than one option is right"),
        ("unclear_question", "drop", "unclear question"),
        ("not_in_article", "fix", "the article does not say"),
    ],
)
def test_a_flag_of_most_raters_outweighs_the_key(flag: str, verdict: str, reason: str) -> None:
    found = decide([*picks(0, 0, flags=(flag,)), answer("z", 0)])
    assert (found.verdict, found.reason) == (verdict, reason)
    assert found.flags == {flag: 2}
    assert decide([answer("a", 0, flags=(flag,)), *picks(0, 0)]).verdict == "keep"


@pytest.mark.parametrize(
    ("fields", "verdict", "reason"),
    [
        ({}, "keep", "the key was chosen"),
        ({"answerable": False}, "drop", "cannot be answered"),
        ({"right": ()}, "drop", "no option is right"),
        ({"right": (0, 1)}, "drop", "more than one option is right"),
        ({"right": (3,)}, "fix", "another option was chosen"),
        ({"wording": "odd"}, "fix", "odd wording"),
    ],
)
def test_reviews_decide_by_what_most_found(
    fields: dict[str, Any], verdict: str, reason: str
) -> None:
    found = decide([review("a", **fields), review("b", **fields), review("c")], "review")
    assert (found.verdict, found.reason) == (verdict, reason)


def test_a_picture_that_most_find_wrong_is_told() -> None:
    wrong = [review(name, picture="no") for name in "ab"]
    assert decide([*wrong, review("c", picture="yes")], "review").wrong_picture
    assert not decide([wrong[0], review("c", picture="yes")], "review").wrong_picture


def test_votes_comments_and_raters_are_told() -> None:
    found = decide([answer("b", 2, comment="why?"), answer("a", 0), answer("c", "none")])
    assert found.votes == (1, 0, 1, 0) and found.none_right == 1
    assert found.raters == ("a", "b", "c") and found.comments == ("why?",)


def test_a_later_round_settles_what_it_holds_and_leaves_the_rest() -> None:
    first = Answered(plan(), [subject(0), subject(1)], [
        *picks(0, 2), *picks(0, 0, question="n1:1"),
    ])  # fmt: skip
    second_plan = plan(raters=1, overlap=1).model_copy(update={"round": "f" * 12})
    second = Answered(second_plan, [subject(0)], [answer("eve", 0)])
    a, b = verdicts([first, second])
    assert (a.verdict, a.raters, a.rounds) == ("keep", ("eve",), ("0123456789ab", "f" * 12))
    assert (b.verdict, b.rounds) == ("keep", ("0123456789ab",))
    unanswered = Answered(second_plan, [subject(0)], [])
    assert verdicts([first, unanswered])[0].reason == "no majority"


def test_gold_questions_get_no_verdict() -> None:
    assert verdicts([Answered(plan(), [subject(origin="gold")], picks(0, 0))]) == []


def test_a_picture_round_judges_people_and_not_questions() -> None:
    with pytest.raises(ToolkitError, match="how well people do"):
        verdicts([Answered(plan("picture"), [subject()], [])])


def test_only_disagreements_go_to_a_second_round() -> None:
    subjects = [subject(at) for at in range(5)]
    answers = [
        *picks(0, 0, question="n1:0"),  # agreed
        *picks(2, 2, question="n1:1"),  # agreed, against the key
        *picks(0, 2, question="n1:2"),
        *picks(0, "none", question="n1:3"),
        *picks(0, "skip", question="n1:4"),
    ]
    assert disagreements(Answered(plan(), subjects, answers)) == ["n1:2", "n1:3"]


GIVEN = st.lists(st.sampled_from([0, 1, 2, 3, "none", "skip"]), max_size=7)


@given(GIVEN, st.randoms())
def test_the_order_of_rows_and_the_names_of_raters_decide_nothing(
    given_: list[int | str], random: Any
) -> None:
    rows = picks(*given_)
    moved = random.sample(rows, len(rows))
    assert decide(rows) == decide(moved)
    renamed = [one.model_copy(update={"rater": f"x{one.rater}"}) for one in moved]
    assert decide(renamed).verdict == decide(rows).verdict


@given(GIVEN)
def test_one_more_vote_for_the_key_never_makes_a_kept_question_leave(
    given_: list[int | str],
) -> None:
    before = decide(picks(*given_))
    after = decide([*picks(*given_), answer("zz", KEY)])
    assert before.verdict != "keep" or after.verdict == "keep"
    assert sum(before.votes) + before.none_right + before.skipped == len(given_)
