"""A value that may also be true of the class is never a wrong option."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.qa.corpus.facts import ClassFacts, Fact
from imagewikiqa.qa.corpus.forms import Form, load_forms
from imagewikiqa.qa.corpus.truth import Truth, too_near
from imagewikiqa.qa.leaks import fold

FORMS: dict[str, Form] = {form.name: form for form in load_forms()}


def fact(form: str, value: str, low: float | None = None, high: float | None = None) -> Fact:
    return Fact(
        form=form, value=value, key=fold(value), low=low, high=high, page="p", start=0, end=1
    )


def truth(*facts: Fact, stems: tuple[str, ...] = ()) -> Truth:
    return Truth(ClassFacts(id="c", name="c", families=(), kinds=(), facts=facts, stems=stems))


def conflicts(own: Fact, other: Fact, stems: tuple[str, ...] = ()) -> bool:
    return truth(own, stems=stems).conflicts(FORMS[other.form], other)


@pytest.mark.parametrize(
    ("own", "other", "near"),
    [
        ("India", "Asia", True),
        ("Asia", "India", True),
        ("India and Bangladesh", "South Asia", True),
        ("Florence, Italy", "Europe", True),
        ("Vienna, Austria", "Austria", True),
        ("Mexico", "Central America and Mexico", True),
        ("India", "India", True),
        ("Sumatra", "Asia", True),
        ("Australia", "Africa", False),
        ("Mexico", "South America", False),
        ("Japan", "Germany", False),
        ("Niger", "Nigeria", False),
    ],
)
def test_places_within_one_another_are_both_right(own: str, other: str, near: bool) -> None:
    assert conflicts(fact("native_range", own), fact("native_range", other)) is near


@pytest.mark.parametrize(
    ("own", "other", "near"),
    [
        ((90, 310), (300, 700), True),  # ranges that overlap
        ((90, 110), (120, 150), True),  # 110 and 120 are no clear difference
        ((90, 100), (150, 200), False),
        ((10, 10), (10, 10), True),
        ((10, 10), (13, 13), False),
        ((10, 10), (1, 100), True),
    ],
)
def test_measures_must_be_clearly_apart(
    own: tuple[float, float], other: tuple[float, float], near: bool
) -> None:
    one, two = fact("weight", f"{own} kg", *own), fact("weight", f"{other} x kg", *other)
    assert conflicts(one, two) is conflicts(two, one) is near


@pytest.mark.parametrize(
    ("own", "other", "near"), [(1758, 1760, True), (1758, 1761, False), (1758, 1758, True)]
)
def test_years_must_be_three_apart(own: float, other: float, near: bool) -> None:
    one, two = fact("invented", str(own), own, own), fact("invented", f"y{other}", other, other)
    assert conflicts(one, two) is near


@pytest.mark.parametrize(
    ("own", "other", "near"), [((2, 4), (4, 6), True), ((2, 4), (5, 6), False)]
)
def test_counts_must_not_overlap(
    own: tuple[float, float], other: tuple[float, float], near: bool
) -> None:
    assert conflicts(fact("litter", "a", *own), fact("litter", "b", *other)) is near


def test_a_measure_without_bounds_is_too_near_to_all() -> None:
    assert conflicts(fact("weight", "heavy"), fact("weight", "9 kg", 9, 9))


def test_a_word_of_the_subjects_pages_may_be_true_of_it() -> None:
    own = fact("diet", "Deer and wild boar")
    assert conflicts(own, fact("diet", "Small fishes"), stems=("fish", "water"))
    assert conflicts(own, fact("diet", "Berries"), stems=("berr",))
    assert not conflicts(own, fact("diet", "Small fishes"), stems=("grass",))


def test_small_words_do_not_count() -> None:
    own = fact("diet", "Deer")
    assert not conflicts(own, fact("diet", "Nuts and seeds"), stems=("and", "the", "with"))


@pytest.mark.parametrize("form", ["diet", "part"])
def test_one_phrase_within_another_says_the_same(form: str) -> None:
    assert conflicts(fact(form, "Wild deer and boar"), fact(form, "Deer"))
    assert not conflicts(fact(form, "Wild deer"), fact(form, "Reindeer moss"))


def test_only_facts_of_the_same_form_are_compared() -> None:
    assert not conflicts(fact("weight", "9 kg", 9, 9), fact("weight_thing", "9 kg", 9, 9))


def test_a_value_of_any_fact_of_the_form_counts() -> None:
    own = truth(fact("part", "Drum"), fact("part", "Motor"))
    assert own.conflicts(FORMS["part"], fact("part", "Motor"))
    assert not own.conflicts(FORMS["part"], fact("part", "Bobbin"))


@given(
    st.sampled_from(sorted(FORMS)),
    st.tuples(st.text(min_size=1), st.floats(0.01, 1e4), st.floats(1, 9)),
    st.tuples(st.text(min_size=1), st.floats(0.01, 1e4), st.floats(1, 9)),
)
def test_nearness_is_mutual_and_a_value_is_near_itself(
    form: str, one: tuple[str, float, float], two: tuple[str, float, float]
) -> None:
    first = fact(form, one[0], one[1], one[1] * one[2])
    second = fact(form, two[0], two[1], two[1] * two[2])
    assert too_near(FORMS[form], first, first)
    assert too_near(FORMS[form], first, second) == too_near(FORMS[form], second, first)
