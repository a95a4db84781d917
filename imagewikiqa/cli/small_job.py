"""The run folder of a command that is not the main job: opened, reported, manifest last."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from imagewikiqa.cli.config import Closed
from imagewikiqa.core.code import code_digest
from imagewikiqa.core.digests import digest
from imagewikiqa.core.files import publish_text
from imagewikiqa.core.report.summary import Summary, write_summary
from imagewikiqa.core.runs import Run, finish_run, open_run, pretty

DECIDING = tuple(f"imagewikiqa.{room}" for room in ("core", "prompts", "builders"))
NO_COST: Mapping[str, Any] = {"calls": 0, "usd": 0.0, "models": {}}


@contextmanager
def small_job(
    out: Path,
    command: str,
    settings: Closed,
    inputs: Mapping[str, str],
    paths: Sequence[str] = (),
    free: Sequence[str] = (),
) -> Iterator[Run]:
    """Open the run folder of a command.

    `paths` are settings whose content is among the inputs, so that only their kind counts; `free`
    ones may change from one call to the next.
    """
    config = settings.model_dump(mode="json", exclude_none=True)
    bound = {"command": command}
    bound |= {name: value for name, value in config.items() if name not in {*paths, *free}}
    bound |= {name: _kind(config[name]) for name in paths if name in config}
    with open_run(out, bound, dict(inputs), config) as run:
        yield run


def _kind(value: Any) -> str:
    """Return the part of a source that is no path: 'dump:FILE' -> 'dump'; a FILE -> 'given'."""
    kind, colon, _ = str(value).partition(":")
    return kind if colon else "given"


def work_key(run: Run) -> str:
    """Return the key of unfinished work: what other code, settings or inputs began is not used."""
    return digest([run.identity, code_digest(DECIDING)])


def finish(
    run: Run,
    summary: Summary,
    lineage: Mapping[str, Any],
    data_files: Sequence[Path],
    cost: Mapping[str, Any] = NO_COST,
) -> None:
    """Write the report, cost.json, run.json and the manifest."""
    write_summary(run.path, summary)
    publish_text(run.path / "cost.json", pretty(dict(cost)))
    finish_run(run, dict(lineage), list(data_files))
