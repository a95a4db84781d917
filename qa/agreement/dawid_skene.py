"""The consensus of Dawid and Skene (1979): raters err each in their own way, EM finds out how."""

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from imagewikiqa.qa.agreement.votes import Votes, categories, raters

Array = NDArray[np.float64]
MOST_STEPS = 1000
ENOUGH = 1e-9  # gain in log-likelihood below which EM stops


@dataclass(frozen=True, slots=True)
class Fit:
    """A fit over U units, R raters and C categories."""

    posterior: Array  # U x C: how likely each category is the true one of a unit
    prior: Array  # C: share of each true category
    errors: Array  # R x C x C: given the true category (row), how a rater answers (column)
    likelihoods: tuple[float, ...]  # log-likelihood at each step; it never falls unsmoothed


@dataclass(frozen=True, slots=True)
class Consensus:
    """A fit with its names: rows and columns stand in these orders."""

    units: tuple[str, ...]
    raters: tuple[str, ...]
    categories: tuple[Hashable, ...]
    fit: Fit

    def winners(self) -> dict[str, Hashable | None]:
        """Return the most likely category of each unit; None where two are equally likely."""
        return {
            unit: self._winner(row)
            for unit, row in zip(self.units, self.fit.posterior, strict=True)
        }

    def _winner(self, row: Array) -> Hashable | None:
        order = np.argsort(-row, kind="stable")
        if len(row) > 1 and row[order[0]] - row[order[1]] < 1e-9:
            return None
        return self.categories[int(order[0])]


def dawid_skene(votes: Votes, smoothing: float = 0.0) -> Consensus | None:
    """Return the consensus of all units with an answer; None when there is none."""
    units = sorted(unit for unit, given in votes.items() if given)
    if not units:
        return None
    people, known = raters(votes), categories(votes)
    rows = {name: at for at, name in enumerate(people)}
    columns = {category: at for at, category in enumerate(known)}
    counts = np.zeros((len(units), len(people), len(known)))
    for at, unit in enumerate(units):
        for rater, category in votes[unit].items():
            counts[at, rows[rater], columns[category]] += 1
    return Consensus(tuple(units), tuple(people), tuple(known), fit_counts(counts, smoothing))


def fit_counts(counts: Array, smoothing: float = 0.0) -> Fit:
    """Fit U x R x C counts: how often a rater put a unit into a category; repeats are allowed.

    EM starts from the share of each category among a unit's answers, as in the paper. `smoothing`
    adds that many answers to every cell of each rater's error counts; the paper has none. Every
    unit needs an answer: ValueError otherwise.
    """
    answers = counts.sum(axis=(1, 2))
    if not len(counts) or not answers.all():
        raise ValueError("Dawid and Skene's model needs an answer for every unit")
    posterior = counts.sum(axis=1) / answers[:, None]
    reached: list[float] = []
    while True:
        prior, errors = _maximise(counts, posterior, smoothing)
        posterior, likelihood = _expect(counts, prior, errors)
        reached.append(likelihood)
        settled = len(reached) > 1 and abs(reached[-1] - reached[-2]) < ENOUGH
        if settled or len(reached) == MOST_STEPS:
            return Fit(posterior, prior, errors, tuple(reached))


def _maximise(counts: Array, posterior: Array, smoothing: float) -> tuple[Array, Array]:
    """Return the prior and the error rates that suit the posterior best (paper's 2.3 and 2.4)."""
    weights = np.einsum("uc,ura->rca", posterior, counts) + smoothing
    totals = weights.sum(axis=2, keepdims=True)
    # A rater who met no unit of a category leaves that row open: all answers alike.
    errors = np.where(totals > 0, weights / np.where(totals > 0, totals, 1), 1 / counts.shape[2])
    return posterior.mean(axis=0), errors


def _expect(counts: Array, prior: Array, errors: Array) -> tuple[Array, float]:
    """Return the posterior (paper's 2.5) and the log-likelihood of the parameters."""
    with np.errstate(divide="ignore"):
        log_prior, log_errors = np.log(prior), np.log(errors)
    logs = np.tile(log_prior, (len(counts), 1))
    for rater in range(counts.shape[1]):
        for answer in range(counts.shape[2]):
            given = counts[:, rater, answer]
            asked = given > 0  # 0 times log 0 is 0 here
            logs[asked] += given[asked, None] * log_errors[rater, :, answer]
    top = logs.max(axis=1, keepdims=True)
    shares = np.exp(logs - top)
    sums = shares.sum(axis=1, keepdims=True)
    return shares / sums, float((top + np.log(sums)).sum())
