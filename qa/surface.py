"""How far the look of the options gives the answer away: length rules and a small guesser."""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from imagewikiqa.core.digests import keyed_int
from imagewikiqa.core.intervals import Interval, clustered_interval, uniformity
from imagewikiqa.qa.surface_features import Vocabulary, features

FOLDS = 10
RIDGE = 5.0
STEPS = 12  # Newton on a convex loss: converged long before
UNEVEN = 0.01
# Training sets overlap, so a plain 95% interval held chance in 92 of 100 chance data sets;
# drawn at this level it holds it in 95.
CALIBRATED = 0.98
Floats = NDArray[np.float64]


class Choosable(Protocol):
    """A multiple-choice question; core.records.Question is one."""

    @property
    def class_id(self) -> str:
        """Return the class: what intervals and folds are grouped by."""

    @property
    def question(self) -> str:
        """Return the text of the question, without its options."""

    @property
    def choices(self) -> Sequence[str]:
        """Return the options as shown."""

    @property
    def answer(self) -> int:
        """Return the index of the right option."""


def longest_credit(choices: Sequence[str], answer: int) -> float:
    """Return what picking the longest option earns: 1/k when k tie and one is right, else 0."""
    lengths = [len(text) for text in choices]
    return shared_credit([float(n) for n in lengths], answer)


def shortest_credit(choices: Sequence[str], answer: int) -> float:
    """Return what picking the shortest option earns: 1/k when k tie and one is right, else 0."""
    return shared_credit([-float(len(text)) for text in choices], answer)


def longest_accuracy(questions: Sequence[Choosable]) -> Interval:
    """Return how often the longest option (in characters) is right, clustered by class."""
    earned = [longest_credit(q.choices, q.answer) for q in questions]
    return clustered_interval(earned, [q.class_id for q in questions])


def shortest_accuracy(questions: Sequence[Choosable]) -> Interval:
    """Return how often the shortest option (in characters) is right, clustered by class."""
    earned = [shortest_credit(q.choices, q.answer) for q in questions]
    return clustered_interval(earned, [q.class_id for q in questions])


def surface_accuracy(questions: Sequence[Choosable]) -> Interval:
    """Return the accuracy of a text-blind guesser, cross-validated over classes.

    A conditional logit with a fixed ridge scores each option by surface_features; ten folds
    hold whole classes out, assigned by keyed hash, so the figure is the same on every machine.
    Position enters only where the letters are unevenly used (chi-squared p < 0.01): in a
    balanced set each training fold would mirror the held-out one and land below chance.
    Ties share credit. With one class there is nothing to train on, so every option ties.
    Raises ValueError on no questions.
    """
    earned = surface_credits(questions)
    return clustered_interval(earned, [q.class_id for q in questions], CALIBRATED)


def surface_credits(questions: Sequence[Choosable]) -> list[float]:
    """Return what that guesser earns on each question while its class is held out."""
    clusters = [q.class_id for q in questions]
    data, held = design(questions), folds(clusters)
    answers = np.array([q.answer for q in questions])
    sizes = np.array([len(q.choices) for q in questions])
    scores = np.zeros(data.shape[:2])
    for fold in range(int(held.max()) + 1 if len(set(clusters)) > 1 else 0):
        train, test = held != fold, held == fold
        weights = _fit(data[train], answers[train], sizes[train])
        scores[test] = data[test] @ weights
    return [
        shared_credit(scores[i, : sizes[i]].round(9).tolist(), int(answers[i]))
        for i in range(len(questions))
    ]


def shared_credit(scores: Sequence[float], answer: int) -> float:
    """Return what picking the option of the best score earns: 1/k when k tie and one is right."""
    best = max(scores)
    return 1 / scores.count(best) if scores[answer] == best else 0.0


def folds(clusters: Sequence[str]) -> NDArray[np.int64]:
    """Return the fold of each question: whole classes, dealt out in a keyed order."""
    order = sorted(set(clusters), key=lambda name: (keyed_int("surface fold", name), name))
    fold = {name: i % FOLDS for i, name in enumerate(order)}
    return np.array([fold[name] for name in clusters], dtype=np.int64)


def design(questions: Sequence[Choosable]) -> Floats:
    """Return features [question, option, feature], centred within each question, unit scale."""
    vocabulary = Vocabulary([q.choices for q in questions])
    width = max(len(q.choices) for q in questions)
    rows = [np.array(features(q.question, q.choices, vocabulary)) for q in questions]
    if _letters_uneven(questions):
        rows = [np.hstack([row, np.eye(len(row), width)]) for row in rows]
    data = np.zeros((len(rows), width, rows[0].shape[1]))
    for i, row in enumerate(rows):
        data[i, : len(row)] = row - row.mean(axis=0)
    # No label enters the scale, so it may come from all rows, held-out ones included.
    spread = np.sqrt((data**2).sum(axis=(0, 1)) / sum(map(len, rows)))
    scaled: Floats = np.divide(data, spread, out=np.zeros_like(data), where=spread > 1e-12)
    return scaled


def _letters_uneven(questions: Sequence[Choosable]) -> bool:
    width = min(len(q.choices) for q in questions)
    used = Counter(q.answer for q in questions)
    return uniformity([used[i] for i in range(width)]) < UNEVEN


def _fit(data: Floats, answers: NDArray[np.int64], sizes: NDArray[np.int64]) -> Floats:
    """Return the weights that maximise the penalised likelihood of the right options."""
    absent = np.arange(data.shape[1])[None, :] >= sizes[:, None]
    right = data[np.arange(len(data)), answers]
    weights: Floats = np.zeros(data.shape[2])
    for _ in range(STEPS):
        scores = np.where(absent, -np.inf, data @ weights)
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        expected = np.einsum("qo,qof->qf", shares, data)
        gradient = (right - expected).sum(axis=0) - RIDGE * weights
        weighted = shares[:, :, None] * (data - expected[:, None, :])
        curvature = np.einsum("qof,qog->fg", weighted, data, optimize=True)
        weights += np.linalg.solve(curvature + RIDGE * np.eye(len(weights)), gradient)
    return weights
