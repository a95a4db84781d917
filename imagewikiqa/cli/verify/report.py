"""`imagewikiqa verify report`: what the answers of a round say, as figures and as a page."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imagewikiqa.cli.output import show
from imagewikiqa.cli.verify.apply import votes_of
from imagewikiqa.cli.verify.pull import REJECTS
from imagewikiqa.core.records import Reject
from imagewikiqa.core.runs import held_run
from imagewikiqa.core.tables import read_table
from imagewikiqa.qa.rounds.plan import Round
from imagewikiqa.qa.rounds.report import write_round_report
from imagewikiqa.qa.rounds.report_tables import number, percent, spread
from imagewikiqa.qa.rounds.verdicts import verdicts


def run_report(folder: Path, *, as_json: bool = False) -> None:
    """Write report.html, report.md, agreement.json and plots/ of a round."""
    the_round = Round(folder)
    with held_run(folder):
        answered = votes_of(the_round)
        rejects = list(read_table(folder / REJECTS, Reject))
        said = [] if answered.kind == "picture" else verdicts([answered])
        found = write_round_report(
            folder, answered.subjects, answered.answers, rejects, verdicts=said
        )
    show(found if as_json else _short(found, folder), as_json)


def _short(found: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    fleiss = found["fleiss"]
    return {
        "answers": found["answers"],
        "questions_answered": f"{found['answered_questions']} of {found['questions']}",
        "answers_right": percent(found["accuracy"]),
        "majority_right": percent(found["majority"]["accuracy"]),
        "dawid_skene_right": percent(found["dawid_skene"]["accuracy"]),
        "krippendorffs_alpha": spread(found["alpha"]),
        "fleiss_kappa": number(fleiss["kappa"] if fleiss else None),
        "cohens_kappa_mean": number(found["cohen_mean"]),
        "verdicts": found["verdicts"]["counts"],
        "notes": " ".join(found["sentences"]),
        "report": str(folder / "report.html"),
    }
