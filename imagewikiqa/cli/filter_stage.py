"""The third stage: judges answer every draft with the class name and without it."""

from contextlib import ExitStack
from dataclasses import fields
from typing import Any

from imagewikiqa.cli import stages
from imagewikiqa.cli.job import Job, run_one
from imagewikiqa.cli.job_tables import read_drafts, read_pages
from imagewikiqa.cli.models import open_client, parse_models
from imagewikiqa.cli.settings import RebuildConfig
from imagewikiqa.core.digests import digest, file_digest
from imagewikiqa.core.llm.ledger import Ledger
from imagewikiqa.qa.corpus_judge import CorpusJudge
from imagewikiqa.qa.filter import FilterSettings
from imagewikiqa.qa.llm_judge import JudgeSettings, LLMJudge
from imagewikiqa.qa.protocols import Judge


def filter_settings(settings: RebuildConfig) -> FilterSettings:
    """Return what the filter is asked to do."""
    names = {field.name for field in fields(FilterSettings)} - {"mode", "seed"}
    asked = settings.filter.model_dump(include=names)
    return FilterSettings(mode=settings.mode, seed=settings.seed, **asked)


def run_filter(job: Job) -> None:
    """Ask the judges about every draft: work/filter.jsonl."""
    settings = job.settings
    filtering = filter_settings(settings)
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
                client = open_client(spec, job.models, ledger, job.run.identity)
                llm = LLMJudge(client, JudgeSettings(max_tokens=settings.filter.max_tokens))
                judges.append(llm)
                key += [llm.fingerprint, spec.script_digest]
        stage = stages.filter_stage(judges, filtering, digest(key), remote=remote)
        run_one(job, stage, read_drafts(job), job.table("filter"))
