"""The third stage: judges answer every draft, guessed ones are repaired, keys are checked."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, fields
from typing import Any

from imagewikiqa.cli.filter_steps import (
    FilterStep,
    QuotedDraft,
    RepairStep,
    filter_stage,
    opinion_stage,
    repair_stage,
)
from imagewikiqa.cli.job import Job, run_one
from imagewikiqa.cli.job_tables import (
    REPAIRS,
    judged_and_repaired,
    read_drafts,
    read_pages,
    write_disputed,
)
from imagewikiqa.cli.models import ModelSpec, open_client, parse_model, parse_models
from imagewikiqa.cli.settings import RebuildConfig
from imagewikiqa.core.digests import digest, file_digest
from imagewikiqa.core.llm.ledger import Ledger
from imagewikiqa.core.records import Draft, Judged, Page
from imagewikiqa.core.tables import read_table, write_table
from imagewikiqa.qa.corpus_judge import CorpusJudge
from imagewikiqa.qa.draft_gate import gate_drops
from imagewikiqa.qa.filter import GUESSED, FilterSettings
from imagewikiqa.qa.llm_judge import JudgeSettings, LLMJudge
from imagewikiqa.qa.protocols import Judge
from imagewikiqa.qa.repair import Repairer, RepairSettings
from imagewikiqa.qa.second_opinion import OpinionSettings, SecondOpinion


@dataclass(slots=True)
class Bench:
    """The judges of a run and everything but the draft that decides what they say."""

    judges: Sequence[Judge]
    settings: FilterSettings
    key: list[Any]
    ledger: Ledger | None  # None when no model is asked


def filter_settings(settings: RebuildConfig) -> FilterSettings:
    """Return what the filter is asked to do."""
    names = {field.name for field in fields(FilterSettings)} - {"mode", "seed"}
    asked = settings.filter.model_dump(include=names)
    return FilterSettings(mode=settings.mode, seed=settings.seed, **asked)


def opinion_spec(settings: RebuildConfig) -> ModelSpec | None:
    """Return the model of the second opinion: the first LLM judge unless one is named."""
    named = settings.filter.second_opinion
    if named == "off":
        return None
    if named == "on":
        judges = parse_models(settings.judge, "--judge")
        return next((spec for spec in judges if not spec.is_corpus), None)
    return parse_model(named, "filter.second_opinion")


def judge_notes(settings: RebuildConfig) -> tuple[str, ...]:
    """Return what a reader should know of the judges: an author is a lenient judge of its own."""
    judges = parse_models(settings.judge, "--judge")
    author = parse_model(settings.author, "--author")
    if author.is_corpus or any(spec != author for spec in judges):
        return ()
    return (
        f"The only judge is {author}, the author's own model: what it finds answerable or hard to"
        " guess is its own view, so give another model with --judge.",
    )


def run_filter(job: Job) -> None:
    """Judge every draft, repair those that were guessed, and check the keys of what is kept.

    Writes work/filter.jsonl, work/repair.jsonl, work/gate_repair.jsonl, work/second_opinion.jsonl
    and disputed.jsonl where a second opinion was asked for.
    """
    settings = job.settings
    second, author = opinion_spec(settings), parse_model(settings.author, "--author")
    pages = {page.id: page for page in read_pages(job)}
    with ExitStack() as stack:
        specs = [*parse_models(settings.judge, "--judge"), *([second] if second else [])]
        remote = any(not spec.is_corpus for spec in specs) or settings.filter.repair > 0
        bench = _bench(job, stack.enter_context(Ledger(job.ledger)) if remote else None, pages)
        checked = {} if author.is_corpus else pages
        step = FilterStep(bench.judges, bench.settings, checked)
        callers = job.models.callers if remote else 0
        stage = filter_stage(step, digest([bench.key, bool(checked)]), callers=callers)
        run_one(job, stage, read_drafts(job), job.table("filter"))
        _repair(job, bench, author, pages)
        _second_opinion(job, bench, second, pages)


def _bench(job: Job, ledger: Ledger | None, pages: Mapping[str, Page]) -> Bench:
    settings = job.settings
    judges: list[Judge] = []
    key: list[Any] = [settings.seed, settings.mode, settings.filter.model_dump()]
    key += [job.run.inputs["classes"], file_digest(job.run.path / "pages.jsonl")]
    for spec in parse_models(settings.judge, "--judge"):
        if ledger is None or spec.is_corpus:
            judges.append(CorpusJudge(list(pages.values()), job.listed))
        else:
            client = open_client(spec, job.models, ledger, job.run.identity)
            llm = LLMJudge(client, JudgeSettings(max_tokens=settings.filter.max_tokens))
            judges.append(llm)
            key += [llm.fingerprint, spec.script_digest]
    return Bench(judges, filter_settings(settings), key, ledger)


def _repair(job: Job, bench: Bench, author: ModelSpec, pages: Mapping[str, Page]) -> None:
    """Ask for other wrong options where a judge guessed, then where the look of options tells."""
    rounds = job.settings.filter.repair
    for name in REPAIRS:  # each is read together with the verdicts before it: none may be stale
        write_table(job.table(name), ())
    if not rounds or bench.ledger is None:
        return
    client = open_client(author, job.models, bench.ledger, job.run.identity)
    repairer = Repairer(client, job.checker, RepairSettings(seed=job.settings.seed))
    key = digest([bench.key, repairer.fingerprint, author.script_digest, rounds])
    step = RepairStep(repairer, bench.judges, bench.settings, rounds)
    for name, leaking in zip(REPAIRS, (_guessed, _given_away), strict=True):
        stage = repair_stage(name, step, key, callers=job.models.callers)
        run_one(job, stage, _quoted(leaking(job), pages), job.table(name))


def _guessed(job: Job) -> list[Draft]:
    """Return the drafts that a judge guessed without the name."""
    verdicts = {one.id: one for one in read_table(job.table("filter"), Judged)}
    return [
        draft
        for draft in read_drafts(job)
        if draft.id in verdicts and verdicts[draft.id].reason == GUESSED
    ]


def _given_away(job: Job) -> list[Draft]:
    """Return the drafts kept so far that the gate would drop for the look of their options."""
    drafts, judged = judged_and_repaired(job)
    kept = [draft for draft in drafts if draft.id in judged and judged[draft.id].keep]
    drops = gate_drops(kept, job.settings.seed) if kept else {}
    return [draft for draft in kept if draft.id in drops]


def _second_opinion(
    job: Job, bench: Bench, spec: ModelSpec | None, pages: Mapping[str, Page]
) -> None:
    if spec is None or bench.ledger is None:
        write_table(job.table("second_opinion"), ())
        return
    client = open_client(spec, job.models, bench.ledger, job.run.identity)
    second = SecondOpinion(client, OpinionSettings(seed=job.settings.seed))
    drafts, judged = judged_and_repaired(job)
    kept = [draft for draft in drafts if draft.id in judged and judged[draft.id].keep]
    key = digest([second.fingerprint, spec.script_digest])
    stage = opinion_stage(second, key, callers=job.models.callers)
    run_one(job, stage, _quoted(kept, pages), job.table("second_opinion"))
    write_disputed(job)


def _quoted(drafts: Sequence[Draft], pages: Mapping[str, Page]) -> list[QuotedDraft]:
    return [QuotedDraft(draft, pages[draft.evidence.page]) for draft in drafts]
