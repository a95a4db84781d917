"""`imagewikiqa rebuild` and its stages, each a command with the same options."""

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from imagewikiqa.cli.options import (
    AsJson,
    Assign,
    BaseUrl,
    Batch,
    Budget,
    Cache,
    Classes,
    Config,
    Contact,
    DryRun,
    InFlight,
    Language,
    Limit,
    Out,
    Pages,
    Rpm,
    Seed,
    Tpm,
    WikiApi,
    Workers,
)
from imagewikiqa.core.errors import ToolkitError

Author = Annotated[
    str | None,
    typer.Option(
        help="corpus (default), openai:MODEL, anthropic:MODEL, local:DIR_OR_HUB_ID or "
        "scripted:FILE; keys are read from OPENAI_API_KEY and ANTHROPIC_API_KEY."
    ),
]
Previous = Annotated[
    Path | None, typer.Option(help="Earlier run: its questions keep their letters and options.")
]
Sample = Annotated[
    bool, typer.Option("--sample", help="The embedded pages and classes; needs no model.")
]
Against = Annotated[
    Path | None,
    typer.Option(help="Another set, run folder or file: no question that it holds is released."),
]
Splits = Annotated[str | None, typer.Option(help="Splits by class, as train=0.8,val=0.1,test=0.1.")]
Images = Annotated[
    str | None,
    typer.Option(help="none, imagenet-val, index:DIR or folder:DIR with DIR/CLASS_ID/*."),
]
PerClass = Annotated[int | None, typer.Option(help="Questions a class (default 5).")]
PerQuestion = Annotated[int | None, typer.Option(help="Items a question (default 3).")]
_HELP = {
    "rebuild": "Rebuild an ImageWikiQA: pages, questions, filter, balance, audit, exports, report.",
    "pages": "Only fetch and clean the pages.",
    "draft": "Up to drafting the questions; `draft captions` writes captions of images instead.",
    "filter": "Up to the judges' verdicts.",
    "assemble": "Up to the balanced questions and items.",
    "export": "All stages and every export: the same as rebuild.",
}


def register(app: typer.Typer) -> None:
    """Add rebuild and its stages to the command line."""
    for name, text in _HELP.items():
        app.command(name, help=text)(_command(name))


def _command(name: str) -> Callable[..., None]:
    upto = "export" if name == "rebuild" else name

    def command(
        out: Out,
        sample: Sample = False,
        classes: Classes = None,
        pages: Pages = None,
        language: Language = None,
        contact: Contact = None,
        wiki_api: WikiApi = None,
        cache: Cache = None,
        author: Author = None,
        judge: Annotated[list[str] | None, typer.Option(help="As --author; may repeat.")] = None,
        base_url: BaseUrl = None,
        batch: Batch = False,
        budget: Budget = None,
        rpm: Rpm = None,
        tpm: Tpm = None,
        in_flight: InFlight = 64,
        images: Images = None,
        mode: Annotated[str | None, typer.Option(help="strict (default), or paper.")] = None,
        per_class: PerClass = None,
        images_per_question: PerQuestion = None,
        questions: Annotated[int | None, typer.Option(help="Questions at most.")] = None,
        items: Annotated[int | None, typer.Option(help="Items (rows) at most.")] = None,
        previous: Previous = None,
        against: Against = None,
        splits: Splits = None,
        seed: Seed = None,
        config: Config = None,
        assign: Assign = None,
        workers: Workers = 1,
        limit: Limit = None,
        dry_run: DryRun = False,
        as_json: AsJson = False,
    ) -> None:
        options = {
            "classes": classes, "pages": pages, "language": language,
            "author": author, "judge": judge, "images": images, "mode": mode,
            "per_class": per_class, "images_per_question": images_per_question,
            "questions": questions, "items": items,
            "previous": previous, "against": against, "splits": splits, "seed": seed,
        }  # fmt: skip
        if sample:
            _add_sample(options)
        execute(
            upto, out, config, assign or [], options,
            workers=workers, limit=limit, dry_run=dry_run, as_json=as_json,
            wiki={"contact": contact, "api": wiki_api, "cache": cache},
            models={
                "base_url": base_url, "batch": batch, "budget": budget,
                "rpm": rpm, "tpm": tpm, "in_flight": in_flight,
            },
        )  # fmt: skip

    return command


def _add_sample(options: dict[str, Any]) -> None:
    """Apply --sample; refuse it beside another source of pages."""
    if options["pages"] not in {None, "sample"}:
        raise ToolkitError("--sample and --pages name two sources: give one of them")
    options["pages"] = "sample"
    options["classes"] = options["classes"] or "sample"


def execute(
    upto: str,
    out: Path,
    config: Path | None,
    assignments: list[str],
    options: dict[str, Any],
    *,
    workers: int = 1,
    limit: int | None = None,
    dry_run: bool = False,
    as_json: bool = False,
    wiki: dict[str, Any] | None = None,
    models: dict[str, Any] | None = None,
) -> None:
    """Run the stages up to one and print the summary."""
    from imagewikiqa.cli.job import open_job
    from imagewikiqa.cli.models import model_access
    from imagewikiqa.cli.output import show, show_lines
    from imagewikiqa.cli.plan import for_people, plan
    from imagewikiqa.cli.progress import watcher
    from imagewikiqa.cli.settings import resolve, stored
    from imagewikiqa.cli.wiki import WikiAccess

    given = assignments or config or any(value is not None for value in options.values())
    settings = (None if given else stored(out)) or resolve(config, assignments, options)
    progress = watcher(as_json)
    access = model_access(progress, **(models or {}))
    if dry_run:
        told = plan(settings, limit, out, access)
        if as_json:
            show({"dry_run": True, "out": str(out), **told}, as_json)
        else:
            show_lines(for_people(told))
        return
    with open_job(
        out,
        settings,
        workers=workers,
        limit=limit,
        progress=progress,
        wiki=WikiAccess(**(wiki or {})),
        models=access,
    ) as job:
        summary = _run_stages(job, upto)
    show({"out": str(out), **summary}, as_json)


def _run_stages(job: Any, upto: str) -> dict[str, Any]:
    from imagewikiqa.cli import outputs
    from imagewikiqa.cli.draft_stage import run_draft
    from imagewikiqa.cli.filter_stage import run_filter
    from imagewikiqa.cli.page_stage import run_pages

    steps: dict[str, Callable[[Any], Any]] = {
        "pages": run_pages,
        "draft": run_draft,
        "filter": run_filter,
        "assemble": outputs.run_assemble,
        "audit": outputs.run_audit,
        "export": outputs.run_export,
    }
    found: dict[str, Any] = {}
    for name, step in steps.items():
        result = step(job)
        if name == "export":
            found = result
        if name == upto:
            break
    return found or {report.stage: report.rows for report in job.reports}
