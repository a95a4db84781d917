"""Kappas equal the published examples, and are None where they have no value."""

import sys
from collections import Counter
from fractions import Fraction
from math import comb

import pytest

from imagewikiqa.core.errors import MissingExtraError
from imagewikiqa.qa.agreement.kappa import cohen_kappas, fleiss_kappa
from tests.qa.agreement.published import COHEN, FLEISS_1971, FOURTEEN, counted, rows


def test_cohens_kappa_is_that_of_his_paper() -> None:
    pairs = [(a, b) for a in range(3) for b in range(3) for _ in range(COHEN[a][b])]
    (found,) = cohen_kappas(rows([a for a, _ in pairs], [b for _, b in pairs]))
    # .70 observed, .41 by chance (Cohen 1960); printed: .492
    assert found.kappa == pytest.approx(29 / 59, abs=1e-9)
    assert found.kappa == pytest.approx(0.492, abs=5e-4)
    assert found.units == 200
    assert found.agreed == pytest.approx(0.7)


def by_hand(table: list[list[int]]) -> Fraction:
    """Work Fleiss' kappa out as an exact fraction: pairs that agree, against squared shares."""
    m, n = sum(table[0]), len(table)
    agreed = Fraction(sum(comb(count, 2) for row in table for count in row), n * comb(m, 2))
    shares = [Fraction(sum(column), n * m) for column in zip(*table, strict=True)]
    chance = sum((share**2 for share in shares), Fraction(0))
    return (agreed - chance) / (1 - chance)


def test_fleiss_kappa_is_that_of_his_paper() -> None:
    table = [[Counter(row)[letter] for letter in "12345"] for row in FLEISS_1971]
    found = fleiss_kappa(counted(table))
    assert found is not None
    assert (found.answers, found.units) == (6, 30)
    assert found.kappa == pytest.approx(float(by_hand(table)), abs=1e-9)
    assert found.kappa == pytest.approx(0.430, abs=5e-4)


def test_fleiss_kappa_is_that_of_the_table_with_fourteen_raters() -> None:
    found = fleiss_kappa(counted(FOURTEEN))
    assert found is not None
    assert found.kappa == pytest.approx(float(by_hand([list(row) for row in FOURTEEN])), abs=1e-9)
    assert found.kappa == pytest.approx(0.210, abs=5e-4)


def test_raters_meet_only_where_both_answered() -> None:
    votes = rows("AAB.", "ABB.", "...A")
    (found,) = cohen_kappas(votes)
    assert (found.first, found.second, found.units) == ("r0", "r1", 3)


def test_fleiss_kappa_rests_on_the_most_frequent_number_of_answers() -> None:
    found = fleiss_kappa(rows("AABBA", "ABBBA", "..AB."))
    assert found is not None
    assert (found.answers, found.units) == (2, 3)


def test_one_category_only_has_no_kappa() -> None:
    votes = rows("AAA", "AAA")
    assert cohen_kappas(votes)[0].kappa is None
    found = fleiss_kappa(votes)
    assert found is not None
    assert found.kappa is None


def test_single_answers_have_no_kappa() -> None:
    assert fleiss_kappa(rows("AB..", "..AB")) is None
    assert cohen_kappas(rows("AB..", "..AB")) == []


def test_without_statsmodels_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "statsmodels.stats", None)
    with pytest.raises(MissingExtraError, match=r"imagewikiqa\[verify\]"):
        cohen_kappas(rows("AB", "AB"))
