"""Hypernym families: what belongs where, and no family above its share of a set."""

from collections import Counter
from dataclasses import replace
from math import floor

import pytest

from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.records import Draft
from imagewikiqa.qa.families import families
from imagewikiqa.qa.select import FEW, SelectSettings, select
from tests.qa.test_select import LOOSE, draft, judged

WHY = "family has enough questions"
OF = {f"c{at}": "dog" if at < 12 else "bird" if at < 16 else "" for at in range(24)}
QUOTA = replace(LOOSE, family_quota=0.3, families=OF)


def written(classes: int) -> list[Draft]:
    return [draft(at * 10 + nth, about=f"c{at}") for at in range(classes) for nth in range(3)]


def counts(kept: list[Draft]) -> Counter[str]:
    return Counter(OF[one.class_id] for one in kept)


@pytest.mark.parametrize(
    ("name", "family"),
    [("tench", "fish"), ("otter", "mammal"), ("lorikeet", "bird"), ("bobsleigh", "vehicle"),
     ("American Staffordshire Terrier", "dog"), ("pill bottle", "container")],
)  # fmt: skip
def test_a_class_belongs_to_the_nearest_family(name: str, family: str) -> None:
    entry = next(one for one in load_classes("imagenet") if one.name == name)
    assert families([entry]) == {entry.id: family}


def test_nearly_every_imagenet_class_has_a_family_and_lists_without_hypernyms_have_none() -> None:
    found = Counter(families(load_classes("imagenet")).values())
    assert found[""] < 50
    assert found["dog"] == 118
    bare = [one for one in load_classes("stanford_cars") if not one.hypernyms]
    assert set(families(bare).values()) <= {""}


@pytest.mark.parametrize("share", [0.2, 0.3, 0.4])
def test_no_family_is_above_its_share_and_classes_without_one_stay(share: float) -> None:
    drafts = written(24)
    how = replace(QUOTA, family_quota=share)
    kept, rejects = select(drafts, judged(drafts), {}, how)
    found = counts(kept)
    most = max(FEW, floor(share * len(kept)))
    assert max(found["dog"], found["bird"]) <= most
    assert found[""] == 24
    assert {one.reason for one in rejects} == {WHY}
    assert len(kept) + len(rejects) == len(drafts)


def test_without_a_quota_nothing_is_dropped() -> None:
    drafts = written(24)
    how = SelectSettings(form_cap=1.0, per_class=50, families=OF)
    assert select(drafts, judged(drafts), {}, how) == (drafts, [])


def test_classes_added_take_no_question_of_a_family_that_has_room() -> None:
    few, many = written(20), written(24)
    before = {one.id for one in select(few, judged(few), {}, QUOTA)[0]}
    after = {one.id for one in select(many, judged(many), {}, QUOTA)[0]}
    assert before <= after
