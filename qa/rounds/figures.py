"""The figures of a round: accuracy, agreement, consensus, raters, time. All of it is JSON."""

from collections import Counter
from collections.abc import Hashable, Sequence
from statistics import median
from typing import Any

from imagewikiqa.qa.agreement.alpha import krippendorff_alpha
from imagewikiqa.qa.agreement.consensus import majority
from imagewikiqa.qa.agreement.dawid_skene import dawid_skene
from imagewikiqa.qa.agreement.enough import learning_curve
from imagewikiqa.qa.agreement.kappa import cohen_kappas, fleiss_kappa
from imagewikiqa.qa.rounds.ballots import NONE, SEVERAL, Ballots, join
from imagewikiqa.qa.rounds.rater_table import accuracy, confusion, rate, rater_rows
from imagewikiqa.qa.rounds.records import FLAGS, Answer, Subject
from imagewikiqa.qa.rounds.reviews import review_figures

SPANS = ((3, "under 3 s"), (10, "3 to 10 s"), (20, "10 to 20 s"), (30, "20 to 30 s"),
         (60, "30 to 60 s"), (120, "1 to 2 min"), (300, "2 to 5 min"))  # fmt: skip
LONGEST = "over 5 min"
# Raters who answer a few hundred questions leave free error rates fitting noise: unsmoothed, the
# consensus of simulated rounds of 60 questions is no better than a majority; with 1 it is.
SMOOTHING = 1.0
ANOTHER, NONE_RIGHT, SEVERAL_RIGHT, TIE, SOME = (
    "another option was chosen", "no option was found right", "several were found right",
    "no majority", "some disagree",
)  # fmt: skip
REASONS = (ANOTHER, NONE_RIGHT, SEVERAL_RIGHT, TIE, SOME, "")  # the gravest first


def round_figures(subjects: Sequence[Subject], answers: Sequence[Answer]) -> dict[str, Any]:
    """Return the figures of a round, the same for any order of the answers.

    Gold answers count only in the table of raters; a skipped task is a missing answer; 'none of
    these is right' is a category of its own and never right. What cannot be computed is None, and
    `sentences` says why. Raises ToolkitError on answers that do not fit the subjects and
    MissingExtraError without statsmodels.
    """
    ballots = join(subjects, answers)
    sizes = Counter(len(given) for given in ballots.votes.values() if given)
    found = {
        "kind": ballots.kind,
        "questions": sum(one.origin != "gold" for one in subjects),
        "answered_questions": sizes.total(),
        "answers": len(ballots.graded),
        "gold_answers": len(ballots.gold),
        "skipped": len(ballots.skipped),
        "answers_per_question": {str(size): sizes[size] for size in sorted(sizes)},
        "accuracy": accuracy(ballots, ballots.graded),
        "majority": _majority(ballots),
        **_agreement(ballots),
        "dawid_skene": _dawid_skene(ballots),
        "enough": [step.model_dump() for step in learning_curve(ballots.votes, _keys(ballots))],
        "confusion": confusion(ballots, ballots.graded),
        "raters": rater_rows(ballots),
        "seconds": _seconds(ballots),
        "flags": _flags(ballots),
        "review": review_figures(ballots) if ballots.kind == "review" else None,
        "by_question": _by_question(ballots),
    }
    return {**found, "sentences": _sentences(found)}


def _keys(ballots: Ballots) -> dict[str, str]:
    return {question: ballots.key(question) for question in ballots.votes}


def _majority(ballots: Ballots) -> dict[str, Any]:
    """Return how often the majority is the key; a tie is not right."""
    winners = {question: majority(given) for question, given in ballots.votes.items() if given}
    return {"accuracy": _share(ballots, winners), "ties": list(winners.values()).count(None)}


def _share(ballots: Ballots, winners: dict[str, Any]) -> dict[str, Any] | None:
    return rate(
        [float(winner == ballots.key(question)) for question, winner in winners.items()],
        [ballots.class_of(question) for question in winners],
    )


def _agreement(ballots: Ballots) -> dict[str, Any]:
    clusters = {question: ballots.class_of(question) for question in ballots.votes}
    fleiss, pairs = fleiss_kappa(ballots.votes), cohen_kappas(ballots.votes)
    known = [pair.kappa for pair in pairs if pair.kappa is not None]
    return {
        "alpha": krippendorff_alpha(ballots.votes, clusters).model_dump(),
        "fleiss": fleiss.model_dump() if fleiss else None,
        "cohen_mean": sum(known) / len(known) if known else None,
        "cohen": [pair.model_dump() for pair in pairs],
    }


def _dawid_skene(ballots: Ballots) -> dict[str, Any]:
    """Compare the consensus that weighs raters with the majority, which does not."""
    found = dawid_skene(ballots.votes, SMOOTHING)
    winners = found.winners() if found else {}
    return {
        "accuracy": _share(ballots, winners),
        "unlike_majority": sum(
            winner != majority(ballots.votes[question]) for question, winner in winners.items()
        ),
        "undecided": list(winners.values()).count(None),
    }


def _seconds(ballots: Ballots) -> dict[str, Any]:
    taken = [one.seconds for one in ballots.graded if one.seconds is not None]
    spans = Counter(next((name for end, name in SPANS if one < end), LONGEST) for one in taken)
    return {
        "answers": len(taken),
        "median": median(taken) if taken else None,
        "spans": {name: spans[name] for name in (*(name for _, name in SPANS), LONGEST)},
    }


def _flags(ballots: Ballots) -> dict[str, Any]:
    """Return for each flag the accuracy of answers with it and of those without."""
    return {
        flag: {
            "with": accuracy(ballots, [one for one in ballots.graded if flag in one.flags]),
            "without": accuracy(ballots, [one for one in ballots.graded if flag not in one.flags]),
        }
        for flag in (FLAGS[ballots.kind] if ballots.kind else ())
    }


def _by_question(ballots: Ballots) -> list[dict[str, Any]]:
    """Return every answered question, what needs a look first: by reason, then by votes against."""
    rows = [_question(ballots, question) for question, given in ballots.votes.items() if given]
    return sorted(
        rows, key=lambda row: (REASONS.index(row["reason"]), row["for_key"], row["question_id"])
    )


def _question(ballots: Ballots, question: str) -> dict[str, Any]:
    counts = Counter(ballots.votes[question].values())
    key, winner = ballots.key(question), majority(ballots.votes[question])
    reasons: dict[Hashable, str] = {None: TIE, NONE: NONE_RIGHT, SEVERAL: SEVERAL_RIGHT, key: ""}
    reason = reasons.get(winner, ANOTHER)
    return {
        "question_id": question,
        "key": key,
        "votes": dict(sorted(counts.items())),
        "majority": winner,
        "for_key": counts[key] / counts.total(),
        "reason": reason or (SOME if len(counts) > 1 else ""),
    }


def _sentences(found: dict[str, Any]) -> list[str]:
    """Say in plain words what could not be computed, and why."""
    if not found["answers"]:
        return ["There is no answer yet: run verify pull when raters have answered."]
    said, alpha = [], found["alpha"]
    if sum(row["answers"] > 0 for row in found["raters"]) == 1:
        said.append("Only one rater has answered, so nothing can be said of agreement.")
    elif not alpha["units"]:
        said.append("No question has two answers, so nothing can be said of agreement.")
    elif alpha["alpha"] is None:
        said.append("All answers are the same letter, so alpha and the kappas have no value.")
    elif alpha["low"] is None:
        said.append("Alpha has no interval: its classes are too few or all alike.")
    if not found["gold_answers"]:
        said.append("No gold question was answered, so raters are not measured against sure keys.")
    if not found["seconds"]["answers"]:
        said.append("The server reported no times.")
    return said
