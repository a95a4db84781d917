"""A task is blind: no key, no id of ours, no name where the picture has to tell."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.qa.rounds.answers import changed_fields
from imagewikiqa.qa.rounds.records import Kind
from imagewikiqa.qa.rounds.tasks import article, make_tasks, task_data
from tests.qa.rounds.made import HOSTILE, TEXT, page, plan, subject

PAGES = {"en:1@2": page()}
KINDS: tuple[Kind, ...] = ("article", "picture", "review")


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_holds_neither_the_key_nor_an_id_that_tells_it(kind: Kind) -> None:
    subjects = [subject(at, answer=at % 4, media="ab.jpg") for at in range(8)]
    for made in make_tasks(plan(kind), "rater-0", subjects, PAGES, 10_000):
        data = task_data(made.task, "data:x")
        assert not {"answer", "key", "gold", "question_id", "class_id"} & set(data)
        said = json.dumps(data)
        assert made.assignment.question_id not in said and "n1" not in said


def test_a_picture_task_does_not_name_the_class_or_show_its_article() -> None:
    (made,) = make_tasks(plan("picture"), "rater-0", [subject(media="ab.jpg")], PAGES, 10_000)
    said = json.dumps(task_data(made.task, "data:x")).lower()
    assert "tiger" not in said and "section" not in said


def test_each_rater_sees_the_options_in_an_order_that_can_be_undone() -> None:
    subjects = [subject(at) for at in range(30)]
    orders = set()
    for rater in plan().names:
        for made in make_tasks(plan(), rater, subjects, PAGES, 10_000):
            choices = subjects[0].question.choices
            undone = [choices[at] for at in made.assignment.order]
            assert tuple(undone) == made.task.options
            orders.add(made.assignment.order)
    assert len(orders) > 12  # of 24


def test_two_raters_get_the_questions_in_different_orders() -> None:
    subjects = [subject(at) for at in range(20)]
    a, b = (
        [one.assignment.question_id for one in make_tasks(plan(), name, subjects, PAGES, 10_000)]
        for name in plan().names[:2]
    )
    assert sorted(a) == sorted(b) and a != b


def test_gold_questions_look_like_all_others() -> None:
    subjects = [subject(at, origin="gold" if at % 5 == 0 else "set") for at in range(20)]
    made = make_tasks(plan(), "rater-0", subjects, PAGES, 10_000)
    assert {one.assignment.gold for one in made} == {True, False}
    assert len({tuple(sorted(task_data(one.task, None))) for one in made}) == 1


def test_an_article_is_cut_but_keeps_the_section_of_the_evidence() -> None:
    one = subject()
    assert [part.title for part in article(page(), one, 10_000)] == [
        "Introduction", "Behaviour › Diet",
    ]  # fmt: skip
    cut = article(page(), one, 5)
    assert [part.title for part in cut] == ["Behaviour › Diet", "…"]
    assert one.question.evidence.quote in cut[0].text and "oldid=2" in cut[1].text


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_arrives_as_it_is_but_for_hidden_characters(text: str) -> None:
    one = subject(name=text, asked=text, choices=(text, "b", "c", "d"))
    (made,) = make_tasks(plan(), "rater-0", [one], PAGES, 10_000)
    assert made.task.question == text.replace("\u202e", "[U+202E]").replace("\u202c", "[U+202C]")
    assert made.task.class_name == made.task.question


@given(st.sampled_from(["question", "choices", "class_name", "sections", "evidence", "ext_id"]))
def test_a_changed_field_is_named(name: str) -> None:
    (made,) = make_tasks(plan(), "rater-0", [subject()], PAGES, 10_000)
    data = task_data(made.task, None)
    assert changed_fields(data, made.task, None) == []
    assert changed_fields({**data, name: "other"}, made.task, None) == [name]
    assert changed_fields({**data, "hint": TEXT}, made.task, None) == ["hint"]


def test_the_digest_covers_every_field_that_raters_see() -> None:
    (a,) = make_tasks(plan(), "rater-0", [subject()], PAGES, 10_000)
    (b,) = make_tasks(plan(), "rater-0", [subject(asked="What else?")], PAGES, 10_000)
    assert a.task.id == b.task.id and a.task.content != b.task.content
