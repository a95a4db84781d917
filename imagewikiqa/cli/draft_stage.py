"""The second stage: an author writes about every class with a page."""

from typing import Any

from imagewikiqa.cli import stages
from imagewikiqa.cli.job import Job, run_one
from imagewikiqa.cli.job_tables import read_pages
from imagewikiqa.cli.models import open_client, parse_model
from imagewikiqa.cli.settings import RebuildConfig
from imagewikiqa.core.digests import digest, file_digest
from imagewikiqa.core.llm.client import Client
from imagewikiqa.core.llm.ledger import Ledger
from imagewikiqa.core.tables import read_table
from imagewikiqa.qa.corpus.author import CorpusAuthor
from imagewikiqa.qa.corpus.facts import ClassFacts
from imagewikiqa.qa.corpus.forms import forms_ref
from imagewikiqa.qa.leaks import LeakChecker
from imagewikiqa.qa.llm_author import AuthorSettings, LLMAuthor
from imagewikiqa.qa.strict_author import StrictAuthor, StrictSettings


def llm_author(
    client: Client, checker: LeakChecker, settings: RebuildConfig
) -> LLMAuthor | StrictAuthor:
    """Return the author of the mode: the paper's one request, or rounds with checks."""
    given = settings.drafting.model_dump(exclude_none=True)
    if settings.mode == "paper":
        room = {name: given[name] for name in ("max_tokens",) if name in given}
        asked = AuthorSettings(questions=settings.per_class, seed=settings.seed, **room)
        return LLMAuthor(client, checker, asked)
    strict = StrictSettings(per_class=settings.per_class, seed=settings.seed, **given)
    return StrictAuthor(client, checker, strict)


def run_draft(job: Job) -> None:
    """Let the author write about every class with a page: work/draft.jsonl."""
    pages = read_pages(job)
    inputs = stages.subjects(job.classes, pages)
    settings = job.settings
    spec = parse_model(settings.author, "--author")
    key: list[Any] = [spec.kind, settings.seed, settings.mode, job.run.inputs["classes"]]
    if spec.is_corpus:
        checker = job.checker
        facts_key = digest([forms_ref(), job.run.inputs["classes"]])
        run_one(job, stages.facts_stage(checker, facts_key), inputs, job.table("facts"))
        facts = list(read_table(job.table("facts"), ClassFacts))
        key.append(file_digest(job.table("facts")))
        author = CorpusAuthor(facts, checker, settings.seed)
    else:
        with Ledger(job.ledger) as ledger:
            client = open_client(spec, job.models, ledger, job.run.identity)
            llm = llm_author(client, job.checker, settings)
            key += [llm.fingerprint, spec.script_digest]
            stage = stages.draft_stage(llm, digest(key), in_flight=job.models.callers)
            run_one(job, stage, inputs, job.table("draft"))
        return
    run_one(job, stages.draft_stage(author, digest(key), in_flight=1), inputs, job.table("draft"))
