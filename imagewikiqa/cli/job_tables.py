"""The tables that stages of the main job hand on to one another."""

from collections import Counter
from collections.abc import Sequence

from imagewikiqa.cli.job import Job
from imagewikiqa.core.records import Disputed, Draft, Judged, Opinion, Page, Reject, Repaired
from imagewikiqa.core.tables import read_table, write_table
from imagewikiqa.qa.assemble import keep_options
from imagewikiqa.qa.second_opinion import with_opinion

DISPUTED = "disputed.jsonl"
REPAIRS = ("repair", "gate_repair")  # what was guessed by judges, then what its look gives away
REJECT_TABLES = ("match", "pages", "draft", "filter", "images", "assemble")


def read_pages(job: Job) -> list[Page]:
    """Return the clean pages."""
    return list(read_table(job.run.path / "pages.jsonl", Page))


def write_rejects(job: Job, tables: Sequence[str] = REJECT_TABLES) -> list[Reject]:
    """Put the rejects of all stages into rejects.jsonl and return them."""
    found = [one for name in tables for one in read_table(job.table(f"{name}.rejects"), Reject)]
    write_table(job.run.path / "rejects.jsonl", found)
    return found


def most_often(rejects: Sequence[Reject], *stages_named: str) -> str:
    """Return the commonest reason of some stages as words: 'most often: too short, 12 times'."""
    reasons = Counter(one.reason for one in rejects if one.stage in stages_named)
    if not reasons:
        return "no reject says why"
    reason, count = reasons.most_common(1)[0]
    return f"most often: {reason}, {count} time{'s' if count > 1 else ''}"


def drafts_and_verdicts(job: Job) -> tuple[list[Draft], dict[str, Judged]]:
    """Return all drafts, repaired where that helped, and their last verdicts by id."""
    drafts, judged = judged_and_repaired(job)
    if job.settings.filter.second_opinion != "off":
        opinions = read_opinions(job)
        judged = {name: with_opinion(one, opinions.get(name)) for name, one in judged.items()}
    return drafts, judged


def judged_and_repaired(job: Job) -> tuple[list[Draft], dict[str, Judged]]:
    """Return all drafts and the judges' verdicts by id, before any second opinion."""
    judged = {one.id: one for one in read_table(job.table("filter"), Judged)}
    repaired = {
        one.id: one for name in REPAIRS for one in read_table(job.table(name), Repaired) if one.kept
    }
    judged |= {name: one.judged for name, one in repaired.items() if one.judged}
    drafts = [repaired[d.id].draft if d.id in repaired else d for d in read_drafts(job)]
    return drafts, judged


def read_opinions(job: Job) -> dict[str, Opinion]:
    """Return the second opinions by draft id."""
    return {one.id: one for one in read_table(job.table("second_opinion"), Opinion)}


def write_disputed(job: Job) -> None:
    """Write disputed.jsonl: what judges kept and the second opinion did not, for a person."""
    opinions = read_opinions(job)
    drafts, judged = judged_and_repaired(job)
    last = {one.id: with_opinion(judged[one.id], opinions.get(one.id)) for one in drafts
            if one.id in judged and judged[one.id].keep}  # fmt: skip
    write_table(
        job.run.path / DISPUTED,
        (
            Disputed(id=one.id, draft=one, reason=last[one.id].reason, opinion=opinions.get(one.id))
            for one in drafts
            if one.id in last and not last[one.id].keep
        ),
    )


def read_drafts(job: Job) -> list[Draft]:
    """Return all drafts, those of an earlier release with the options they had in it."""
    return keep_options(list(read_table(job.table("draft"), Draft)), job.previous)
