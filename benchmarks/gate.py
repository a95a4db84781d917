"""The gate over the released half of ImageWikiQA, seen by our guessers and by other learners.

The others share no code with the gate: forests and boosted trees on plain counts, and a logistic
regression on TF-IDF of letter n-grams; all cross-validated with whole classes held out.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from benchmarks._report import DATA, Result, needs, parser
from imagewikiqa.core.intervals import Interval, clustered_interval
from imagewikiqa.qa.audit.load import load
from imagewikiqa.qa.audit.questions import ClassNames, group
from imagewikiqa.qa.audit.records import AuditQuestion
from imagewikiqa.qa.gate import gate
from imagewikiqa.qa.gate_report import figures, identity

HALF = "imagewikiqa_half"
FOLDS = 10


def counts(question: AuditQuestion) -> list[list[float]]:
    """Return plain numbers of each option: characters, words, marks, and how they compare."""
    texts = question.choices
    mean = sum(map(len, texts)) / len(texts)
    asked = set(question.question.lower().split())
    return [
        [len(t), len(t.split()), len(t) / mean, sum(len(o) > len(t) for o in texts), t.count(","),
         sum(map(str.isdigit, t)), sum(map(str.isupper, t)), len(asked & {*t.lower().split()}),
         len(question.question)]
        for t in texts
    ]  # fmt: skip


def learner(name: str) -> Any:
    """Return a fresh learner of a name."""
    from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    if name == "random forest":
        return RandomForestClassifier(300, min_samples_leaf=5, random_state=0)
    if name == "boosted trees":
        return GradientBoostingClassifier(learning_rate=0.05, subsample=0.7, random_state=0)
    words = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), min_df=2, sublinear_tf=True)
    return make_pipeline(words, LogisticRegression(C=3.0, max_iter=500))


LEARNERS = ("random forest", "boosted trees", "TF-IDF of letters")


def accuracy(name: str, questions: Sequence[AuditQuestion]) -> Interval:
    """Return how often a learner is right on classes that it has not seen; ties share credit."""
    from sklearn.model_selection import GroupKFold

    classes = [one.class_id for one in questions]
    rows: list[list[Any]] = [
        list(one.choices) if name == LEARNERS[2] else counts(one) for one in questions
    ]
    right = [[int(at == one.answer) for at in range(len(one.choices))] for one in questions]
    earned = [0.0] * len(questions)
    split = GroupKFold(FOLDS, shuffle=True, random_state=0)
    for train, test in split.split(classes, groups=classes):
        model = learner(name)
        model.fit([row for i in train for row in rows[i]], [y for i in train for y in right[i]])
        for i in test:
            scores = np.round(model.predict_proba(rows[i])[:, 1], 9)
            best = scores == scores.max()
            earned[i] = float(best[questions[i].answer] / best.sum())
    return clustered_interval(earned, classes)


def main() -> int:
    """Print what was kept, every guess before and after, and ten questions dropped."""
    options = parser().parse_args()
    if not needs("gate", DATA / HALF):
        return 0
    questions = group(load(DATA / HALF / f"{HALF}.jsonl").rows, ClassNames.of([]))
    found = gate(questions, identity=identity)
    others = {
        name: (accuracy(name, questions), accuracy(name, found.kept)) for name in LEARNERS
    }  # fmt: skip
    told = figures(found)
    if options.json:
        result = Result(
            name="gate", unit="questions kept of the most that could be", ours=len(found.kept),
            others={"most": found.most},
            exact={f"{n} {when}": round(one.estimate, 4) for n, pair in others.items()
                   for when, one in zip(("before", "after"), pair, strict=True)},
        )  # fmt: skip
        sys.stdout.write(json.dumps({**asdict(result), "ratios": result.ratios, **told}) + "\n")
        return 0
    sys.stdout.write(f"kept {len(found.kept)} of {len(questions)}, at most {found.most}\n\n")
    sys.stdout.write("| guess | before | after |\n|---|---|---|\n")
    pairs = {b.name: (b.interval, a.interval)
             for b, a in zip(found.before, found.after, strict=True)} | others  # fmt: skip
    for name, (before, after) in pairs.items():
        sys.stdout.write(f"| {name} | {_text(before)} | {_text(after)} |\n")
    sys.stdout.write("\n| question | right option | reason | guessed by |\n|---|---|---|---|\n")
    for one in found.dropped[:10]:
        cells = (one.question.question, one.question.right, one.reason, ", ".join(one.guessed_by))
        sys.stdout.write(f"| {' | '.join(cells)} |\n")
    return 0


def _text(one: Interval) -> str:
    mark = "" if one.holds(0.25) else " *"
    return f"{100 * one.estimate:.1f} ({100 * one.low:.1f} to {100 * one.high:.1f}){mark}"


if __name__ == "__main__":
    raise SystemExit(main())
