"""Letters are balanced and frozen, options and verdicts agree, images are shared out by turns."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagewikiqa.core.records import (
    Authorship,
    Choice,
    Draft,
    Evidence,
    ImageRef,
    Judged,
    Judgement,
    JudgeScore,
    Question,
    Reject,
)
from imagewikiqa.qa.assemble import (
    AssembleSettings,
    arrange,
    keep_options,
    make_items,
    share_images,
)

STRICT, PAPER = AssembleSettings(), AssembleSettings(mode="paper")
SOUND = {"placeholder": True}


def draft(number: int, about: str = "c0", start: int = 0) -> Draft:
    right = Choice(text=f"right {number}", class_id=about)
    one, two, six = (Choice(text=f"wrong {number} {at}", class_id=f"of {at}") for at in range(3))
    return Draft(
        id=f"q{number}", class_id=about, class_name=about,
        question=f"What of this object {number}?",
        question_named=f"What of {about} {number}?", choices=(right, one, two, six),
        evidence=Evidence(page="p", page_id=None, revision_id=None, url="", quote="q", start=start,
                          end=start + 1),
        author=Authorship(name="test", model="none", prompt="none", seed=0),
    )  # fmt: skip


def verdicts(drafts: Sequence[Draft]) -> dict[str, Judged]:
    def score(*picks: int | None) -> JudgeScore:
        return JudgeScore(judge="j", right=picks.count(0), trials=4, unparsed=picks.count(None),
                          picks=picks)  # fmt: skip

    named, blind, common = score(0, 0, 0, 0), score(1, 2, 3, None), score(0, 1, 1, 2)
    one = Judgement(with_name=named, without_name=blind, closed_book=common)
    return {d.id: Judged(id=d.id, keep=True, reason="kept", judges=(one,)) for d in drafts}


def arranged(
    drafts: Sequence[Draft],
    how: AssembleSettings = STRICT,
    previous: Mapping[str, Question] | None = None,
) -> list[Question]:
    checks = {one.id: SOUND for one in drafts}
    return arrange(drafts, verdicts(drafts), checks, how, previous or {})


def uses(questions: Sequence[Question]) -> list[int]:
    """Return how often each of the four letters is right."""
    used = Counter(one.answer for one in questions)
    return [used[at] for at in range(4)]


def pictures(count: int, about: str = "c0") -> list[ImageRef]:
    return [ImageRef(id=f"{about}/{at}.jpg", class_id=about) for at in range(count)]


def ids(shares: Mapping[str, Sequence[ImageRef]]) -> dict[str, list[str]]:
    return {one: [image.id for image in share] for one, share in shares.items()}


@given(st.integers(0, 60), st.integers(0, 5))
def test_letters_differ_by_at_most_one(count: int, seed: int) -> None:
    used = uses(arranged([draft(at) for at in range(count)], replace(STRICT, seed=seed)))
    assert sum(used) == count
    assert max(used) - min(used) <= 1


def test_a_question_keeps_all_that_its_draft_says() -> None:
    drafts = [draft(at) for at in range(40)]
    questions = arranged(drafts)
    assert [one.id for one in questions] == [one.id for one in drafts]
    for before, after in zip(drafts, questions, strict=True):
        assert after.choices[after.answer] == before.choices[0].text
        assert sorted(after.choices) == sorted(choice.text for choice in before.choices)
        sources = {choice.text: choice.class_id for choice in before.choices}
        assert [sources[text] for text in after.choices] == list(after.choice_class_ids)
        assert (after.question, after.question_named) == (before.question, before.question_named)
        assert (after.evidence, after.author) == (before.evidence, before.author)
        assert after.checks == SOUND


def test_wrong_options_stand_in_every_order() -> None:
    questions = arranged([draft(at) for at in range(300)])
    orders = Counter(
        tuple(text[-1] for text in one.choices if text.startswith("wrong")) for one in questions
    )
    assert len(orders) == 6
    assert min(orders.values()) > 30


def test_a_verdict_points_into_the_options_as_they_are_shown() -> None:
    drafts = [draft(at) for at in range(24)]
    for before, after in zip(drafts, arranged(drafts), strict=True):
        judge, given = after.judge, verdicts(drafts)[after.id].judges[0]
        assert judge is not None and judge.closed_book is not None and given.closed_book is not None
        assert judge.with_name.picks == (after.answer,) * 4
        for shown, raw in (
            (judge.without_name, given.without_name),
            (judge.closed_book, given.closed_book),
        ):
            told = [None if at is None else after.choices[at] for at in shown.picks]
            assert told == [None if at is None else before.choices[at].text for at in raw.picks]
            assert (shown.right, shown.unparsed) == (raw.right, raw.unparsed)


def test_the_mode_paper_shuffles_each_question_on_its_own() -> None:
    drafts = [draft(at) for at in range(400)]
    questions = arranged(drafts, PAPER)
    assert arranged(drafts[:7], PAPER) == questions[:7]
    assert max(uses(questions)) - min(uses(questions)) > 1
    assert min(uses(questions)) > 60


def test_the_seed_decides_letters_and_orders() -> None:
    drafts = [draft(at) for at in range(40)]
    first, second = (arranged(drafts, replace(STRICT, seed=seed)) for seed in (1, 2))
    assert arranged(drafts, replace(STRICT, seed=1)) == first
    assert [one.answer for one in first] != [one.answer for one in second]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 40), st.integers(0, 40))
def test_frozen_questions_stay_and_the_others_balance_around_them(kept: int, fresh: int) -> None:
    release = arranged([draft(at) for at in range(kept * 2)])
    previous = {one.id: one for one in release if one.answer != 3}  # an uneven rest of a release
    old = [draft(int(one[1:])) for one in previous]
    # The same questions, written again with other wrong options.
    moved = [one.model_copy(update={"choices": (one.choices[0], *draft(999).choices[1:])})
             for one in old]  # fmt: skip
    questions = arranged([*moved, *(draft(1000 + at) for at in range(fresh))], previous=previous)
    assert questions[: len(old)] == list(previous.values())
    used, frozen = uses(questions), uses(questions[: len(old)])
    assert max(used) - min(used) <= max(1, max(frozen) - min(frozen))
    if fresh >= 4 * max(frozen) - sum(frozen):
        assert max(used) - min(used) <= 1
    else:  # fresh ones go where letters lack
        assert max(used) == max(frozen)


@pytest.mark.parametrize("changed", ["text", "right option", "evidence"])
def test_a_changed_question_is_no_longer_frozen(changed: str) -> None:
    old = draft(1)
    before = arranged([old])[0]
    wrong = tuple(Choice(text=f"new {at}") for at in range(3))
    new = {
        "text": old.model_copy(update={"question": "Is this object new?"}),
        "right option": old,
        "evidence": draft(1, start=5),
    }[changed]
    right = Choice(text="new") if changed == "right option" else old.choices[0]
    new = new.model_copy(update={"choices": (right, *wrong)})
    after = arranged([new], previous={"q1": before})[0]
    assert sorted(after.choices) == sorted([right.text, "new 0", "new 1", "new 2"])
    assert (after.question, after.evidence) == (new.question, new.evidence)
    assert keep_options([new], {"q1": before}) == [new]


def test_a_frozen_question_takes_the_name_of_today() -> None:
    before = arranged([draft(1)])[0]
    now = draft(1).model_copy(update={"class_name": "fox", "question_named": "What of the fox 1?"})
    after = arranged([now], previous={"q1": before})[0]
    assert (after.class_name, after.question_named) == ("fox", "What of the fox 1?")
    assert (after.choices, after.answer, after.judge) == (
        before.choices, before.answer, before.judge
    )  # fmt: skip


def test_drafts_of_an_earlier_release_are_judged_with_the_options_it_had() -> None:
    drafts = [draft(at) for at in range(20)]
    previous = {one.id: one for one in arranged(drafts)}
    moved = [one.model_copy(update={"choices": (one.choices[0], *draft(999).choices[1:])})
             for one in [*drafts, draft(50)]]  # fmt: skip
    kept = keep_options(moved, previous)
    assert kept[20] == moved[20]
    for one, original in zip(kept[:20], drafts, strict=True):
        assert one.choices[0] == original.choices[0]
        assert set(one.choices) == set(original.choices)
        assert one.model_copy(update={"choices": original.choices}) == original


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 2), st.booleans()), max_size=14),
    st.lists(st.integers(0, 20), min_size=3, max_size=3),
    st.integers(1, 4),
)
def test_images_are_unshared_and_as_many_as_there_can_be(
    rows: list[tuple[int, bool]], counts: list[int], most: int
) -> None:
    drafts = [draft(at, f"c{group}") for at, (group, _) in enumerate(rows)]
    released = {f"q{at}" for at, (_, out) in enumerate(rows) if out}
    images = [image for group, n in enumerate(counts) for image in pictures(n, f"c{group}")]
    shares = share_images(drafts, released, images, AssembleSettings(images_per_question=most))
    assert set(shares) == released
    assert max(Counter(i.id for share in shares.values() for i in share).values(), default=1) == 1
    for group, count in enumerate(counts):
        mine = [d.id for d in drafts if d.class_id == f"c{group}" and d.id in released]
        assert {image.class_id for one in mine for image in shares[one]} <= {f"c{group}"}
        given_out = [len(shares[one]) for one in mine]
        assert sum(given_out) == min(most * len(mine), count)  # nothing is left lying
        assert all(given_out) or count < len(mine)  # nobody goes without for another's second


def test_who_has_no_image_comes_before_who_has_one() -> None:
    """Seven tried, five images: who was passed over first takes what nobody released holds."""
    drafts, images = [draft(at) for at in range(7)], pictures(5)
    for out in combinations([one.id for one in drafts], 5):
        shares = share_images(drafts, set(out), images, STRICT)
        assert [len(share) for share in shares.values()] == [1] * 5


def test_images_stay_when_other_classes_join_or_the_selection_changes() -> None:
    own, others = [draft(at) for at in range(6)], [draft(20 + at, "c1") for at in range(6)]
    images = [*pictures(40), *pictures(9, "c1")]
    alone = share_images(own, {"q0", "q3"}, images, STRICT)
    assert [len(share) for share in alone.values()] == [3, 3]
    for released in ({"q0", "q3"}, {"q0", "q3", "q4", "q25"}, {one.id for one in [*own, *others]}):
        more = share_images([*others, *own[::-1]], released, images[::-1], STRICT)
        assert ids(more) | ids(alone) == ids(more)


def test_images_stay_when_a_question_given_up_becomes_a_draft() -> None:
    """With more classes there are more wrong options, so that an author gives up less."""
    own = [draft(at) for at in range(7)]
    given_up = [Reject(id=f"draft:{d.id}", stage="draft", input="c0", reason="few") for d in own]
    whole = ids(share_images(own, {d.id for d in own}, pictures(21), STRICT))
    assert sum(map(len, whole.values())) == 21
    for count in range(7):
        some = {d.id for d in own[:count]}
        shares = share_images(own[:count], some, pictures(21), STRICT, given_up[count:])
        assert ids(shares) == {one: whole[one] for one in some}


def test_without_what_was_given_up_images_would_move() -> None:
    own = [draft(at) for at in range(7)]
    whole = ids(share_images(own, {"q0", "q1"}, pictures(21), STRICT))
    fewer = ids(share_images(own[:2], {"q0", "q1"}, pictures(21), STRICT))
    assert whole != fewer  # else the test above shows nothing


def items_of(
    count: int, most: int | None, per_question: int = 3
) -> tuple[list[Question], Counter[str], list[str]]:
    questions = arranged([draft(at, f"c{at}") for at in range(count)])
    shares = {one.id: pictures(per_question, one.class_id) for one in questions}
    items, rejects = make_items(questions, shares, replace(STRICT, items=most))
    assert rejects == []
    return questions, Counter(one.question_id for one in items), [one.item_id for one in items]


def test_a_question_has_an_item_for_each_of_its_images() -> None:
    question = arranged([draft(1)])[0]
    images = [ImageRef(id="a.jpg", class_id="c0", sha256="0" * 64), *pictures(1)]
    items, rejects = make_items([question], {"q1": images}, STRICT)
    assert rejects == []
    assert [one.item_id for one in items] == ["q1-0", "q1-1"]
    assert [(one.image, one.image_sha256) for one in items] == [
        ("a.jpg", "0" * 64), ("c0/0.jpg", None)
    ]  # fmt: skip
    for one in items:
        assert (one.question_id, one.class_id) == ("q1", "c0")
        assert (one.question, one.choices) == (question.question, question.choices)
        assert (one.answer, one.letter) == (question.answer, "ABCD"[question.answer])


def test_without_an_image_source_a_question_is_one_item() -> None:
    questions = arranged([draft(at) for at in range(5)])
    items, rejects = make_items(questions, None, STRICT)
    assert rejects == []
    assert [one.item_id for one in items] == [f"q{at}-0" for at in range(5)]
    assert {one.image for one in items} == {None}


def test_a_question_without_an_image_is_rejected() -> None:
    questions = arranged([draft(0), draft(1)])
    items, rejects = make_items(questions, {"q0": [], "q1": pictures(1)}, STRICT)
    assert [one.question_id for one in items] == ["q1"]
    assert [(one.id, one.stage, one.input) for one in rejects] == [
        ("assemble:q0", "assemble", "q0")
    ]
    assert rejects[0].reason == "no image left for the question"


@pytest.mark.parametrize(("most", "fewest", "largest"), [(20, 2, 2), (25, 2, 3), (10, 1, 1)])
def test_a_number_of_items_takes_the_first_images_of_all_questions_first(
    most: int, fewest: int, largest: int
) -> None:
    questions, counts, names = items_of(10, most)
    assert len(names) == most
    assert set(counts) == {one.id for one in questions}
    assert (min(counts.values()), max(counts.values())) == (fewest, largest)
    assert names == [f"{one}-{at}" for one in counts for at in range(counts[one])]  # no gaps


def test_more_items_than_there_are_changes_nothing() -> None:
    assert items_of(10, 31) == items_of(10, 30) == items_of(10, None)


@pytest.mark.parametrize("mode", ["strict", "paper"])
def test_nothing_makes_nothing(mode: Literal["strict", "paper"]) -> None:
    how = AssembleSettings(mode=mode)
    assert arranged([], how) == []
    assert share_images([], set(), pictures(3), how) == {}
    assert make_items([], {}, how) == ([], [])
