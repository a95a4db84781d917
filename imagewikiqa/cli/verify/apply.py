"""`imagewikiqa verify apply`: the set that people leave, released with their votes."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from imagewikiqa import __version__
from imagewikiqa.cli.config import Closed, resolve_as
from imagewikiqa.cli.job import class_list
from imagewikiqa.cli.output import show
from imagewikiqa.cli.outputs import hub_info, image_folder
from imagewikiqa.cli.settings import RebuildConfig
from imagewikiqa.cli.small_job import finish, small_job
from imagewikiqa.cli.verify.sources import TABLES, read_source
from imagewikiqa.core.digests import digest, file_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.intervals import clustered_interval
from imagewikiqa.core.records import ClassEntry, Item, Page, Question
from imagewikiqa.core.report.summary import Listing, Summary
from imagewikiqa.core.runs import Run
from imagewikiqa.core.tables import read_table, write_table
from imagewikiqa.qa.attribution import ATTRIBUTION, write_attribution
from imagewikiqa.qa.audit.run import audit
from imagewikiqa.qa.audit.write import write_audit
from imagewikiqa.qa.export import UPSTREAM, write_upstream
from imagewikiqa.qa.hub import write_hub
from imagewikiqa.qa.rounds.apply import Applied, apply
from imagewikiqa.qa.rounds.fixes import read_fixes, write_fixes
from imagewikiqa.qa.rounds.plan import ANSWERS, Round
from imagewikiqa.qa.rounds.records import Verdict
from imagewikiqa.qa.rounds.verdicts import MIN_VOTES, Answered, verdicts

VERDICTS = "verdicts.jsonl"
DROPPED = "dropped.jsonl"
FIXES = "fixes.csv"
RECOVERED = "recovered.jsonl"


class ApplyConfig(Closed):
    """What decides the outcome."""

    min_votes: int = MIN_VOTES
    verified_only: bool = False


def run_apply(
    folders: Sequence[Path],
    run: Path | None,
    out: Path,
    *,
    fixes: Path | None,
    settings: ApplyConfig,
    as_json: bool = False,
) -> None:
    """Write a new run folder with what people kept, and say of everything else why it left."""
    rounds = [Round(folder) for folder in folders]
    source = run or _run_of(folders[0])
    _same_questions(rounds, source)
    found = verdicts([Answered(r.plan, r.subjects, r.answers) for r in rounds], settings.min_votes)
    corrected = read_fixes(fixes, found) if fixes else {}
    inputs = {name: file_digest(source / name) for name in TABLES if (source / name).is_file()}
    inputs["verdicts"] = digest([one.model_dump(mode="json") for one in found])
    inputs["fixes"] = digest({name: one.model_dump() for name, one in corrected.items()})
    with small_job(out, "verify apply", settings, inputs) as job:
        made = apply(
            list(read_table(source / "questions.jsonl", Question)),
            list(read_table(source / "items.jsonl", Item)),
            {one.id: one for one in found},
            corrected,
            {one.id: one.image for r in rounds for one in r.subjects},
            verified_only=settings.verified_only,
        )
        told = _publish(job, made, found, source, rounds)
    show(told | {"report": str(out / "report.html")}, as_json)


def _run_of(folder: Path) -> Path:
    """Return the run that a round was prepared from."""
    run = Path(yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))["run"])
    if not run.is_dir():
        raise ToolkitError(f"the run {run} is not there any more: say where it is with --run")
    return run


def _same_questions(rounds: Sequence[Round], run: Path) -> None:
    """Refuse a run whose questions are not those that people answered."""
    now = {one.id: one.question for one in read_source(run, disputed=True).subjects}
    for the_round in rounds:
        for one in the_round.subjects:
            if one.origin != "gold" and now.get(one.id) != one.question:
                raise ToolkitError(
                    f"question {one.id} of {the_round.path} is not as it stands in {run}: give "
                    "the run that the round was prepared from, or prepare a new round"
                )


def _publish(
    job: Run, made: Applied, found: Sequence[Verdict], source: Path, rounds: Sequence[Round]
) -> dict[str, Any]:
    """Write tables, exports, audit and report; return the figures."""
    out = job.path
    if not made.questions:
        raise ToolkitError("people left no question of the set: see what verify report says")
    pages = list(read_table(source / "pages.jsonl", Page))
    settings = _settings(source)
    write_table(out / "questions.jsonl", made.questions)
    write_table(out / "items.jsonl", made.items)
    write_table(out / "pages.jsonl", pages)
    write_table(out / VERDICTS, found)
    write_table(out / DROPPED, made.rejects)
    subjects = {one.id: one.question for r in rounds for one in r.subjects}
    write_fixes(out / FIXES, subjects, found)
    recovered = [o.id for o in found if o.origin == "disputed" and o.verdict == "keep"]
    write_table(out / RECOVERED, (subjects[name] for name in recovered))
    write_upstream(out / UPSTREAM, made.questions, made.items, image_folder(settings))
    write_attribution(out / ATTRIBUTION, made.questions, pages)
    info = hub_info(settings, "imagewikiqa verify apply ROUND --out NEW")
    write_hub(out / "hub", made.questions, made.items, pages, info)
    report = audit(out, classes=_classes(settings))
    write_audit(report, out / "audit")
    told = _told(made, found, subjects) | {"recovered": len(recovered)}
    finish(job, _summary(told, made, found), _lineage(told, source, rounds), _data(out))
    return told


def _settings(run: Path) -> RebuildConfig:
    """Return the settings of the run, for its card; those of a set from elsewhere are defaults."""
    file = run / "config.yaml"
    values = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else {}
    known = {name: value for name, value in values.items() if name in RebuildConfig.model_fields}
    return resolve_as(RebuildConfig, None, [], known)


def _classes(settings: RebuildConfig) -> Sequence[ClassEntry]:
    try:
        return class_list(settings.classes)
    except ToolkitError:
        return []  # a list of the user's that is not there now: the audit says what it lacks


def _told(
    made: Applied, found: Sequence[Verdict], subjects: Mapping[str, Question]
) -> dict[str, Any]:
    of_set = [one for one in found if one.origin == "set"]
    decided = [one for one in of_set if one.verdict != "open"]
    sound = [float(one.verdict == "keep") for one in decided]
    classes = [subjects[one.id].class_id for one in decided]
    return {
        "questions": len(made.questions),
        "verified": sum(one.human is not None for one in made.questions),
        "items": len(made.items),
        "dropped": len(made.rejects),
        "verdicts": dict(sorted(Counter(one.verdict for one in found).items())),
        "reasons": dict(sorted(Counter(one.reason for one in made.rejects).items())),
        "sound": clustered_interval(sound, classes).model_dump() if decided else None,
    }


def _lineage(told: dict[str, Any], source: Path, rounds: Sequence[Round]) -> dict[str, Any]:
    return {
        "counts": told,
        "parents": {"questions.jsonl": file_digest(source / "questions.jsonl")},
        "rounds": {r.plan.round: file_digest(r.path / ANSWERS) for r in rounds},
        "version": __version__,
    }


def _data(out: Path) -> list[Path]:
    names = ("questions.jsonl", "items.jsonl", "pages.jsonl", VERDICTS, DROPPED, FIXES, RECOVERED,
             UPSTREAM, ATTRIBUTION)  # fmt: skip
    hub = [file for file in sorted((out / "hub").rglob("*")) if file.is_file()]
    return [*(out / name for name in names), *hub, *sorted((out / "audit").glob("*.json*"))]


def _summary(told: dict[str, Any], made: Applied, found: Sequence[Verdict]) -> Summary:
    sound = told["sound"]
    share = (
        f"{100 * sound['estimate']:.1f}% ({100 * sound['low']:.1f} to {100 * sound['high']:.1f})"
        if sound
        else "–"
    )
    texts = {one.input: one.detail for one in made.rejects}
    return Summary(
        title="The set that people leave",
        eyebrow="Verdicts applied",
        lead=(
            f"{told['questions']:,} questions stay, {told['verified']:,} of them with people's"
            f" votes; {told['dropped']:,} left. Of the decided ones {share} were sound as they"
            " stood."
        ),
        figures={name: told[name] for name in ("questions", "verified", "items", "dropped")}
        | {"sound as they stood": share},
        counts={"Verdicts": told["verdicts"], "Why questions left": told["reasons"]},
        listings=[
            Listing(
                title="Questions to fix",
                heads=("Question", "Reason", "Votes", "Remarks"),
                rows=[
                    (texts.get(one.id, one.id), one.reason, one.votes, " | ".join(one.comments))
                    for one in found
                    if one.verdict == "fix"
                ],
                file=FIXES,
                note="Correct them in fixes.csv (the answer is that of the people; leave it empty"
                " to drop a question) and run the same command into a new folder with --fixes.",
            ),
            Listing(
                title="Questions that left",
                heads=("Question", "Reason"),
                rows=[(one.detail, one.reason) for one in made.rejects],
                file=DROPPED,
            ),
        ],
        files={
            "questions.jsonl": "what stays, each with its votes",
            VERDICTS: "every verdict with its votes",
            UPSTREAM: "the released format",
            "hub/": "for datasets.load_dataset",
            "audit/": "the audit of what stays: dropping moves the balance of letters",
            RECOVERED: "disputed drafts that people found sound; not in the set",
        },
    )
