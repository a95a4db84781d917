"""`imagewikiqa builders extracts`: the plain text and language links of the classes' articles."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from imagewikiqa.builders.wiki.api import open_api
from imagewikiqa.builders.wiki.extracts import extracts
from imagewikiqa.builders.wiki.records import Extract
from imagewikiqa.cli.config import Closed
from imagewikiqa.cli.job import class_list
from imagewikiqa.cli.output import show
from imagewikiqa.cli.progress import watcher
from imagewikiqa.cli.small_job import finish, small_job
from imagewikiqa.cli.wiki import WikiAccess, began, ready_store
from imagewikiqa.core.digests import digest
from imagewikiqa.core.records import ClassEntry, Reject
from imagewikiqa.core.report.summary import Listing, Summary
from imagewikiqa.core.tables import write_table

TABLE = "extracts.jsonl"


class ExtractsConfig(Closed):
    """What decides the extracts."""

    classes: str = "imagenet"
    language: str = "en"


def run_extracts(
    settings: ExtractsConfig,
    out: Path,
    access: WikiAccess,
    *,
    limit: int | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Ask for the extract and the language links of every title of the classes."""
    classes = class_list(settings.classes)
    titles = _titles(classes[:limit])
    site = access.site(settings.language)
    if dry_run:
        show({"dry_run": True, "out": str(out), "titles": len(titles)}, as_json)
        return
    inputs = {"titles": digest(_titles(classes)), "wiki": digest(site.source)}
    with small_job(out, "builders extracts", settings, inputs, ("classes",)) as run:
        ready_store(access)
        rejects: list[Reject] = []
        with open_api(site, access.store, since=began(run.path)) as api:
            found = extracts(titles, api, watcher(as_json))
            write_table(out / TABLE, _kept(found, rejects))
        write_table(out / "rejects.jsonl", rejects)
        kept = len(titles) - len(rejects)
        counts = {"titles": len(titles), "extracts": kept, "rejects": len(rejects)}
        files = [out / TABLE, out / "rejects.jsonl"]
        finish(run, _summary(counts, rejects), {"counts": counts}, files)
    show({"out": str(out), **counts}, as_json)


def _titles(classes: Sequence[ClassEntry]) -> list[str]:
    return [*dict.fromkeys(t for entry in classes for t in entry.titles or (entry.name,))]


def _kept(found: Iterator[Extract | Reject], rejects: list[Reject]) -> Iterator[Extract]:
    for one in found:
        if isinstance(one, Reject):
            rejects.append(one)
        else:
            yield one


def _summary(counts: dict[str, int], rejects: list[Reject]) -> Summary:
    return Summary(
        title="Extracts of the articles",
        eyebrow="Wikipedia",
        lead=(
            "Plain text as the wiki itself makes it, of the last revision when it was asked; for"
            " text pinned to a revision use rebuild --pages wikipedia."
        ),
        figures=counts,
        counts={"Titles without an extract": Counter(one.reason for one in rejects)},
        listings=[
            Listing(
                title="Titles without an extract",
                heads=("Title", "Why"),
                rows=[(one.input, one.reason) for one in rejects],
                file="rejects.jsonl",
            )
        ],
        files={TABLE: "title, revision, summary, text and the titles in other languages"},
    )
