"""Wrong options are surely wrong, distinct, of the same kind, and give nothing away."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.records import ClassEntry
from imagewikiqa.qa.corpus.distractors import Candidate, choose, ring
from imagewikiqa.qa.corpus.facts import ClassFacts, Fact
from imagewikiqa.qa.corpus.forms import Form, load_forms
from imagewikiqa.qa.corpus.truth import Truth, too_near
from imagewikiqa.qa.leaks import LeakChecker, fold

FORMS: dict[str, Form] = {form.name: form for form in load_forms()}
CHECKER = LeakChecker([ClassEntry(id=f"c{n}", name=f"klass{n}") for n in range(60)])


def facts_of(
    number: int, form: str, *values: str, families: tuple[str, ...] = ("animal",), kind: str = "k"
) -> ClassFacts:
    found = tuple(
        Fact(form=form, value=value, key=fold(value), page="p", start=0, end=1) for value in values
    )
    return ClassFacts(
        id=f"c{number}", name="n", families=families, kinds=(kind,), facts=found, stems=()
    )


def around(form: str, subjects: list[ClassFacts], seed: int = 0) -> list[Candidate]:
    return ring([(one, fact) for one in subjects for fact in one.facts], seed)


def options(form: str, subject: ClassFacts, subjects: list[ClassFacts]) -> list[str] | None:
    turned = around(form, subjects)
    answer = next(one for one in turned if one.class_id == subject.id)
    chosen = choose(FORMS[form], answer, turned, Truth(subject), CHECKER)
    return None if chosen is None else [choice.text for choice in chosen]


def animals(*values: str) -> list[ClassFacts]:
    return [facts_of(number, "diet", value) for number, value in enumerate(values)]


def test_three_others_are_chosen_and_never_the_same_value() -> None:
    subjects = animals("Deer", "Ants", "ants", "Deer", "Moss", "Plankton")
    chosen = options("diet", subjects[0], subjects)
    assert chosen is not None and sorted(map(str.lower, chosen)) == ["ants", "moss", "plankton"]


def test_fewer_than_three_sure_options_give_none() -> None:
    subjects = animals("Deer", "Ants", "ants", "Deer", "Moss")
    assert options("diet", subjects[0], subjects) is None


def test_values_that_crowd_each_other_are_not_options_together() -> None:
    subjects = [
        facts_of(n, "native_range", value)
        for n, value in enumerate(["Japan", "Africa", "Kenya", "Egypt", "Brazil", "Peru"])
    ]
    chosen = options("native_range", subjects[0], subjects)
    assert chosen is not None and not {"Africa", "Kenya"} <= set(chosen)
    assert not {"Africa", "Egypt"} <= set(chosen)


def test_a_value_that_crowds_all_others_is_passed_over_wherever_it_stands() -> None:
    values = ["Brazil", "Africa", "Kenya", "Ghana", "Mali"]  # only the last three go together
    for shift in range(20):
        subjects = [facts_of(shift + n, "native_range", value) for n, value in enumerate(values)]
        chosen = options("native_range", subjects[0], subjects)
        assert chosen is not None and sorted(chosen) == ["Ghana", "Kenya", "Mali"]


def test_options_that_give_the_class_away_are_left_out() -> None:
    subjects = animals("Deer", "Ants", "Eggs of a klass0", "Moss", "Plankton")
    chosen = options("diet", subjects[0], subjects)
    assert chosen is not None and "Eggs of a klass0" not in chosen


def test_kin_of_the_same_shape_come_first() -> None:
    kin = [
        facts_of(n, "made_of", value) for n, value in enumerate(["Wood", "Iron", "Clay", "Jute"])
    ]
    far = [
        facts_of(10 + n, "made_of", value, families=("food",))
        for n, value in enumerate(["Rice", "Milk", "Salt", "Corn", "Oats"])
    ]
    chosen = options("made_of", kin[0], [*kin, *far])
    assert chosen is not None and sorted(chosen) == ["Clay", "Iron", "Jute"]
    without = options("made_of", kin[0], [*kin[:3], *far])
    assert without is not None and {"Clay", "Iron"} < set(without)


def test_makers_of_the_same_kind_of_thing_may_make_this_one_too() -> None:
    form = "manufacturer"
    assert FORMS[form].apart
    ovens = [facts_of(n, form, value, kind="oven") for n, value in enumerate(["A", "B", "C", "D"])]
    cars = [facts_of(9 + n, form, value, kind="car") for n, value in enumerate(["X", "Y", "Z"])]
    chosen = options(form, ovens[0], [*ovens, *cars])
    assert chosen is not None and sorted(chosen) == ["X", "Y", "Z"]
    assert options(form, ovens[0], ovens) is None


@given(st.permutations(range(8)), st.integers(0, 5))
def test_the_order_of_classes_changes_nothing(order: list[int], seed: int) -> None:
    subjects = animals("Deer", "Ants", "Moss", "Plankton", "Fish", "Fruit", "Bark", "Seeds")
    shuffled = [subjects[at] for at in order]
    assert around("diet", shuffled, seed) == around("diet", subjects, seed)


@given(st.sets(st.integers(1, 29), min_size=3))
def test_more_classes_never_lose_a_question(kept: set[int]) -> None:
    places = """Japan Asia Kenya Africa Brazil Peru Europe France Italy Spain Mexico Canada Alaska
    India Nepal China Egypt Mali Ghana Chile Cuba Oceania Fiji Hawaii Eurasia Americas Arctic Texas
    Siberia Russia""".split()
    every = [facts_of(n, "native_range", place) for n, place in enumerate(places)]
    few = options("native_range", every[0], [every[0], *(every[n] for n in sorted(kept))])
    if few is not None:
        assert options("native_range", every[0], every) is not None


@given(
    st.lists(
        st.sampled_from("Ab Abc Deer Ants Moss Fish Fruit Bark Seeds Wood Eggs".split()),
        min_size=4,
        max_size=20,
    )
)
def test_any_choice_is_three_sure_wrong_options(values: list[str]) -> None:
    subjects = animals(*values)
    chosen = options("diet", subjects[0], subjects)
    if chosen is None:
        assert len(set(values)) < 4
        return
    assert len({values[0], *chosen}) == 4


def test_every_value_of_a_ring_is_wrong_about_as_often_as_the_others() -> None:
    values = [f"{first}{second}" for first in "bdfgklmn" for second in ("arn", "eet", "ool", "ish")]
    subjects = animals(*values)
    counts: Counter[str] = Counter()
    for subject in subjects:
        counts.update(options("diet", subject, subjects) or [])
    assert set(counts.values()) == {3}


@pytest.mark.parametrize("form", ["litter", "weight", "invented"])
def test_measured_options_do_not_overlap(form: str) -> None:
    subjects = [
        facts_of(n, form).model_copy(
            update={
                "facts": (
                    Fact(
                        form=form, value=f"{n} x", key=f"{n} x", low=1.2**n, high=1.5 * 1.2**n,
                        page="p", start=0, end=1,
                    ),
                )
            }
        )
        for n in range(40)
    ]  # fmt: skip
    turned = around(form, subjects)
    chosen = 0
    for answer in turned:
        subject = next(one for one in subjects if one.id == answer.class_id)
        picked = choose(FORMS[form], answer, turned, Truth(subject), CHECKER)
        if picked is None:
            continue
        chosen += 1
        shown = [answer.fact] + [
            one.fact for text in picked for one in turned if one.fact.value == text.text
        ]
        assert len(shown) == 4
        assert not any(
            too_near(FORMS[form], one, two) for n, one in enumerate(shown) for two in shown[:n]
        )
    assert chosen >= 30
