"""The main job: pages, draft, filter, assemble, audit, export, each resumable on its own."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from imagewikiqa.builders.pages import open_source
from imagewikiqa.builders.sample import sample_classes
from imagewikiqa.cli import stages
from imagewikiqa.cli.inputs import check_images, input_digests, read_previous
from imagewikiqa.cli.matching import matched_pages
from imagewikiqa.cli.models import (
    ModelAccess,
    ModelSpec,
    open_client,
    open_provider,
    parse_model,
    parse_models,
)
from imagewikiqa.cli.settings import RebuildConfig, as_config
from imagewikiqa.cli.wiki import (
    PINS,
    WikiAccess,
    WikiPages,
    check_source,
    is_wiki,
    open_wiki,
)
from imagewikiqa.core.classes import NAMED, load_classes
from imagewikiqa.core.code import code_digest
from imagewikiqa.core.digests import digest, file_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.ledger import Ledger
from imagewikiqa.core.progress import Progress
from imagewikiqa.core.records import ClassEntry, Draft, Judged, Page, Question, Reject
from imagewikiqa.core.runs import Run, open_run
from imagewikiqa.core.stages import Stage, StageReport, run_stage
from imagewikiqa.core.tables import read_table, write_table
from imagewikiqa.qa.assemble import keep_options
from imagewikiqa.qa.corpus.author import CorpusAuthor
from imagewikiqa.qa.corpus.facts import ClassFacts
from imagewikiqa.qa.corpus.forms import forms_ref
from imagewikiqa.qa.corpus_judge import CorpusJudge
from imagewikiqa.qa.filter import FilterSettings
from imagewikiqa.qa.leaks import LeakChecker
from imagewikiqa.qa.llm_author import AuthorSettings, LLMAuthor
from imagewikiqa.qa.llm_judge import LLMJudge
from imagewikiqa.qa.protocols import Judge

LEDGER = "ledger.sqlite"
DECIDING = tuple(f"imagewikiqa.{room}" for room in ("core", "prompts", "builders", "qa", "cli"))
REJECT_TABLES = ("match", "pages", "draft", "filter", "images", "assemble")


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
    named = {name: config.get(name) for name in ("classes", "pages", "images", "previous")}
    bound = {name: value for name, value in config.items() if name not in named}
    bound |= {name: _kind(value) for name, value in named.items() if value is not None}
    bound |= served
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
    _run(job, stages.pages_stage(), inputs, job.run.path / "pages.jsonl")
    if not _pages(job):
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


def run_draft(job: Job) -> None:
    """Let the author write about every class with a page: work/draft.jsonl."""
    pages = _pages(job)
    inputs = stages.subjects(job.classes, pages)
    settings = job.settings
    spec = parse_model(settings.author, "--author")
    key: list[Any] = [spec.kind, settings.seed, settings.mode, job.run.inputs["classes"]]
    if spec.is_corpus:
        checker = job.checker
        facts_key = digest([forms_ref(), job.run.inputs["classes"]])
        _run(job, stages.facts_stage(checker, facts_key), inputs, job.table("facts"))
        facts = list(read_table(job.table("facts"), ClassFacts))
        key.append(file_digest(job.table("facts")))
        author = CorpusAuthor(facts, checker, settings.seed)
    else:
        asked = AuthorSettings(questions=settings.per_class, seed=settings.seed)
        with Ledger(job.ledger) as ledger:
            llm = LLMAuthor(
                open_client(spec, job.models, ledger, job.run.identity), job.checker, asked
            )
            key += [llm.fingerprint, _script_digest(spec)]
            stage = stages.draft_stage(llm, digest(key), in_flight=16)
            _run(job, stage, inputs, job.table("draft"))
        return
    _run(job, stages.draft_stage(author, digest(key), in_flight=1), inputs, job.table("draft"))


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
                judges.append(CorpusJudge(_pages(job), job.listed))
                key.append(file_digest(job.run.path / "pages.jsonl"))
            else:
                llm = LLMJudge(open_client(spec, job.models, ledger, job.run.identity))
                judges.append(llm)
                key += [llm.fingerprint, _script_digest(spec)]
        stage = stages.filter_stage(judges, filtering, digest(key), remote=remote)
        _run(job, stage, _drafts(job), job.table("filter"))


def _run(job: Job, stage: Stage[Any, Any], inputs: Sequence[Any], table: Path) -> None:
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


def _pages(job: Job) -> list[Page]:
    return list(read_table(job.run.path / "pages.jsonl", Page))


def _script_digest(spec: ModelSpec) -> str:
    return file_digest(spec.script) if spec.script else ""


def write_rejects(job: Job, tables: Sequence[str] = REJECT_TABLES) -> list[Reject]:
    """Put the rejects of all stages into rejects.jsonl and return them."""
    found = [one for name in tables for one in read_table(job.table(f"{name}.rejects"), Reject)]
    write_table(job.run.path / "rejects.jsonl", found)
    return found


def most_often(rejects: Sequence[Reject], *stages_named: str) -> str:
    """Return the commonest reason of some stages as words: 'most often: too short, 12 times'."""
    reasons = Counter(one.reason for one in rejects if one.stage in stages_named)
    if not reasons:
        return "no reject says why"
    reason, count = reasons.most_common(1)[0]
    return f"most often: {reason}, {count} time{'s' if count > 1 else ''}"


def drafts_and_verdicts(job: Job) -> tuple[list[Draft], dict[str, Judged]]:
    """Return all drafts and their verdicts by id."""
    return _drafts(job), {one.id: one for one in read_table(job.table("filter"), Judged)}


def _drafts(job: Job) -> list[Draft]:
    """Return all drafts, those of an earlier release with the options they had in it."""
    return keep_options(list(read_table(job.table("draft"), Draft)), job.previous)


def plan(settings: RebuildConfig, limit: int | None) -> dict[str, Any]:
    """Return what a run would do, without doing it: classes, and calls to a model."""
    classes = len(checked_classes(settings)[:limit])
    judges = parse_models(settings.judge, "--judge")
    asked = sum(not spec.is_corpus for spec in judges)
    author = parse_model(settings.author, "--author")
    votes = settings.filter.votes + settings.filter.votes_with  # at most: most end early
    trials = 4 * votes if settings.mode == "strict" else 2
    return {
        "classes": classes,
        "author_calls": 0 if author.is_corpus else classes,
        "judge_calls_per_draft": asked * trials,
        "pages": settings.pages,
        "images": settings.image_source,
    }
