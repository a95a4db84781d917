"""One opened run of the main job and what its stages share."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from imagewikiqa.builders.sample import sample_classes
from imagewikiqa.cli.inputs import check_images, input_digests, read_against, read_previous
from imagewikiqa.cli.models import ModelAccess, open_provider, parse_model, parse_models
from imagewikiqa.cli.settings import RebuildConfig, as_config
from imagewikiqa.cli.wiki import WikiAccess, check_source
from imagewikiqa.core.classes import NAMED, load_classes
from imagewikiqa.core.code import code_digest
from imagewikiqa.core.digests import digest
from imagewikiqa.core.progress import Progress
from imagewikiqa.core.records import ClassEntry, Question
from imagewikiqa.core.runs import Run, open_run
from imagewikiqa.core.stages import Stage, StageReport, run_stage
from imagewikiqa.qa.audit.contamination import Text
from imagewikiqa.qa.leaks import LeakChecker

LEDGER = "ledger.sqlite"
_ROOMS = ("core", "prompts", "builders", "qa", "cli", "eval.models")  # whose code decides rows
DECIDING = tuple(f"imagewikiqa.{room}" for room in _ROOMS)


@dataclass(slots=True)
class Job:
    """One opened run and what its stages share."""

    run: Run
    settings: RebuildConfig
    listed: Sequence[ClassEntry]  # all of --classes: what one class gives does not hang on --limit
    classes: Sequence[ClassEntry]  # the first of them, up to --limit
    limit: int | None
    workers: int
    progress: Progress
    wiki: WikiAccess
    models: ModelAccess
    reports: list[StageReport] = field(default_factory=list)

    @property
    def checker(self) -> LeakChecker:
        """Return the leak checker: ImageNet's names tell which words are common, in any run."""
        known = {entry.id for entry in self.listed}
        others = [entry for entry in load_classes("imagenet") if entry.id not in known]
        return LeakChecker([*self.listed, *others])

    @property
    def previous(self) -> dict[str, Question]:
        """Return the questions of an earlier release by id; none without --previous."""
        return read_previous(self.settings.previous) if self.settings.previous else {}

    @property
    def against(self) -> list[Text]:
        """Return the questions of another set, none of which is released."""
        return read_against(self.settings.against) if self.settings.against else []

    @property
    def ledger(self) -> Path:
        """Return the file of every attempt to ask a model, kept beside what was made of them."""
        return self.run.path / LEDGER

    def table(self, name: str) -> Path:
        """Return the path of an intermediate table."""
        return self.run.work / f"{name}.jsonl"


def class_list(spec: str) -> Sequence[ClassEntry]:
    """Return the classes of --classes; `sample` are those with an embedded article."""
    return sample_classes() if spec == "sample" else load_classes(spec)


def checked_classes(settings: RebuildConfig) -> Sequence[ClassEntry]:
    """Return the classes; raise ToolkitError for what can be known to be wrong before any work."""
    check_source(settings.pages)
    parse_model(settings.author, "--author")
    parse_models(settings.judge, "--judge")
    classes = class_list(settings.classes)
    check_images(settings, classes)
    if settings.previous is not None:
        read_previous(settings.previous)
    if settings.against is not None:
        read_against(settings.against)
    return classes


@contextmanager
def open_job(
    out: Path,
    settings: RebuildConfig,
    *,
    workers: int,
    limit: int | None,
    progress: Progress,
    wiki: WikiAccess = WikiAccess(),  # noqa: B008 - it is frozen
    models: ModelAccess | None = None,
) -> Iterator[Job]:
    """Open the run folder of these settings and hold it."""
    classes = checked_classes(settings)
    access = models or ModelAccess()
    specs = [parse_model(settings.author, "--author"), *parse_models(settings.judge, "--judge")]
    served = access.settings(specs)
    for spec in specs:
        if not spec.is_corpus:
            open_provider(spec, access)
    config = as_config(settings)
    # Files are told apart by content, so that a moved class list or dump is still the same run.
    files = ("classes", "pages", "images", "previous", "against")
    named = {name: config.get(name) for name in files}
    bound = {name: value for name, value in config.items() if name not in named}
    bound |= {name: _kind(value) for name, value in named.items() if value is not None}
    bound |= {"author": specs[0].bound, "judge": [spec.bound for spec in specs[1:]]} | served
    inputs = input_digests(settings, classes, wiki.site(settings.language))
    with open_run(out, bound, inputs, config) as run:
        chosen = classes if limit is None else classes[:limit]
        yield Job(run, settings, classes, chosen, limit, workers, progress, wiki, access)


def _kind(value: Any) -> str:
    """Return the part of a source that is no path: 'dump:FILE' -> 'dump'; a FILE -> 'file'."""
    text = str(value)
    if text in {*NAMED, "sample", "none", "imagenet-val", "wikipedia"}:
        return text
    kind, colon, _ = text.partition(":")
    return kind if colon and kind in {"dump", "folder", "index", "pins"} else "file"


def run_one(job: Job, stage: Stage[Any, Any], inputs: Sequence[Any], table: Path) -> None:
    """Run a stage; what other code finished, as before an upgrade, is done again."""
    report = run_stage(
        replace(stage, settings=digest([stage.settings, code_digest(DECIDING)])),
        inputs,
        work=job.run.work,
        table=table,
        workers=job.workers,
        progress=job.progress,
    )
    job.reports.append(report)
