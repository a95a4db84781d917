"""The third stage: judges answer every draft with the class name and without it."""

from contextlib import ExitStack
from typing import Any

from imagewikiqa.cli import stages
from imagewikiqa.cli.job import Job, run_one
from imagewikiqa.cli.job_tables import read_drafts, read_pages
from imagewikiqa.cli.models import open_client, parse_models
from imagewikiqa.core.digests import digest, file_digest
from imagewikiqa.core.llm.ledger import Ledger
from imagewikiqa.qa.corpus_judge import CorpusJudge
from imagewikiqa.qa.filter import FilterSettings
from imagewikiqa.qa.llm_judge import LLMJudge
from imagewikiqa.qa.protocols import Judge


def run_filter(job: Job) -> None:
    """Ask the judges about every draft: work/filter.jsonl."""
    settings = job.settings
    filtering = FilterSettings(
        mode=settings.mode,
        seed=settings.seed,
        **settings.filter.model_dump(),
    )
    specs = parse_models(settings.judge, "--judge")
    judges: list[Judge] = []
    key: list[Any] = [settings.seed, settings.mode, settings.filter.model_dump()]
    key.append(job.run.inputs["classes"])
    remote = not all(spec.is_corpus for spec in specs)
    with ExitStack() as stack:
        ledger = stack.enter_context(Ledger(job.ledger)) if remote else None
        for spec in specs:
            if ledger is None or spec.is_corpus:
                judges.append(CorpusJudge(read_pages(job), job.listed))
                key.append(file_digest(job.run.path / "pages.jsonl"))
            else:
                llm = LLMJudge(open_client(spec, job.models, ledger, job.run.identity))
                judges.append(llm)
                key += [llm.fingerprint, spec.script_digest]
        callers = job.models.callers if remote else 0
        stage = stages.filter_stage(judges, filtering, digest(key), callers=callers)
        run_one(job, stage, read_drafts(job), job.table("filter"))
