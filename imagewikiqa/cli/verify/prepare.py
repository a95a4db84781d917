"""`imagewikiqa verify prepare`: a round's questions, raters, blind tasks and pictures."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from imagewikiqa.cli.config import Closed
from imagewikiqa.cli.output import show
from imagewikiqa.cli.small_job import finish, small_job
from imagewikiqa.cli.verify.pictures import stage_pictures
from imagewikiqa.cli.verify.sources import Source, read_source
from imagewikiqa.core.digests import digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish_text
from imagewikiqa.core.progress import Progress
from imagewikiqa.core.records import Page, Reject
from imagewikiqa.core.report.summary import Listing, Summary
from imagewikiqa.core.runs import Run, pretty
from imagewikiqa.core.tables import write_table
from imagewikiqa.qa.rounds.assign import assign
from imagewikiqa.qa.rounds.label_config import label_config
from imagewikiqa.qa.rounds.plan import (
    ASSIGNMENTS,
    CONFIG,
    MEDIA,
    ROUND,
    SUBJECTS,
    TASKS,
    RoundPlan,
    read_raters,
)
from imagewikiqa.qa.rounds.records import Kind, Subject
from imagewikiqa.qa.rounds.sample import sample
from imagewikiqa.qa.rounds.tasks import Made, make_tasks

REJECTS = "prepare.rejects.jsonl"


class PrepareConfig(Closed):
    """What decides a round."""

    run: str
    kind: Kind = "article"
    raters: str = ""
    overlap: int = Field(3, ge=1)
    sample: int | None = Field(None, ge=1)
    stratify: Literal["none", "family", "class"] = "family"
    disputed: Literal["first", "out"] = "first"
    gold: str | None = None
    images: str | None = None
    article_chars: int = Field(20_000, ge=1_000)
    seed: int = Field(0, ge=0)


def run_prepare(
    settings: PrepareConfig,
    out: Path,
    progress: Progress,
    *,
    only: Sequence[str] | None = None,
    after: str | None = None,
    as_json: bool = False,
) -> None:
    """Write the round folder; `only` are ids of questions to ask again after round `after`."""
    raters = read_raters(settings.raters)
    if settings.overlap > len(raters):
        raise ToolkitError(
            f"--overlap {settings.overlap} needs as many raters, --raters names {len(raters)}: "
            "name more raters or lower the overlap"
        )
    source = read_source(Path(settings.run), disputed=settings.disputed == "first")
    gold = read_source(Path(settings.gold), "gold") if settings.gold else None
    inputs = dict(source.digests)
    inputs |= {f"gold {name}": sha for name, sha in (gold.digests if gold else {}).items()}
    if only is not None:
        inputs |= {"questions asked again": digest([after, sorted(only)])}
    with small_job(out, "verify prepare", settings, inputs, ("run", "gold", "images")) as run:
        plan = RoundPlan(
            round=run.identity[:12], kind=settings.kind, raters=raters, overlap=settings.overlap,
            seed=settings.seed, after=after,
        )  # fmt: skip
        chosen, rejects = _choose(settings, source, gold, only, run, progress)
        told = _write(run, plan, settings, chosen, _pages(source, gold), rejects)
    show(told | {"round": plan.round, "next": f"imagewikiqa verify push {out}"}, as_json)


def _choose(
    settings: PrepareConfig,
    source: Source,
    gold: Source | None,
    only: Sequence[str] | None,
    run: Run,
    progress: Progress,
) -> tuple[list[Subject], list[Reject]]:
    """Return the subjects of the round, gold ones last, each with its picture if it has one."""
    extra = gold.subjects if gold else []
    sure = {one.id for one in extra}
    open_ones = [one for one in source.subjects if one.id not in sure]
    if only is not None:
        wanted = set(only)
        open_ones = [one for one in open_ones if one.id in wanted]
    if settings.stratify == "family" and settings.sample and not any(o.family for o in open_ones):
        settings = settings.model_copy(update={"stratify": "none"})
    by = settings.stratify
    if not _pictured(settings, source):
        return [*sample(open_ones, settings.sample, by, settings.seed), *extra], []
    kept, rejects = stage_pictures(
        [*sample(open_ones, settings.sample, by, settings.seed), *extra],
        _pixels(settings, source), run.path / MEDIA, run.identity, progress,
    )  # fmt: skip
    return kept, rejects


def _pictured(settings: PrepareConfig, source: Source) -> bool:
    """Return whether tasks show a picture: always of kind picture, else where pixels are known."""
    if settings.kind == "article":
        return False
    if settings.kind == "review":
        return settings.images is not None or source.pixels is not None
    return True


def _pixels(settings: PrepareConfig, source: Source) -> Path:
    kind, _, folder = (settings.images or "").partition(":")
    path = Path(folder) if kind == "folder" and folder else source.pixels
    if path is None or (settings.images and kind != "folder"):
        raise ToolkitError(
            f"a {settings.kind} round shows pictures: say where the run's images lie with "
            "--images folder:DIR"
        )
    if not path.is_dir():
        raise ToolkitError(f"there is no image folder {path}: give it with --images folder:DIR")
    return path


def _pages(source: Source, gold: Source | None) -> dict[str, Page]:
    return {**(gold.pages if gold else {}), **source.pages}


def _write(
    run: Run,
    plan: RoundPlan,
    settings: PrepareConfig,
    chosen: Sequence[Subject],
    pages: dict[str, Page],
    rejects: Sequence[Reject],
) -> dict[str, Any]:
    """Publish the tables of the round and its report; return the figures."""
    asked = [one for one in chosen if one.origin != "gold"]
    if not asked:
        why = f" ({rejects[0].reason})" if rejects else ""
        raise ToolkitError(f"no question is left to ask{why}: see what --run and --sample give")
    given = assign([one.id for one in asked], plan.names, plan.overlap, plan.seed)
    made: dict[str, list[Made]] = {}
    for rater in plan.names:
        mine = [one for one in chosen if one.origin == "gold" or rater in given[one.id]]
        made[rater] = make_tasks(plan, rater, mine, pages, settings.article_chars)
        write_table(run.path / TASKS / f"{rater}.jsonl", (one.task for one in made[rater]))
    write_table(run.path / SUBJECTS, chosen)
    every = [one.assignment for tasks in made.values() for one in tasks]
    every.sort(key=lambda one: one.id)
    write_table(run.path / ASSIGNMENTS, every)
    write_table(run.path / REJECTS, rejects)
    with_image = any(one.media for one in chosen)
    publish_text(run.path / CONFIG, label_config(plan.kind, with_image))
    publish_text(run.path / ROUND, pretty(plan.model_dump(mode="json")))
    told = {
        "kind": plan.kind,
        "questions": len(asked),
        "disputed": sum(one.origin == "disputed" for one in asked),
        "gold": len(chosen) - len(asked),
        "tasks": len(every),
        "raters": {name: len(tasks) for name, tasks in made.items()},
        "rejects": dict(Counter(one.reason for one in rejects)),
    }
    finish(run, _summary(plan, told, asked), {"counts": told, "seed": plan.seed}, _data(run.path))
    return told


def _data(path: Path) -> list[Path]:
    named = [path / name for name in (ROUND, SUBJECTS, ASSIGNMENTS, CONFIG, REJECTS)]
    return named + sorted((path / TASKS).glob("*.jsonl")) + sorted((path / MEDIA).glob("*.jpg"))


def _summary(plan: RoundPlan, told: dict[str, Any], asked: Sequence[Subject]) -> Summary:
    return Summary(
        title="A round for people, prepared",
        eyebrow=f"Round {plan.round}, kind {plan.kind}",
        lead=(
            f"{told['questions']:,} questions, each for {plan.overlap} of {len(plan.raters)}"
            f" raters: {told['tasks']:,} tasks. This page is for whoever runs the round: it names"
            " no answer, but subjects.jsonl and assignments.jsonl hold the key. Give raters"
            " nothing but their links."
        ),
        figures={name: told[name] for name in ("questions", "disputed", "gold", "tasks")},
        counts={
            "Tasks by rater": told["raters"],
            "Questions by family": dict(Counter(one.family or "(none)" for one in asked)),
        },
        listings=[
            Listing(
                title="Questions",
                heads=("Class", "Question", "From"),
                rows=[(s.question.class_name, s.question.question, s.origin) for s in asked[:200]],
                total=len(asked),
                file=SUBJECTS,
            )
        ],
        files={
            "tasks/": "what each rater is asked: blind",
            CONFIG: "the page raters answer on",
            SUBJECTS: "the questions with their keys",
            ASSIGNMENTS: "what undoes each rater's order of the options",
        },
    )
