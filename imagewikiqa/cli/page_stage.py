"""The first stage: pages of the classes, clean and pinned."""

from imagewikiqa.builders.pages import open_source
from imagewikiqa.cli import stages
from imagewikiqa.cli.job import DECIDING, Job, run_one
from imagewikiqa.cli.job_tables import most_often, read_pages, write_rejects
from imagewikiqa.cli.matching import matched_pages
from imagewikiqa.cli.wiki import PINS, WikiPages, is_wiki, open_wiki
from imagewikiqa.core.classes import NAMED
from imagewikiqa.core.code import code_digest
from imagewikiqa.core.digests import digest, file_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import Reject


def run_pages(job: Job) -> None:
    """Match pages to classes and clean them: pages.jsonl."""
    chosen = tuple(job.classes)
    read = [job.run.inputs[name] for name in ("pages", "classes")]
    rejects: tuple[Reject, ...] = ()
    if is_wiki(job.settings.pages):
        found = _wiki_pages(job)
        source, chosen, rejects = found.source, found.classes, found.rejects
        read.append(file_digest(job.run.path / PINS))
    else:
        source = open_source(job.settings.pages, workers=job.workers)
    key = digest([read, [one.id for one in chosen], code_digest(DECIDING)])
    matched = matched_pages(source, chosen, job.run.work, key, rejects, job.progress)
    inputs = [stages.PageInput(one) for one in matched]
    run_one(job, stages.pages_stage(), inputs, job.run.path / "pages.jsonl")
    if not read_pages(job):
        raise _no_page(job, len(inputs))


def _wiki_pages(job: Job) -> WikiPages:
    settings = job.settings
    return open_wiki(
        settings.pages,
        job.classes,
        settings.language,
        job.wiki,
        job.run.path,
        job.progress,
        english_titles=settings.classes in {*NAMED, "sample"} and job.wiki.api is None,
    )


def _no_page(job: Job, asked: int) -> ToolkitError:
    """Write down what became of every page, and return the sentence that says it."""
    rejects = write_rejects(job, ("match", "pages"))
    if asked:
        return ToolkitError(
            f"there is no page of use among the {asked} that the classes ask for "
            f"({most_often(rejects, 'pages')}): see {job.run.path / 'rejects.jsonl'}, "
            "and give other pages"
        )
    return ToolkitError(
        f"no page of {job.settings.pages} belongs to a class of {job.settings.classes}: "
        "compare its titles with the names or titles in the class list"
    )
