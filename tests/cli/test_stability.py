"""The sample with some of its classes and with all: what is in both releases is the same."""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest

from imagewikiqa.builders.sample import sample_classes
from imagewikiqa.cli.rebuild import execute
from imagewikiqa.core.digests import keyed_order
from imagewikiqa.core.records import ClassEntry, Item, Question
from imagewikiqa.core.tables import read_table
from imagewikiqa.qa.surface import longest_credit, shortest_credit

SOME = 40


class Built(NamedTuple):
    """A release: where it lies, its questions, and the images of each in order."""

    run: Path
    questions: dict[str, Question]
    images: dict[str, list[str | None]]


def build(run: Path, classes: Sequence[ClassEntry], previous: Path | None = None) -> Built:
    listed = run.with_suffix(".jsonl")
    listed.write_text("".join(f"{one.model_dump_json()}\n" for one in classes), encoding="utf-8")
    options = {
        "classes": str(listed), "pages": "sample", "images": "imagenet-val", "previous": previous
    }  # fmt: skip
    execute("assemble", run, None, [], options)
    images = defaultdict(list)
    for item in read_table(run / "items.jsonl", Item):
        images[item.question_id].append(item.image)
    questions = {one.id: one for one in read_table(run / "questions.jsonl", Question)}
    return Built(run, questions, images)


@pytest.fixture(scope="module")
def some(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The release of SOME classes, drawn by key."""
    drawn = keyed_order(sample_classes(), lambda one: one.id, "stability")[:SOME]
    chosen = [one for one in sample_classes() if one in drawn]
    return build(tmp_path_factory.mktemp("stable") / "some", chosen)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The release of all classes, without regard to an earlier one."""
    return build(tmp_path_factory.mktemp("stable") / "whole", sample_classes())


@pytest.fixture(scope="module")
def grown(some: Built, tmp_path_factory: pytest.TempPathFactory) -> Built:
    """The release of all classes with `some` as the previous one."""
    return build(tmp_path_factory.mktemp("stable") / "grown", sample_classes(), some.run)


def in_both(old: Built, new: Built) -> list[tuple[Question, Question]]:
    """Return the questions of two releases with one id; most of the smaller one are there."""
    pairs = [(one, new.questions[one.id]) for one in old.questions.values()
             if one.id in new.questions]  # fmt: skip
    assert len(old.questions) >= SOME
    assert len(new.questions) > 1.5 * len(old.questions)
    assert len(pairs) > len(old.questions) / 2
    return pairs


def balanced(built: Built) -> None:
    used = [[one.answer for one in built.questions.values()].count(at) for at in range(4)]
    assert max(used) - min(used) <= 1


def test_texts_and_evidence_stay_when_classes_are_added(some: Built, whole: Built) -> None:
    for before, after in in_both(some, whole):
        assert (after.class_id, after.class_name) == (before.class_id, before.class_name)
        assert (after.question, after.question_named) == (before.question, before.question_named)
        assert after.choices[after.answer] == before.choices[before.answer]
        assert after.evidence == before.evidence
    balanced(some)
    balanced(whole)


@pytest.mark.parametrize("later", ["whole", "grown"])
def test_images_stay_when_classes_are_added(
    some: Built, later: str, request: pytest.FixtureRequest
) -> None:
    new: Built = request.getfixturevalue(later)
    kept = [before.id for before, _ in in_both(some, new)]
    assert {one: new.images[one] for one in kept} == {one: some.images[one] for one in kept}
    assert all(len(some.images[one]) == 3 for one in kept)


def test_without_an_earlier_release_options_may_change(some: Built, whole: Built) -> None:
    """If nothing changed, the test of --previous below would show nothing."""
    assert any(before.choices != after.choices for before, after in in_both(some, whole))


def test_letters_and_options_stay_with_an_earlier_release(some: Built, grown: Built) -> None:
    for before, after in in_both(some, grown):
        assert (after.choices, after.answer) == (before.choices, before.answer)
        assert after.choice_class_ids == before.choice_class_ids
        assert after.evidence == before.evidence
    balanced(grown)


def test_frozen_options_count_when_the_lengths_are_balanced(grown: Built) -> None:
    questions = grown.questions.values()
    for credit in (longest_credit, shortest_credit):
        rate = sum(credit(one.choices, one.answer) for one in questions) / len(questions)
        assert rate == pytest.approx(0.25, abs=0.02)
