"""A guesser that reads the options and nothing else: words and letters, no question, no image."""

from collections.abc import Sequence
from zlib import crc32

import numpy as np

from imagewikiqa.qa.surface import Choosable, Floats, folds, shared_credit
from imagewikiqa.qa.surface_features import WORD

BUCKETS = 1024  # n-grams are hashed: two that share a bucket share a weight
RIDGE = 1.0
STEPS = 30  # of conjugate gradients, on a well-conditioned problem


def lexical_credits(questions: Sequence[Choosable]) -> list[float]:
    """Return what a guesser by words and letter 3-grams earns with each class held out.

    A ridge regression tells right options from wrong ones; an option's counts are scaled to unit
    length and centred within its question, so that length itself says little. Ties share credit;
    with one class nothing can be learnt and every option ties. Raises ValueError on no questions.
    """
    clusters = [one.class_id for one in questions]
    owner = np.array([i for i, one in enumerate(questions) for _ in one.choices])
    data = np.vstack([_rows(one.choices) for one in questions])
    target = np.concatenate([_target(one) for one in questions])
    held = folds(clusters)[owner]
    scores = np.zeros(len(owner))
    for fold in range(int(held.max()) + 1 if len(set(clusters)) > 1 else 0):
        train = held != fold
        scores[~train] = data[~train] @ _fit(data[train], target[train])
    starts = np.flatnonzero(np.diff(owner)) + 1
    return [
        shared_credit(part.round(6).tolist(), one.answer)
        for part, one in zip(np.split(scores, starts), questions, strict=True)
    ]


def _rows(choices: Sequence[str]) -> Floats:
    """Return one hashed, scaled and centred row per option."""
    rows = np.zeros((len(choices), BUCKETS))
    for row, text in zip(rows, choices, strict=True):
        folded = text.casefold()
        padded = f" {folded} "
        parts = {*WORD.findall(folded), *(padded[i : i + 3] for i in range(len(padded) - 2))}
        for part in parts:
            row[crc32(part.encode("utf-8", "surrogatepass")) % BUCKETS] += 1
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
    centred: Floats = rows - rows.mean(axis=0)
    return centred


def _target(question: Choosable) -> Floats:
    count = len(question.choices)
    wanted = np.full(count, -1 / count)
    wanted[question.answer] += 1
    return wanted


def _fit(data: Floats, target: Floats) -> Floats:
    """Return the ridge weights, by conjugate gradients (Hestenes and Stiefel 1952)."""
    weights: Floats = np.zeros(data.shape[1])
    residual = data.T @ target
    direction, size = residual, float(residual @ residual)
    for _ in range(STEPS):
        if size < 1e-12:
            break
        moved = data.T @ (data @ direction) + RIDGE * direction
        step = size / float(direction @ moved)
        weights = weights + step * direction
        residual = residual - step * moved
        after = float(residual @ residual)
        direction, size = residual + after / size * direction, after
    return weights
