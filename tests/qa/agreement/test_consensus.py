"""The majority, and the fit of Dawid and Skene, on their own data and on any votes."""

from collections import Counter
from math import log, prod

import numpy as np
import pytest
from hypothesis import given, settings

from imagewikiqa.qa.agreement.consensus import majority
from imagewikiqa.qa.agreement.dawid_skene import Array, Fit, dawid_skene, fit_counts
from imagewikiqa.qa.agreement.votes import Votes
from tests.qa.agreement.published import DAWID_SKENE
from tests.qa.agreement.test_alpha import ANY_VOTES

OBSERVERS = (0, 0, 0, 1, 2, 3, 4)  # whose answer each digit of a row is


def anaesthetists() -> Array:
    counts = np.zeros((45, 5, 4))
    for patient, row in enumerate(DAWID_SKENE):
        for observer, digit in zip(OBSERVERS, row, strict=True):
            counts[patient, observer, int(digit) - 1] += 1
    return counts


def slowly(counts: Array, steps: int) -> tuple[list[list[float]], list[float], float]:
    """Run EM in plain Python, in products instead of logs: posterior, prior, log-likelihood."""
    units, people, known = (range(size) for size in counts.shape)
    posterior = [[float(counts[u, :, c].sum() / counts[u].sum()) for c in known] for u in units]
    likelihood = 0.0
    for _ in range(steps):
        prior = [sum(posterior[u][c] for u in units) / len(units) for c in known]
        joint = [[prior[c] for c in known] for _ in units]
        for r in people:
            for c in known:
                given = [sum(posterior[u][c] * counts[u, r, a] for u in units) for a in known]
                rates = [one / sum(given) for one in given]
                for u in units:
                    joint[u][c] *= prod(rates[a] ** counts[u, r, a] for a in known)
        posterior = [[one / sum(row) for one in row] for row in joint]
        likelihood = sum(log(sum(row)) for row in joint)
    return posterior, prior, likelihood


@pytest.fixture(scope="module")
def fitted() -> Fit:
    return fit_counts(anaesthetists())


def test_the_prior_is_that_of_the_paper(fitted: Fit) -> None:
    # Dawid and Skene (1979), section 4: p = .40, .42, .11, .07
    assert [round(float(share), 2) for share in fitted.prior] == [0.40, 0.42, 0.11, 0.07]


def test_the_fit_is_that_of_a_slow_reference(fitted: Fit) -> None:
    posterior, prior, likelihood = slowly(anaesthetists(), len(fitted.likelihoods))
    assert fitted.posterior == pytest.approx(np.array(posterior), abs=1e-6)
    assert fitted.prior == pytest.approx(np.array(prior), abs=1e-6)
    assert fitted.likelihoods[-1] == pytest.approx(likelihood, abs=1e-6)


def test_error_rates_and_prior_are_the_means_that_the_posterior_gives(fitted: Fit) -> None:
    counts = anaesthetists()
    assert fitted.prior == pytest.approx(fitted.posterior.mean(axis=0), abs=1e-4)
    for observer in range(5):
        weights = fitted.posterior.T @ counts[:, observer]
        rates = weights / weights.sum(axis=1, keepdims=True)
        assert fitted.errors[observer] == pytest.approx(rates, abs=1e-3)


@settings(deadline=None)
@given(ANY_VOTES)
def test_posteriors_sum_to_one_and_the_likelihood_never_falls(votes: Votes) -> None:
    found = dawid_skene(votes)
    if found is None:
        assert not any(votes.values())
        return
    fit = found.fit
    for shares in (fit.posterior, fit.prior, fit.errors):
        assert shares.sum(axis=-1) == pytest.approx(np.ones(shares.shape[:-1]))
    steps = np.diff(fit.likelihoods)
    assert (steps >= -1e-9).all()


@settings(deadline=None)
@given(ANY_VOTES)
def test_units_in_another_order_fit_the_same(votes: Votes) -> None:
    one, other = dawid_skene(votes), dawid_skene(dict(reversed(list(votes.items()))))
    if one is not None and other is not None:
        assert (one.fit.posterior == other.fit.posterior).all()


def test_a_careless_rater_is_outvoted_by_one_who_is_always_right() -> None:
    keys = "ABCD" * 10
    votes = {
        f"q{at:02}": {"sure": key, "good": key, "bad": "ABCD"[at // 4 % 4]}
        for at, key in enumerate(keys)
    }
    found = dawid_skene(votes)
    assert found is not None
    winners = found.winners()
    assert [winners[f"q{at:02}"] for at in range(40)] == list(keys)
    bad, sure = found.raters.index("bad"), found.raters.index("sure")
    assert found.fit.errors[sure].diagonal() == pytest.approx([1.0] * 4, abs=1e-3)
    assert found.fit.errors[bad].diagonal().mean() < 0.5


def test_a_unit_without_an_answer_is_refused() -> None:
    with pytest.raises(ValueError, match="an answer for every unit"):
        fit_counts(np.zeros((2, 2, 2)))


@pytest.mark.parametrize(
    ("answers", "expected"), [("AAB", "A"), ("AB", None), ("", None), ("B", "B"), ("AABBC", None)]
)
def test_the_majority_is_the_most_frequent_answer_unless_two_are(
    answers: str, expected: str | None
) -> None:
    assert majority({str(at): letter for at, letter in enumerate(answers)}) == expected


@given(ANY_VOTES)
def test_more_than_half_is_a_majority(votes: Votes) -> None:
    for given_ in votes.values():
        for category, count in Counter(given_.values()).items():
            if 2 * count > len(given_):
                assert majority(given_) == category


def test_smoothing_keeps_few_answers_from_being_fitted_as_certain_errors() -> None:
    votes: Votes = {"u": {"ann": "A", "bo": "A"}, "v": {"ann": "B", "bo": "B"}}
    plain, smoothed = dawid_skene(votes), dawid_skene(votes, 1.0)
    assert plain is not None
    assert smoothed is not None
    assert plain.fit.errors.max() == pytest.approx(1.0)
    assert 0.5 < smoothed.fit.errors.max() < 0.75  # one answer seen, two added
    assert smoothed.winners() == {"u": "A", "v": "B"}
