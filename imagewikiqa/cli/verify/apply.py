"""`imagewikiqa verify apply`: people's verdicts put into a run's set, as a new dataset folder."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from imagewikiqa.cli.config import Closed
from imagewikiqa.cli.job import class_list
from imagewikiqa.cli.output import show
from imagewikiqa.cli.outputs import hub_info, image_folder
from imagewikiqa.cli.settings import RebuildConfig, stored
from imagewikiqa.cli.small_job import finish, small_job
from imagewikiqa.cli.verify.sources import read_source
from imagewikiqa.core.digests import file_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import Item
from imagewikiqa.core.report.summary import Listing, Summary
from imagewikiqa.core.runs import Run
from imagewikiqa.core.tables import read_table, write_table
from imagewikiqa.qa.attribution import ATTRIBUTION, write_attribution
from imagewikiqa.qa.audit.run import audit
from imagewikiqa.qa.audit.write import write_audit
from imagewikiqa.qa.export import UPSTREAM, write_upstream
from imagewikiqa.qa.hub import write_hub
from imagewikiqa.qa.rounds.apply import Applied, apply_verdicts, check_texts
from imagewikiqa.qa.rounds.fixes import read_fixes, write_fixes
from imagewikiqa.qa.rounds.plan import ANSWERS, SUBJECTS, Round
from imagewikiqa.qa.rounds.records import Verdict
from imagewikiqa.qa.rounds.verdicts import RoundVotes, VerdictSettings, verdicts

VERDICTS = "verdicts.jsonl"
DROPPED = "dropped.jsonl"
RECOVERED = "recovered.jsonl"
FIXES = "fixes.csv"
TABLES = ("questions.jsonl", "items.jsonl", "pages.jsonl", VERDICTS, DROPPED, RECOVERED)


class ApplyConfig(Closed):
    """What decides a set that people looked at."""

    rounds: tuple[str, ...] = Field(min_length=1)
    run: str
    fixes: str | None = None
    verified_only: bool = False
    min_votes: int = Field(2, ge=1)
    share: float = Field(0.5, ge=0.5, lt=1)


def run_apply(settings: ApplyConfig, out: Path, *, as_json: bool = False) -> dict[str, Any]:
    """Write the set with its verdicts, its exports and its audit; return the figures.

    Rounds are given in their order: the last that holds a question decides it. Raises
    ToolkitError for a round that does not belong to the run, a picture round, or no question left.
    """
    source = Path(settings.run)
    found = read_source(source, disputed=True)
    made_with = stored(source)
    if made_with is None:
        raise ToolkitError(f"{source} holds no config.yaml: give the folder of a rebuild")
    folders = [Round(Path(one)) for one in settings.rounds]
    rounds = [votes_of(one) for one in folders]
    questions = {one.id: one.question for one in found.subjects if one.origin == "set"}
    check_texts(rounds, questions)
    rules = VerdictSettings(min_votes=settings.min_votes, share=settings.share)
    decided = {one.id: one for one in verdicts(rounds, rules)}
    to_fix = [v for v in decided.values() if v.verdict == "fix" and v.id in questions]
    fixes = read_fixes(Path(settings.fixes), [v.id for v in to_fix]) if settings.fixes else {}
    applied = apply_verdicts(
        list(questions.values()),
        list(read_table(source / "items.jsonl", Item)),
        decided,
        disputed=[one.question for one in found.subjects if one.origin == "disputed"],
        fixes=fixes,
        verified_only=settings.verified_only,
    )
    if not applied.items:
        raise ToolkitError("no question is left to release: pull more answers, or fix more")
    with small_job(
        out, "verify apply", settings, _inputs(settings, found.digests, folders),
        ("run", "fixes"), ("rounds",),
    ) as run:  # fmt: skip
        _write_set(run, applied, found.pages, made_with, _limit(source))
        write_table(out / VERDICTS, decided.values())
        write_fixes(out / FIXES, [(questions[v.id], v) for v in to_fix])
        checked = audit(out, classes=class_list(made_with.classes))
        write_audit(checked, out / "audit")
        told = _told(applied, decided, len(questions))
        told["letters"] = checked.summary.letters_questions
        told["audit"] = dict(Counter(checked.summary.verdicts.values()))
        finish(run, _summary(told, applied, decided), {"counts": told}, _data(out))
    show({"out": str(out), **told}, as_json)
    return told


def votes_of(the_round: Round) -> RoundVotes:
    """Return a round as far as verdicts need it."""
    plan = the_round.plan
    return RoundVotes(
        round=plan.round,
        kind=plan.kind,
        overlap=plan.overlap,
        subjects=the_round.subjects,
        answers=the_round.answers,
    )


def _inputs(
    settings: ApplyConfig, of_run: dict[str, str], folders: Sequence[Round]
) -> dict[str, str]:
    inputs = {f"run {name}": sha256 for name, sha256 in of_run.items()}
    for at, one in enumerate(folders, 1):
        inputs |= {f"round {at} {f}": file_digest(one.path / f) for f in (SUBJECTS, ANSWERS)}
    return inputs | ({"fixes": file_digest(Path(settings.fixes))} if settings.fixes else {})


def _limit(source: Path) -> int | None:
    """Return how many classes the run was limited to, for the command on the card."""
    told = json.loads((source / "run.json").read_text(encoding="utf-8"))
    limit = told.get("limit")
    return limit if isinstance(limit, int) else None


def _write_set(
    run: Run, applied: Applied, pages: dict[str, Any], settings: RebuildConfig, limit: int | None
) -> None:
    out, listed = run.path, list(pages.values())
    write_table(out / "questions.jsonl", applied.questions)
    write_table(out / "items.jsonl", applied.items)
    write_table(out / "pages.jsonl", listed)
    write_table(out / RECOVERED, applied.recovered)
    write_table(out / DROPPED, applied.dropped)
    write_upstream(
        out / UPSTREAM, applied.questions, applied.items, image_folder=image_folder(settings)
    )
    write_attribution(out / ATTRIBUTION, applied.questions, listed)
    write_hub(out / "hub", applied.questions, applied.items, listed, hub_info(settings, limit))


def _told(applied: Applied, decided: dict[str, Verdict], before: int) -> dict[str, Any]:
    every = decided.values()
    return {
        "questions_before": before,
        "questions": len(applied.questions),
        "items": len(applied.items),
        "verified": sum(
            o.human is not None and o.human.verdict != "open" for o in applied.questions
        ),
        "recovered": len(applied.recovered),
        "verdicts": dict(sorted(Counter(one.verdict for one in every).items())),
        "reasons": dict(sorted(Counter(f"{v.verdict}: {v.reason}" for v in every).items())),
        "dropped": dict(sorted(Counter(one.reason for one in applied.dropped).items())),
        "bad_images": sum(one.bad_image is not None for one in every),
    }


def _data(out: Path) -> list[Path]:
    named = [out / name for name in (*TABLES, UPSTREAM, ATTRIBUTION, FIXES)]
    hub = [file for file in sorted((out / "hub").rglob("*")) if file.is_file()]
    return named + hub + sorted((out / "audit").glob("*.json*"))


def _summary(told: dict[str, Any], applied: Applied, decided: dict[str, Verdict]) -> Summary:
    asked = {one.input: one.detail for one in applied.dropped}
    asked |= {one.id: f"{one.class_name}: {one.question}" for one in applied.questions}
    return Summary(
        title="A set that people looked at",
        eyebrow="Human verification",
        lead=(
            f"{told['questions']:,} of {told['questions_before']:,} questions stay,"
            f" {told['verified']:,} of them with people's votes. See audit/report.html: a set that"
            " lost questions may have lost the balance of its letters."
        ),
        figures={
            name.replace("_", " "): told[name]
            for name in ("questions", "items", "verified", "recovered", "bad_images")
        },
        counts={
            "Verdicts": told["verdicts"],
            "Reasons": told["reasons"],
            "Right letters": told["letters"],
        },
        listings=[
            Listing(
                title="Verdicts",
                heads=("Question", "Verdict", "Why", "Votes A B C D", "Comments"),
                rows=[
                    (
                        asked.get(v.id, v.id), v.verdict, v.reason,
                        " ".join(map(str, v.votes)), " / ".join(v.comments),
                    )
                    for v in decided.values()
                ],
                file=VERDICTS,
            ),
            Listing(
                title="Questions that left",
                heads=("Question", "Why"),
                rows=[(one.detail, one.reason) for one in applied.dropped],
                file=DROPPED,
            ),
        ],
        files={
            "questions.jsonl": "the set, with people's votes",
            FIXES: "what to correct: fill it in, then apply again with --fixes into a new folder",
            RECOVERED: "disputed drafts that people found good; they are not in the set",
            "audit/report.html": "the audit of what is left",
        },
    )  # fmt: skip
