"""Alpha equals the published examples and keeps its promises on any votes."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.qa.agreement.alpha import exact_alpha, krippendorff_alpha
from imagewikiqa.qa.agreement.votes import Votes
from tests.qa.agreement.published import KRIPPENDORFF_A, KRIPPENDORFF_B, KRIPPENDORFF_C
from tests.qa.agreement.published import Votes as Lists

RATERS = ("ann", "bo", "cy", "di")
ANY_VOTES = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=2),
    st.dictionaries(st.sampled_from(RATERS), st.sampled_from("ABCD-"), max_size=4),
    max_size=9,
)


# Krippendorff, Computing Krippendorff's Alpha-Reliability (2011). Printed: .095, .692, .743; the
# fractions come from his coincidence counts: 1 - (n - 1) * unequal / (n * n - sum of squares).
@pytest.mark.parametrize(
    ("votes", "exact", "printed"),
    [
        (KRIPPENDORFF_A, 1 - Fraction(19 * 8, 20 * 20 - 14 * 14 - 6 * 6), 0.095),
        (KRIPPENDORFF_B, 1 - Fraction(23 * 6, 24 * 24 - 16 - 36 - 36 - 36 - 4), 0.692),
        (KRIPPENDORFF_C, 1 - Fraction(39 * 8, 40 * 40 - 81 - 169 - 100 - 25 - 9), 0.743),
    ],
)
def test_alpha_is_that_of_the_published_examples(
    votes: Lists, exact: Fraction, printed: float
) -> None:
    assert exact_alpha(votes) == exact
    assert float(exact) == pytest.approx(printed, abs=5e-4)
    assert krippendorff_alpha(votes).alpha == pytest.approx(float(exact), abs=1e-12)


def by_matrix(votes: Votes) -> Fraction | None:
    """Work alpha out the long way: a coincidence matrix over all ordered pairs of raters."""
    matrix: dict[tuple[object, object], Fraction] = {}
    for answers in votes.values():
        for a in answers:
            for b in answers:
                if a != b:
                    cell = (answers[a], answers[b])
                    matrix[cell] = matrix.get(cell, Fraction(0)) + Fraction(1, len(answers) - 1)
    margin: dict[object, Fraction] = {}
    for (row, _), count in matrix.items():
        margin[row] = margin.get(row, Fraction(0)) + count
    n = sum(margin.values(), Fraction(0))
    observed = sum((c for (a, b), c in matrix.items() if a != b), Fraction(0))
    expected = sum((margin[a] * margin[b] for a in margin for b in margin if a != b), Fraction(0))
    return 1 - (n - 1) * observed / expected if expected else None


@given(ANY_VOTES)
def test_alpha_equals_the_whole_coincidence_matrix(votes: Votes) -> None:
    assert exact_alpha(votes) == by_matrix(votes)


@given(ANY_VOTES, st.permutations(RATERS), st.permutations("ABCD-"))
def test_names_of_raters_categories_and_units_do_not_matter(
    votes: Votes, people: list[str], letters: list[str]
) -> None:
    rename = dict(zip(RATERS, people, strict=True)), dict(zip("ABCD-", letters, strict=True))
    other = {
        f"x{unit}": {rename[0][r]: rename[1][str(c)] for r, c in answers.items()}
        for unit, answers in reversed(list(votes.items()))
    }
    assert exact_alpha(other) == exact_alpha(votes)
    assert krippendorff_alpha(other) == krippendorff_alpha(votes)


@given(ANY_VOTES, st.sampled_from("ABCD-"))
def test_a_unit_with_one_answer_or_none_changes_nothing(votes: Votes, category: str) -> None:
    more = {**votes, "lone": {"ann": category}, "empty": {}}
    assert krippendorff_alpha(more, {"lone": "k"}) == krippendorff_alpha(votes)


@given(st.lists(st.sampled_from("ABC"), min_size=2), st.integers(2, 4))
def test_perfect_agreement_is_one_unless_there_is_one_category(keys: list[str], m: int) -> None:
    votes = {str(at): dict.fromkeys(RATERS[:m], key) for at, key in enumerate(keys)}
    found = krippendorff_alpha(votes)
    assert found.alpha == (1.0 if len(set(keys)) > 1 else None)
    assert (found.low, found.high) == (None, None)  # nothing varies


@pytest.mark.parametrize("votes", [{}, {"u": {}}, {"u": {"ann": "A"}, "v": {"bo": "B"}}])
def test_alpha_is_undefined_where_nothing_pairs(votes: Votes) -> None:
    found = krippendorff_alpha(votes)
    assert (found.alpha, found.units, found.values) == (None, 0, 0)


def test_the_interval_is_the_jackknife_over_clusters() -> None:
    clusters = {unit: int(unit[1:]) // 3 for unit in KRIPPENDORFF_C}
    whole = float(exact_alpha(KRIPPENDORFF_C) or 0)
    left = [
        float(exact_alpha({u: g for u, g in KRIPPENDORFF_C.items() if clusters[u] != c}) or 0)
        for c in range(4)
    ]
    mean = sum(left) / 4
    half = 3.182 * (3 / 4 * sum((one - mean) ** 2 for one in left)) ** 0.5
    found = krippendorff_alpha(KRIPPENDORFF_C, clusters)
    assert found.clusters == 4
    assert found.low == pytest.approx(whole - half, abs=2e-3)
    assert found.high == pytest.approx(min(1.0, whole + half), abs=2e-3)
