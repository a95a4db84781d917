"""The tables that stages of the main job hand on to one another."""

from collections import Counter
from collections.abc import Sequence

from imagewikiqa.cli.job import Job
from imagewikiqa.core.records import Draft, Judged, Page, Reject
from imagewikiqa.core.tables import read_table, write_table
from imagewikiqa.qa.assemble import keep_options

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
    """Return all drafts and their verdicts by id."""
    return read_drafts(job), {one.id: one for one in read_table(job.table("filter"), Judged)}


def read_drafts(job: Job) -> list[Draft]:
    """Return all drafts, those of an earlier release with the options they had in it."""
    return keep_options(list(read_table(job.table("draft"), Draft)), job.previous)
