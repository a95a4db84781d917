"""Answers are joined and the order undone; what cannot count is a reject with its reason."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.qa.rounds.answers import Asked, Pulled, known_values, read_answers
from imagewikiqa.qa.rounds.label_config import label_config
from imagewikiqa.qa.rounds.records import Kind
from imagewikiqa.qa.rounds.tasks import POSITIONS, Made, make_tasks, task_data
from tests.qa.rounds.made import page, plan, subject

PAGES = {"en:1@2": page()}


def made_tasks(kind: Kind = "article", count: int = 3) -> list[Made]:
    subjects = [subject(at, media="ab.jpg" if kind != "article" else None) for at in range(count)]
    return make_tasks(plan(kind), "rater-0", subjects, PAGES, 10_000)


def asked(made: list[Made], kind: Kind = "article", account: int | None = None) -> Asked:
    return Asked(
        plan=plan(kind), rater="rater-0", account=account, image_of=lambda task: "data:x",
        tasks={one.task.id: one.task for one in made},
        assignments={one.assignment.id: one.assignment for one in made},
    )  # fmt: skip


def result(name: str, *values: str, kind: str = "choices") -> dict[str, Any]:
    return {"from_name": name, "to_name": "question", "type": kind, "value": {kind: list(values)}}


def row(one: Made, *results: dict[str, Any], **fields: Any) -> dict[str, Any]:
    annotation = {
        "id": 7, "completed_by": 3, "lead_time": 4.5, "was_cancelled": False,
        "result": list(results), **fields,
    }  # fmt: skip
    image = "data:x" if one.task.media else None
    return {"id": 1, "data": task_data(one.task, image), "annotations": [annotation]}


def read(one: Made, *results: dict[str, Any], kind: Kind = "article", **fields: Any) -> Pulled:
    return read_answers([row(one, *results, **fields)], asked([one], kind))


def reasons(pulled: Pulled) -> list[str]:
    return [one.reason for one in pulled.rejects]


@pytest.mark.parametrize("letter", POSITIONS)
def test_the_shown_order_is_undone(letter: str) -> None:
    (one, *_) = made_tasks()
    (answer,) = read(one, result("answer", letter)).answers
    shown = POSITIONS.index(letter)
    assert answer.shown == shown and answer.pick == one.assignment.order[shown]
    choices = subject().question.choices
    assert answer.pick is not None and choices[answer.pick] == one.task.options[shown]
    assert (answer.seconds, answer.account, answer.annotation) == (4.5, 3, 7)


def test_none_right_flags_and_a_comment_come_along() -> None:
    (one, *_) = made_tasks()
    results = (
        result("answer", "none"),
        result("flags", "unclear_question", "several_right"),
        result("comment", "what?", kind="text"),
    )
    (answer,) = read(one, *results).answers
    assert answer.state == "none_right" and answer.pick is None
    assert answer.flags == ("several_right", "unclear_question") and answer.comment == "what?"


def test_a_skipped_task_is_an_answer_of_its_own_kind() -> None:
    (one, *_) = made_tasks()
    (answer,) = read(one, was_cancelled=True).answers
    assert answer.state == "skipped"


def test_a_review_is_read_with_its_ticked_options_in_the_questions_order() -> None:
    (one, *_) = made_tasks("review")
    results = (
        result("right", "A", "C"), result("answerable", "yes"), result("wording", "odd"),
        result("picture", "unsure"),
    )  # fmt: skip
    (answer,) = read(one, *results, kind="review").answers
    assert answer.review is not None
    wanted = {one.assignment.order[0], one.assignment.order[2]}
    assert set(answer.review.right) == wanted
    assert (answer.review.answerable, answer.review.wording) == (True, "odd")


@pytest.mark.parametrize(
    ("results", "reason"),
    [
        ([], "not exactly one option picked"),
        ([result("answer", "A", "B")], "not exactly one option picked"),
        ([result("answer", "E")], "a value our page does not have"),
        ([result("answer", "A"), result("label", "x")], "a result our page does not have"),
        ([result("answer", "A"), result("answer", "B")], "one control answered twice"),
        ([result("answer", "A"), result("flags", "nice")], "a value our page does not have"),
    ],
)
def test_what_our_page_could_not_have_said_is_refused(
    results: list[dict[str, Any]], reason: str
) -> None:
    (one, *_) = made_tasks()
    pulled = read(one, *results)
    assert pulled.answers == [] and reasons(pulled) == [reason]


def test_a_picture_task_has_no_fifth_option() -> None:
    (one, *_) = made_tasks("picture")
    pulled = read(one, result("answer", "none"), kind="picture")
    assert reasons(pulled) == ["a value our page does not have"]


def test_a_task_whose_text_was_changed_is_refused_and_named() -> None:
    (one, *_) = made_tasks()
    changed = row(one, result("answer", "A"))
    changed["data"]["question"] = "What does it drink?"
    pulled = read_answers([changed], asked([one]))
    assert reasons(pulled) == ["task changed on the server"]
    assert pulled.rejects[0].detail == f"{one.task.id}: question"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ({}, "no task of ours"),
        ({"ext_id": 5}, "no task of ours"),
        ({"ext_id": "x", "round": "0123456789ab"}, "no task of this rater"),
        ({"ext_id": "x", "round": "another"}, "task of another round"),
    ],
)
def test_strange_tasks_are_refused(data: dict[str, Any], reason: str) -> None:
    pulled = read_answers([{"id": 1, "data": data, "annotations": []}], asked(made_tasks()))
    assert reasons(pulled) == [reason]


def test_the_last_of_several_answers_counts() -> None:
    (one, *_) = made_tasks()
    first = row(one, result("answer", "A"), id=7, updated_at="2026-01-01T10:00:00Z")
    later = row(one, result("answer", "B"), id=6, updated_at="2026-01-02T10:00:00Z")
    for rows in ([first, later], [later, first]):
        pulled = read_answers(rows, asked([one]))
        assert [answer.annotation for answer in pulled.answers] == [6]
        assert reasons(pulled) == ["answered again later"]


def test_another_account_than_the_raters_does_not_count() -> None:
    (one, *_) = made_tasks()
    pulled = read_answers([row(one, result("answer", "A"))], asked([one], account=4))
    assert pulled.answers == [] and reasons(pulled) == ["answered from another account"]


def test_exports_of_older_versions_are_read() -> None:
    (one, *_) = made_tasks()
    new = row(one, result("answer", "A"), completed_by={"id": 3, "email": "a@b.org"})
    (annotation,) = new.pop("annotations")
    annotation.pop("was_cancelled")
    old = {**new, "completions": [annotation]}
    (answer,) = read_answers([old], asked([one])).answers
    assert answer.account == 3 and answer.state == "picked"


@given(st.data())
def test_any_json_in_place_of_a_task_is_an_answer_or_a_reject(data: st.DataObject) -> None:
    scalar = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
    anything = st.recursive(
        scalar,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
            st.sampled_from(["from_name", "value", "choices", "text", "id", "result", "origin"]),
            inner, max_size=4,
        ),
        max_leaves=8,
    )  # fmt: skip
    (one, *_) = made_tasks()
    good = row(one, result("answer", "A"))
    where = data.draw(st.sampled_from(["data", "annotations", "result", "annotation", "field"]))
    junk = data.draw(anything)
    if where in ("data", "annotations"):
        good[where] = junk
    elif where == "annotation":
        good["annotations"] = [junk]
    elif where == "result":
        good["annotations"][0]["result"] = junk
    else:
        name = data.draw(st.sampled_from(["id", "completed_by", "lead_time", "updated_at"]))
        good["annotations"][0][name] = junk
    pulled = read_answers([good], asked([one]))
    assert len(pulled.answers) <= 1


@pytest.mark.parametrize("kind", ["article", "picture", "review"])
def test_every_control_of_a_page_is_one_that_answers_are_read_from(kind: Kind) -> None:
    from xml.etree.ElementTree import fromstring

    page_of_kind = fromstring(label_config(kind, with_image=True))
    controls: dict[str | None, frozenset[str | None]] = {
        one.get("name"): frozenset(choice.get("alias") for choice in one.iter("Choice"))
        for one in page_of_kind.iter()
        if one.tag in ("Choices", "TextArea")
    }
    known = known_values(kind)
    assert set(controls) == set(known)
    for name, values in controls.items():
        assert not values or values == known[str(name)]
