"""The last stages of the main job: assemble, audit, export, and the lineage of it all."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from imagewikiqa import __version__
from imagewikiqa.builders.images import load_images
from imagewikiqa.cli.filter_stage import filter_settings, judge_notes
from imagewikiqa.cli.job import Job
from imagewikiqa.cli.job_tables import DISPUTED, drafts_and_verdicts, most_often, write_rejects
from imagewikiqa.cli.settings import CORPUS, RebuildConfig, as_command
from imagewikiqa.cli.small_job import NO_COST
from imagewikiqa.cli.wiki import PINS, section_titles
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish_text
from imagewikiqa.core.llm.ledger import Ledger
from imagewikiqa.core.records import (
    Draft,
    ImageRef,
    Item,
    Judged,
    Opinion,
    Page,
    Question,
    Reject,
    Repaired,
)
from imagewikiqa.core.runs import finish_run, pretty
from imagewikiqa.core.tables import read_table, write_table
from imagewikiqa.qa.assemble import AssembleSettings
from imagewikiqa.qa.attribution import ATTRIBUTION, write_attribution
from imagewikiqa.qa.audit.contamination import Text, contaminated
from imagewikiqa.qa.audit.run import audit
from imagewikiqa.qa.audit.write import write_audit
from imagewikiqa.qa.checks import FLAGS, check_draft
from imagewikiqa.qa.export import UPSTREAM, write_upstream
from imagewikiqa.qa.families import families
from imagewikiqa.qa.hub import HubInfo, write_hub
from imagewikiqa.qa.position_bias import position_bias
from imagewikiqa.qa.release import Pool, release
from imagewikiqa.qa.run_report import write_report
from imagewikiqa.qa.select import SelectSettings


def run_assemble(job: Job) -> None:
    """Select, arrange and illustrate: questions.jsonl and items.jsonl."""
    settings = job.settings
    drafts, judged = drafts_and_verdicts(job)
    texts = {page.id: page.text for page in read_table(job.run.path / "pages.jsonl", Page)}
    checker = job.checker
    pool = Pool(
        drafts=drafts,
        judged=judged,
        checks={draft.id: check_draft(draft, checker, texts) for draft in drafts},
        undrafted=list(read_table(job.run.work / "draft.rejects.jsonl", Reject)),
        held=_held(job, [one for one in drafts if one.id in judged and judged[one.id].keep]),
    )
    picking = SelectSettings(
        mode=settings.mode,
        seed=settings.seed,
        per_class=settings.per_class,
        questions=settings.questions,
        form_cap=settings.form_cap,
        family_quota=settings.family_quota,
        families=families(job.listed),
    )
    shaping = AssembleSettings(
        mode=settings.mode,
        seed=settings.seed,
        images_per_question=settings.images_per_question,
        items=settings.items,
        splits=settings.splits,
    )
    made = release(pool, _images(job), picking, shaping, job.previous)
    if not made.questions:
        write_table(job.run.work / "assemble.rejects.jsonl", made.rejects)
        why = most_often(write_rejects(job), *(("filter", "assemble") if drafts else ("draft",)))
        raise ToolkitError(
            f"no question is left of {len(drafts)} drafts ({why}): see "
            f"{job.run.path / 'rejects.jsonl'}, and give more classes or pages"
        )
    write_table(job.run.path / "questions.jsonl", made.questions)
    write_table(job.run.path / "items.jsonl", made.items)
    write_table(job.run.work / "assemble.rejects.jsonl", made.rejects)


def _held(job: Job, kept: Sequence[Draft]) -> dict[str, str]:
    """Return which kept drafts the set of --against holds already, each with the reason."""
    texts = [Text(one.question, [choice.text for choice in one.choices]) for one in kept]
    return {kept[at].id: reason for at, reason in contaminated(texts, job.against).items()}


def _images(job: Job) -> list[ImageRef] | None:
    """Return the images of all classes; None when no images were asked for."""
    source = job.settings.image_source
    images, rejects = load_images(source, job.classes)
    write_table(job.run.work / "images.rejects.jsonl", rejects)
    return None if source == "none" else images


def run_audit(job: Job) -> dict[str, Any]:
    """Audit the assembled set: audit/ with its own report."""
    report = audit(job.run.path, classes=job.classes)
    write_audit(report, job.run.path / "audit")
    return report.summary.model_dump(mode="json")


def run_export(job: Job) -> dict[str, Any]:
    """Write the exports, the report, rejects.jsonl, cost.json, run.json and the manifest."""
    run = job.run
    questions = list(read_table(run.path / "questions.jsonl", Question))
    items = list(read_table(run.path / "items.jsonl", Item))
    pages = list(read_table(run.path / "pages.jsonl", Page))
    write_upstream(run.path / UPSTREAM, questions, items, image_folder=image_folder(job.settings))
    write_attribution(run.path / ATTRIBUTION, questions, pages)
    write_hub(run.path / "hub", questions, items, pages, hub_info(job.settings, job.limit))
    rejects = write_rejects(job)
    publish_text(run.path / "cost.json", pretty(_cost(job)))
    drafts, judged = drafts_and_verdicts(job)
    summary = _summary(questions, items, pages, rejects, drafts)
    summary |= _judging(job.settings, list(judged.values()))
    sections = section_titles(run.path)
    lineage = _lineage(job, questions)
    write_report(
        run.path,
        title="ImageWikiQA, rebuilt",
        questions=questions,
        items=items,
        pages=pages,
        rejects=rejects,
        drafts_count=len(drafts),
        judged=list(judged.values()),
        images_root=_pixels(job),
        lineage={**lineage, "settings": run.settings, "version": __version__},
        audit_summary=_audit_summary(run.path),
        sections=sections,
        bias=position_bias(judged.values(), filter_settings(job.settings)),
        opinions=list(read_table(job.table("second_opinion"), Opinion)),
        repaired=list(read_table(job.table("repair"), Repaired)),
        notes=judge_notes(job.settings),
    )
    told = {"titles_into_sections": sections} if sections else {}
    finish_run(run, {**lineage, **told, "counts": summary}, list(_data_files(run.path)))
    return summary


def _cost(job: Job) -> dict[str, Any]:
    """Return calls and price by model and prompt; `usd` is null where a price is not known."""
    if not job.ledger.is_file():
        return dict(NO_COST)
    with Ledger(job.ledger) as ledger:
        return ledger.summary(job.run.identity)


def image_folder(settings: RebuildConfig) -> str:
    """Return what stands before image paths: ids of the validation set carry it already."""
    return "" if settings.image_source == "imagenet-val" else "images/"


def _pixels(job: Job) -> Path | None:
    kind, _, folder = job.settings.image_source.partition(":")
    return Path(folder) if kind == "folder" else None


def hub_info(settings: RebuildConfig, limit: int | None) -> HubInfo:
    """Return what the card says of how the set was made."""
    kind = settings.pages.partition(":")[0]
    return HubInfo(
        command=as_command(settings, limit),
        pages=kind,
        images=settings.image_source.partition(":")[0],
        author=settings.author.partition(":")[0],
        judges=tuple(judge.partition(":")[0] for judge in settings.judge),
        mode=settings.mode,
        seed=settings.seed,
        version=__version__,
    )


def _summary(
    questions: list[Question],
    items: list[Item],
    pages: list[Page],
    rejects: list[Reject],
    drafts: list[Draft],
) -> dict[str, Any]:
    reasons = Counter(f"{reject.stage}: {reject.reason}" for reject in rejects)
    return {
        "pages": len(pages),
        "drafts": len(drafts),
        "questions": len(questions),
        "classes": len({question.class_id for question in questions}),
        "items": len(items),
        "rejects": dict(sorted(reasons.items())),
        "flags": {
            what: sum(not q.checks.get(one, True) for q in questions) for one, what in FLAGS.items()
        },
    }


def _judging(settings: RebuildConfig, judged: list[Judged]) -> dict[str, Any]:
    """Return what LLM judges were asked: trials, and the full grid that early ends spared of."""
    if all(judge == CORPUS for judge in settings.judge):
        return {}
    asked = sum(
        one.with_name.trials + one.without_name.trials for row in judged for one in row.judges
    )
    grid = asked + sum(row.skipped for row in judged)
    notes = judge_notes(settings)
    return {"judge_trials": asked, "full_grid": grid} | ({"notes": list(notes)} if notes else {})


def _lineage(job: Job, questions: list[Question]) -> dict[str, Any]:
    return {
        "seed": job.settings.seed,
        "limit": job.limit,
        "prompts": sorted({question.author.prompt for question in questions}),
        "models": {
            "asked": sorted({job.settings.author, *job.settings.judge}),
            "answered": sorted({question.author.model for question in questions}),
        },
        "stages": [
            {"stage": report.stage, "inputs": report.inputs, "rows": report.rows}
            for report in job.reports
        ],
    }


def _audit_summary(run: Path) -> dict[str, Any] | None:
    file = run / "audit" / "audit.json"
    return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None


def _data_files(run: Path) -> Iterator[Path]:
    """Yield what the manifest covers: tables and exports, not pages for people or run.json."""
    for name in ("pages", "questions", "items", "rejects"):
        yield run / f"{name}.jsonl"
    yield from (run / name for name in (PINS, DISPUTED) if (run / name).is_file())
    yield run / UPSTREAM
    yield run / ATTRIBUTION
    yield from (file for file in sorted((run / "hub").rglob("*")) if file.is_file())
    yield from (file for file in sorted((run / "audit").glob("*.json*")) if file.is_file())
