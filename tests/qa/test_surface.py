"""The surface guesser finds planted cues, finds none in chance data, and repeats itself."""

import random
from dataclasses import dataclass

import pytest

from imagewikiqa.qa.surface import (
    longest_accuracy,
    longest_credit,
    shortest_credit,
    surface_accuracy,
)

WORDS = "amber birch cedar delta ember fjord grove heath inlet jetty knoll lagoon marsh".split()


@dataclass(frozen=True)
class Asked:
    class_id: str
    question: str
    choices: tuple[str, ...]
    answer: int


def chance(n: int, seed: int, options: int = 4, classes: int = 60) -> list[Asked]:
    """Questions whose right option is drawn without a look at the options, letters balanced."""
    source = random.Random(seed)
    answers = [i % options for i in range(n)]
    source.shuffle(answers)
    return [
        Asked(
            f"c{i % classes}",
            "Which of these lies near this object?",
            tuple(" ".join(source.sample(WORDS, source.randint(1, 5))) for _ in range(options)),
            answer,
        )
        for i, answer in enumerate(answers)
    ]


def lengthened(questions: list[Asked], every: int) -> list[Asked]:
    """The same with the right option made much longer in each `every`-th question."""
    return [
        Asked(
            q.class_id,
            q.question,
            tuple(
                c + " beyond the northern shore" * (j == q.answer) for j, c in enumerate(q.choices)
            ),
            q.answer,
        )
        if i % every == 0
        else q
        for i, q in enumerate(questions)
    ]


@pytest.mark.parametrize("options", [2, 4, 5])
def test_chance_data_come_out_at_chance(options: int) -> None:
    runs = [surface_accuracy(chance(300, seed, options)) for seed in range(20)]
    mean = sum(run.estimate for run in runs) / len(runs)
    assert mean == pytest.approx(1 / options, abs=0.02)
    assert sum(run.holds(1 / options) for run in runs) >= 18


def test_a_planted_length_bias_is_found() -> None:
    plain = chance(400, 2)
    biased = lengthened(plain, every=3)
    assert surface_accuracy(plain).holds(0.25)
    found = surface_accuracy(biased)
    assert found.low > 0.35
    assert longest_accuracy(biased).low > 0.35


def test_an_avoided_longest_option_is_found_too() -> None:
    flipped = [
        Asked(q.class_id, q.question, q.choices, min(range(4), key=lambda i: len(q.choices[i])))
        for q in chance(400, 2)
    ]
    assert longest_accuracy(flipped).high < 0.25
    assert surface_accuracy(flipped).low > 0.5


def test_an_overused_letter_is_found() -> None:
    skewed = [
        Asked(q.class_id, q.question, q.choices, 1 if i % 2 else q.answer)
        for i, q in enumerate(chance(400, 3))
    ]
    assert surface_accuracy(skewed).low > 0.35


def test_the_figure_repeats_and_ignores_the_order_of_questions() -> None:
    questions = lengthened(chance(200, 4), every=2)
    assert surface_accuracy(questions) == surface_accuracy(questions)
    assert surface_accuracy(questions[::-1]).estimate == pytest.approx(
        surface_accuracy(questions).estimate
    )


def test_ties_share_credit() -> None:
    assert longest_credit(("aa", "bb", "c", "d"), 1) == 0.5
    assert longest_credit(("aa", "bb", "c", "d"), 2) == 0
    assert shortest_credit(("aa", "bb", "c", "d"), 2) == 0.5
    assert longest_credit(("a", "b", "c", "d"), 3) == 0.25


def test_one_class_gives_chance_and_no_certainty() -> None:
    got = surface_accuracy(chance(8, 5, classes=1))
    assert (got.estimate, got.low, got.high) == (0.25, 0.0, 1.0)


def test_odd_texts_are_numbers_too() -> None:
    odd = [
        Asked("a", "", ("", " ", "٣", "1,2.3.4"), 0),
        Asked("b", "?", ("1.5", "2,000", "3", "4"), 1),
        Asked("c", "\u202e", ("x" * 10_000, "$$", "a-b", "١٢"), 2),
    ]
    assert 0 <= surface_accuracy(odd).estimate <= 1
