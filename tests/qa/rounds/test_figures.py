"""The figures of a round are those that its simulated answers give, and never crash on few."""

import json
from statistics import median

import pytest

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.intervals import clustered_interval
from imagewikiqa.qa.agreement.alpha import exact_alpha
from imagewikiqa.qa.rounds.figures import round_figures
from tests.qa.rounds.simulated import answer, simulate, subject, votes


def test_accuracy_and_alpha_are_those_of_the_answers_without_gold() -> None:
    subjects, answers = simulate()
    found = round_figures(subjects, answers)
    keys = {one.question.id: one.question.answer for one in subjects}
    classes = {one.question.id: one.question.class_id for one in subjects}
    plain = [one for one in answers if not one.gold]
    right = [float(one.pick == keys[one.question_id]) for one in plain]
    expected = clustered_interval(right, [classes[one.question_id] for one in plain])
    assert found["accuracy"]["estimate"] == pytest.approx(expected.estimate)
    assert found["accuracy"]["low"] == pytest.approx(expected.low)
    assert found["accuracy"]["n"] == 180
    alpha = exact_alpha(votes(answers))
    assert alpha is not None
    assert found["alpha"]["alpha"] == pytest.approx(float(alpha), abs=1e-9)
    assert found["alpha"]["low"] < float(alpha) < found["alpha"]["high"]


def test_the_figures_are_json_and_do_not_depend_on_the_order_of_answers() -> None:
    subjects, answers = simulate(count=20)
    one = json.dumps(round_figures(subjects, answers), allow_nan=False)
    assert one == json.dumps(round_figures(subjects[::-1], answers[::-1]), allow_nan=False)


def test_a_weighed_consensus_is_no_worse_than_the_majority_of_unequal_raters() -> None:
    found = round_figures(*simulate(count=200))
    weighed, plain = found["dawid_skene"], found["majority"]
    assert weighed["accuracy"]["estimate"] >= plain["accuracy"]["estimate"]
    assert weighed["unlike_majority"] > 0


def test_the_curve_starts_at_the_mean_of_all_answers_and_ends_at_the_majority() -> None:
    found = round_figures(*simulate())
    first, last = found["enough"][0], found["enough"][-1]
    assert first["right"] == pytest.approx(found["accuracy"]["estimate"])
    assert last["agreeing"] == 1.0
    assert last["k"] == 3
    assert last["right"] > first["right"]


def test_each_rater_has_a_row_of_their_own_answers() -> None:
    subjects, answers = simulate()
    rows = {row["rater"]: row for row in round_figures(subjects, answers)["raters"]}
    assert list(rows) == ["anna", "ben", "cleo", "dan"]
    mine = [one for one in answers if one.rater == "dan"]
    assert rows["dan"]["answers"] == sum(not one.gold for one in mine)
    assert rows["dan"]["gold"] == 8
    assert rows["dan"]["median_seconds"] == median(one.seconds or 0 for one in mine)
    assert sum(rows["dan"]["positions"]) == pytest.approx(1)
    assert rows["dan"]["right"]["estimate"] < rows["anna"]["right"]["estimate"]
    cells = rows["dan"]["confusion"]
    assert sum(sum(row.values()) for row in cells.values()) == rows["dan"]["answers"]


def test_none_right_is_a_category_and_a_skipped_task_is_a_missing_answer() -> None:
    one = subject(0)
    answers = [
        answer(one, "a", 0),
        answer(one, "b", None),
        answer(one, "c", None, state="skipped"),
    ]
    found = round_figures([one], answers)
    assert (found["answers"], found["skipped"]) == (2, 1)
    assert found["accuracy"]["estimate"] == 0.5
    assert found["by_question"][0]["votes"] == {"A": 1, "none": 1}
    assert found["by_question"][0]["reason"] == "no majority"
    assert found["confusion"]["A"]["none"] == 1


def test_what_most_answered_otherwise_comes_first() -> None:
    subjects = [subject(n) for n in range(3)]
    answers = [answer(subjects[0], r, p) for r, p in zip("abc", (0, 0, 0), strict=True)]
    answers += [answer(subjects[1], r, p) for r, p in zip("abc", (1, 1, 2), strict=True)]
    answers += [answer(subjects[2], r, p) for r, p in zip("abc", (0, 0, 2), strict=True)]
    rows = round_figures(subjects, answers)["by_question"]
    assert [(row["question_id"], row["reason"]) for row in rows] == [
        ("q002", "another option was chosen"),
        ("q001", "some disagree"),
        ("q000", ""),
    ]


def test_no_answer_yet_is_said_and_nothing_is_made_up() -> None:
    found = round_figures([subject(0)], [])
    assert found["accuracy"] is None
    assert found["alpha"]["alpha"] is None
    assert found["majority"]["accuracy"] is None
    assert found["dawid_skene"]["accuracy"] is None
    assert found["enough"] == []
    assert found["sentences"] == [
        "There is no answer yet: run verify pull when raters have answered."
    ]


def test_one_rater_alone_has_no_agreement() -> None:
    found = round_figures(*simulate(count=8, overlap=1, skill={"anna": 0.9}))
    assert found["alpha"]["alpha"] is None
    assert found["fleiss"] is None
    assert found["cohen"] == []
    assert "Only one rater has answered" in found["sentences"][0]


def test_an_overlap_of_one_has_no_agreement_but_an_accuracy() -> None:
    found = round_figures(*simulate(count=12, overlap=1))
    assert found["accuracy"]["n"] == 12
    assert found["alpha"]["alpha"] is None
    assert "No question has two answers" in found["sentences"][0]


def test_the_same_letter_everywhere_has_no_alpha() -> None:
    subjects = [subject(0), subject(4)]
    answers = [answer(one, rater, 0) for one in subjects for rater in "ab"]
    found = round_figures(subjects, answers)
    assert found["accuracy"]["estimate"] == 1.0
    assert found["alpha"]["alpha"] is None
    assert "alpha and the kappas have no value" in found["sentences"][0]


def test_the_human_baseline_is_split_by_flags() -> None:
    found = round_figures(*simulate(kind="picture"))
    guessed = found["flags"]["guessed"]
    assert guessed["with"]["n"] + guessed["without"]["n"] == found["answers"]
    assert guessed["with"]["estimate"] < guessed["without"]["estimate"]


def test_reviews_have_a_share_and_an_alpha_for_each_field() -> None:
    subjects, answers = simulate(kind="review")
    found = round_figures(subjects, answers)["review"]
    plain = [one.review for one in answers if not one.gold and one.review]
    answerable = sum(review.answerable for review in plain) / len(plain)
    assert found["answerable"]["share"]["estimate"] == pytest.approx(answerable)
    shown = [review.picture for review in plain if review.picture]
    assert found["picture_shows_the_class"]["share"]["n"] == len(shown)
    assert found["exactly_the_key"]["share"]["n"] == len(plain)
    assert all(one["alpha"]["alpha"] is not None for one in found.values())


@pytest.mark.parametrize("fault", ["unknown question", "two kinds", "twice"])
def test_answers_that_do_not_fit_the_round_are_refused_with_a_next_step(fault: str) -> None:
    subjects, answers = simulate(count=4, gold=0)
    if fault == "unknown question":
        subjects = subjects[1:]
    if fault == "two kinds":
        answers[0] = answers[0].model_copy(update={"kind": "picture"})
    if fault == "twice":
        answers.append(answers[0].model_copy(update={"id": "again"}))
    with pytest.raises(ToolkitError, match=r"same round|run verify pull again"):
        round_figures(subjects, answers)
