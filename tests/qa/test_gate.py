"""The gate: what it leaves is at chance for every cue, for our guessers and for another learner."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import GroupKFold

from imagewikiqa.core.intervals import Interval, clustered_interval, wilson
from imagewikiqa.qa.audit.load import load
from imagewikiqa.qa.audit.questions import ClassNames, group
from imagewikiqa.qa.gate import Gated, gate, measures, most_at_chance
from imagewikiqa.qa.surface import Choosable, longest_credit

WORDS = "amber birch cedar delta ember fjord grove heath inlet jetty knoll lunar oasis".split()


@dataclass(frozen=True)
class Asked:
    """A question of the tests."""

    name: str
    class_id: str
    choices: tuple[str, ...]
    answer: int
    question: str = "What is this object made of?"


def name_of(one: Asked) -> str:
    return one.name


def asked(count: int, biased: float, seed: int = 0) -> list[Asked]:
    """Return questions of random options; a share of them has the longest option right."""
    luck, made = random.Random(seed), []
    for number in range(count):
        options = [" ".join(luck.sample(WORDS, luck.randint(1, 5))) for _ in range(4)]
        answer = luck.randrange(4)
        if luck.random() < biased:
            answer = max(range(4), key=lambda at: len(options[at]))
        made.append(Asked(f"q{number}", f"c{number % (count // 3)}", tuple(options), answer))
    return made


def forest(questions: Sequence[Choosable]) -> Interval:
    """Return how often a random forest on plain lengths and counts is right, by class."""
    rows = [
        [[len(t), len(t.split()), len(t) / len("".join(q.choices)), sum(map(str.isdigit, t)),
          t.count(","), sum(len(o) > len(t) for o in q.choices)] for t in q.choices]
        for q in questions
    ]  # fmt: skip
    right = [[int(at == q.answer) for at in range(len(q.choices))] for q in questions]
    classes = [q.class_id for q in questions]
    earned = np.zeros(len(questions))
    for train, test in GroupKFold(5).split(classes, groups=classes):
        model = RandomForestClassifier(100, min_samples_leaf=5, random_state=0)
        model.fit(np.vstack([rows[i] for i in train]), np.concatenate([right[i] for i in train]))
        for i in test:
            scores = model.predict_proba(np.array(rows[i]))[:, 1]
            best = scores == scores.max()
            earned[i] = best[questions[i].answer] / best.sum()
    return clustered_interval(earned.tolist(), classes)


@pytest.fixture(scope="module")
def gated() -> Gated[Asked]:
    return gate(asked(500, 0.3), identity=name_of)


def test_a_biased_set_is_at_chance_once_gated(gated: Gated[Asked]) -> None:
    leaking = {one.name for one in gated.before if not one.at_chance}
    assert {"longest option", "most words", "surface model"} <= leaking
    assert gated.passed
    assert [one.name for one in measures(gated.kept) if not one.at_chance] == []
    assert len(gated.kept) >= 0.7 * gated.most


def test_another_learner_finds_nothing_in_what_is_left(gated: Gated[Asked]) -> None:
    assert forest(asked(500, 0.3)).low > 0.3  # it can find what is there
    assert forest(gated.kept).holds(0.25)


def test_every_question_is_kept_or_has_a_reason(gated: Gated[Asked]) -> None:
    given = asked(500, 0.3)
    dropped = [one.question for one in gated.dropped]
    assert sorted(map(name_of, [*gated.kept, *dropped])) == sorted(map(name_of, given))
    assert gated.kept == [one for one in given if one in gated.kept]
    assert all(one.reason for one in gated.dropped)
    longest = [longest_credit(one.choices, one.answer) for one in dropped]
    assert sum(longest) > 0.9 * len(longest)  # the bias goes, not whatever is at hand
    assert all("longest option" in one.guessed_by or longest_credit(
        one.question.choices, one.question.answer) == 0 for one in gated.dropped)  # fmt: skip


def test_the_order_of_the_questions_decides_nothing(gated: Gated[Asked]) -> None:
    turned = gate(asked(500, 0.3)[::-1], identity=name_of)
    assert turned.kept == gated.kept[::-1]
    assert {one.question.name: one.reason for one in turned.dropped} == {
        one.question.name: one.reason for one in gated.dropped
    }


@pytest.mark.parametrize("count", [0, 1, 12])
def test_a_small_set_is_kept_whole(count: int) -> None:
    given = asked(12, 0.0, seed=3)[:count]
    assert gate(given, identity=name_of).kept == given


def test_an_option_that_is_never_the_longest_is_a_leak_as_well() -> None:
    given = [one for one in asked(500, 0.0, seed=1) if longest_credit(one.choices, one.answer) == 0]
    found = gate(given, identity=name_of)
    assert not found.before[0].at_chance
    assert found.before[0].interval.estimate == 0
    # Only so few that chance itself would rarely pick one right: such a set cannot be repaired.
    assert len(found.kept) <= found.most == most_at_chance(given) < 0.05 * len(given)


@pytest.mark.parametrize("biased", [0.0, 0.5, 1.0])
def test_the_most_that_could_survive_is_exact(biased: float) -> None:
    given = asked(13, biased, seed=5)
    earned = [longest_credit(one.choices, one.answer) for one in given]
    best = max(
        (len(some) for size in range(14) for some in combinations(earned, size)
         if size and wilson(sum(some), size).holds(0.25)), default=0,
    )  # fmt: skip
    assert most_at_chance(given) == best


def test_the_released_half_passes_with_most_of_what_could_survive(
    shared_data: Path, full_faults: bool
) -> None:
    half = shared_data / "imagewikiqa_half" / "imagewikiqa_half.jsonl"
    questions = group(load(half).rows, ClassNames.of([]))
    found = gate(questions, identity=lambda one: str(one.first.row))
    assert not found.before[0].at_chance
    assert found.passed
    assert len(found.kept) >= 0.7 * found.most
    assert len(found.dropped) >= 10
    if full_faults:
        assert forest(questions).low > 0.25
        assert forest(found.kept).holds(0.25)
