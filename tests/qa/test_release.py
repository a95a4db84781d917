"""What is released together: balanced letters and an item for every question, whatever lacks."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagewikiqa.core.digests import text_digest
from imagewikiqa.core.records import (
    Authorship,
    Choice,
    Draft,
    Evidence,
    ImageRef,
    Judged,
    Judgement,
    JudgeScore,
)
from imagewikiqa.qa.assemble import AssembleSettings
from imagewikiqa.qa.checks import CHECKS
from imagewikiqa.qa.release import Pool, Release, release
from imagewikiqa.qa.select import SelectSettings

SHAPING = AssembleSettings()
NO_IMAGE = "no image left for the question"


def draft(number: int, about: str) -> Draft:
    mark = text_digest(str(number))
    a, b, c, d = (Choice(text=mark[at : at + 12]) for at in range(0, 48, 12))
    return Draft(
        id=f"q{number}", class_id=about, class_name=about, question=f"Is this object {mark}?",
        question_named=f"Is {mark}?", choices=(a, b, c, d),
        evidence=Evidence(page="p", page_id=None, revision_id=None, url="", quote="q", start=0,
                          end=1),
        author=Authorship(name="test", model="none", prompt="none", seed=0),
    )  # fmt: skip


def pool(drafts: Sequence[Draft], dropped: Sequence[str] = (), leaking: Sequence[str] = ()) -> Pool:
    score = JudgeScore(judge="j", right=4, trials=4, unparsed=0, picks=(0, 0, 0, 0))
    one = Judgement(with_name=score, without_name=score)
    return Pool(
        drafts=drafts,
        judged={
            d.id: Judged(id=d.id, keep=d.id not in dropped, reason="guessable", judges=(one,))
            for d in drafts
        },
        checks={
            d.id: dict.fromkeys(CHECKS, True) | {"no_name_leak": d.id not in leaking}
            for d in drafts
        },
    )


def pictures(about: str, count: int) -> list[ImageRef]:
    return [ImageRef(id=f"{about}/{at}.jpg", class_id=about) for at in range(count)]


def sound(made: Release, given: Pool) -> None:
    """Check what every release must hold."""
    out, drafts = [one.id for one in made.questions], given.drafts
    assert sorted([*out, *(one.input for one in made.rejects)]) == sorted(d.id for d in drafts)
    assert len({one.id for one in made.rejects}) == len(made.rejects)
    assert {item.question_id for item in made.items} == set(out)
    used = [Counter(one.answer for one in made.questions)[at] for at in range(4)]
    assert max(used) - min(used) <= 1
    shown = Counter(item.image for item in made.items if item.image)
    assert max(shown.values(), default=1) == 1


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 5), max_size=30),
    st.none() | st.lists(st.integers(0, 6), min_size=6, max_size=6),
    st.none() | st.integers(1, 20),
    st.none() | st.integers(1, 40),
)
def test_every_question_has_an_item_and_letters_stay_balanced(
    groups: list[int], counts: list[int] | None, questions: int | None, items: int | None
) -> None:
    drafts = [draft(at, f"c{group}") for at, group in enumerate(groups)]
    images = None
    if counts is not None:
        images = [image for at, n in enumerate(counts) for image in pictures(f"c{at}", n)]
    given_pool = pool(drafts, dropped=["q0", "q3"], leaking=["q1", "q3"])
    picking = SelectSettings(questions=questions)
    made = release(given_pool, images, picking, AssembleSettings(items=items), {})
    sound(made, given_pool)
    assert questions is None or len(made.questions) <= questions
    assert items is None or len(made.items) <= items


def test_a_class_without_images_gives_no_question_and_says_so() -> None:
    given_pool = pool([draft(at, f"c{at % 3}") for at in range(15)], ["q0"], leaking=["q3"])
    images = [*pictures("c1", 20), *pictures("c2", 20)]
    made = release(given_pool, images, SelectSettings(), SHAPING, {})
    sound(made, given_pool)
    assert {one.class_id for one in made.questions} == {"c1", "c2"}
    reasons = {one.input: one.reason for one in made.rejects}
    assert reasons == {"q0": "guessable", "q3": "name leak", "q6": NO_IMAGE, "q9": NO_IMAGE,
                       "q12": NO_IMAGE}  # fmt: skip


def test_a_class_with_few_images_gives_as_many_questions() -> None:
    given_pool = pool([draft(at, "c0") for at in range(4)])
    made = release(given_pool, pictures("c0", 3), SelectSettings(), SHAPING, {})
    sound(made, given_pool)
    assert len(made.questions) == len(made.items) == 3
    assert [one.reason for one in made.rejects] == [NO_IMAGE]


def test_a_question_without_an_image_makes_room_for_another() -> None:
    drafts = [*(draft(at, "bare") for at in range(5)), *(draft(10 + at, "c1") for at in range(5))]
    made = release(pool(drafts), pictures("c1", 20), SelectSettings(questions=4), SHAPING, {})
    assert len(made.questions) == 4


@pytest.mark.parametrize("items", [1, 7, 30])
def test_fewer_items_than_questions_are_as_many_balanced_questions(items: int) -> None:
    given_pool = pool([draft(at, f"c{at % 10}") for at in range(40)])
    images = [image for at in range(10) for image in pictures(f"c{at}", 20)]
    made = release(given_pool, images, SelectSettings(), AssembleSettings(items=items), {})
    sound(made, given_pool)
    assert len(made.items) == len(made.questions) == items
    assert {one.reason for one in made.rejects} == {"more questions than asked for"}


def test_an_earlier_release_keeps_its_letters() -> None:
    drafts = [draft(at, f"c{at}") for at in range(30)]
    before = release(pool(drafts[:13]), None, SelectSettings(), SHAPING, {})
    known = {one.id: one for one in before.questions}
    assert len(known) == 13
    made = release(pool(drafts), None, SelectSettings(), SHAPING, known)
    sound(made, pool(drafts))
    assert {one.id: one for one in made.questions if one.id in known} == known


def test_a_draft_that_no_judge_could_be_asked_about_is_not_released_and_holds_its_images() -> None:
    whole = pool([draft(at, f"c{at % 3}") for at in range(12)])
    judged = {name: one for name, one in whole.judged.items() if name not in {"q1", "q5"}}
    images = [image for at in range(3) for image in pictures(f"c{at}", 40)]
    before = release(whole, images, SelectSettings(), SHAPING, {})
    made = release(replace(whole, judged=judged), images, SelectSettings(), SHAPING, {})
    assert {one.id for one in made.questions} == judged.keys()
    assert not made.rejects
    shown = {item.item_id: item.image for item in before.items}
    assert len(made.items) == 30
    assert all(item.image == shown[item.item_id] for item in made.items)
