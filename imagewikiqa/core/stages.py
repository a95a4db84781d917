"""The one stage runner: skip what is done, commit per input, keep reject rows, stop when all fails.

A stage maps one input record to rows and rejects. Its results depend on the input and the stage's
settings alone, and tables are published in input order, so neither the number of workers nor a
kill changes a byte.
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from imagewikiqa.core.digests import digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.journal import Journal, open_journal
from imagewikiqa.core.progress import Progress, Silent
from imagewikiqa.core.records import Reject
from imagewikiqa.core.spread import spread
from imagewikiqa.core.tables import Addressable, write_table

In = TypeVar("In", bound=Addressable)
Out = TypeVar("Out", bound=BaseModel)
_LOG = logging.getLogger("imagewikiqa")
FAILURES_IN_A_ROW = 20
SMALL_JOB = 64  # starting worker processes costs more than this many cheap inputs


class RecordError(Exception):
    """One input cannot be worked on: it becomes a reject row and counts as a failure.

    `passing` tells that the fault is no fault of the input: a repeated command tries it again.
    """

    passing = False

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Outcome(Generic[Out]):
    """What a step made of one input. `failed` marks an input that could not be worked on.

    A `passing` failure stands in the tables of this run, and is tried again by the next one.
    """

    rows: tuple[Out, ...] = ()
    rejects: tuple[Reject, ...] = ()
    failed: bool = False
    passing: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage(Generic[In, Out]):
    """A named, versioned step.

    With `processes` the step must be picklable and is spread over worker processes when more than
    `spread_above` inputs are left; else `in_flight` steps wait side by side in one event loop.
    """

    name: str
    version: int
    settings: str  # digest of everything but the input that decides the rows
    step: Callable[[In], Awaitable[Outcome[Out]]]
    row: type[Out]
    input_digest: Callable[[In], str] = digest
    processes: bool = False
    spread_above: int = SMALL_JOB
    in_flight: int = 1


@dataclass(slots=True)
class StageReport:
    """Counts of one stage, for the summary and run.json."""

    stage: str
    inputs: int = 0
    reused: int = 0
    rows: int = 0
    rejects: dict[str, int] = field(default_factory=dict)


def run_stage(
    stage: Stage[In, Out],
    inputs: Sequence[In],
    *,
    work: Path,
    table: Path,
    workers: int = 1,
    progress: Progress | None = None,
) -> StageReport:
    """Finish every input, then publish the table and its rejects in input order.

    Raises ToolkitError after 20 failed inputs in a row: then the input or the settings are wrong.
    """
    watcher = progress or Silent()
    keys = [_key(stage, record) for record in inputs]
    if len(set(keys)) != len(keys):
        raise ValueError(f"stage {stage.name} was given the same input twice")
    journal = open_journal(work / f"{stage.name}.journal")
    try:
        todo = [(k, r) for k, r in zip(keys, inputs, strict=True) if k not in journal]
        report = StageReport(stage.name, inputs=len(inputs), reused=len(inputs) - len(todo))
        watcher.begin(stage.name, len(inputs), report.reused)
        try:
            passing = _finish(stage, todo, journal, workers, watcher)
        finally:
            watcher.end()
        _publish(
            stage, keys, lambda key: passing.get(key) or journal.read(key), work, table, report
        )
        if passing:
            _LOG.info(
                "%s: %d of %d inputs failed for reasons that may pass; the same command tries"
                " them again",
                stage.name, len(passing), len(keys),
            )  # fmt: skip
    finally:
        journal.close()
    return report


def _key(stage: Stage[In, Out], record: In) -> str:
    return digest([stage.name, stage.version, stage.settings, stage.input_digest(record)])


def _finish(
    stage: Stage[In, Out],
    todo: list[tuple[str, In]],
    journal: Journal,
    workers: int,
    watcher: Progress,
) -> dict[str, dict[str, Any]]:
    """Work through what is left, in order, committing each result as it comes.

    Failed inputs wait for the next one that works: were they committed, repeating a command that
    was stopped by 20 failures would pass by them, and a lost network would become lost records.
    So passing failures are not committed at all; they are returned as they would be stored.
    """
    passing: dict[str, dict[str, Any]] = {}
    failed: list[tuple[str, Outcome[Out]]] = []
    records = [record for _, record in todo]
    spread = stage.processes and workers > 1 and len(records) > stage.spread_above
    results = _in_processes(stage, records, workers) if spread else _in_loop(stage, records)
    with contextlib.closing(results):  # now, not when the traceback of an error is let go
        for (key, record), outcome in zip(todo, results, strict=True):
            if outcome.failed:
                failed.append((key, outcome))
                if len(failed) >= FAILURES_IN_A_ROW:
                    raise _hopeless(stage, record, outcome)
            else:
                _commit(journal, [*failed, (key, outcome)], passing, watcher)
                failed.clear()
    _commit(journal, failed, passing, watcher)
    return passing


def _commit(
    journal: Journal,
    outcomes: Sequence[tuple[str, Outcome[Out]]],
    passing: dict[str, dict[str, Any]],
    watcher: Progress,
) -> None:
    for key, outcome in outcomes:
        if outcome.passing:
            passing[key] = _stored(outcome)
        else:
            journal.commit(key, _stored(outcome))
        watcher.advance(1)


def _hopeless(stage: Stage[In, Out], record: In, outcome: Outcome[Out]) -> ToolkitError:
    last = outcome.rejects[-1]
    return ToolkitError(
        f"{FAILURES_IN_A_ROW} inputs of stage {stage.name} in a row failed, the last one "
        f"({record.id}) with '{last.reason}: {last.detail}': check the input and settings"
    )


def _stored(outcome: Outcome[Out]) -> dict[str, Any]:
    return {
        "rows": [row.model_dump(mode="json") for row in outcome.rows],
        "rejects": [reject.model_dump(mode="json") for reject in outcome.rejects],
    }


async def _guarded(stage: Stage[In, Out], record: In) -> Outcome[Out]:
    try:
        return await stage.step(record)
    except RecordError as error:
        reject = Reject(
            id=f"{stage.name}:{record.id}",
            stage=stage.name,
            input=record.id,
            reason=error.reason,
            detail=error.detail,
        )
        return Outcome(rejects=(reject,), failed=True, passing=error.passing)


def _in_loop(stage: Stage[In, Out], records: list[In]) -> Generator[Outcome[Out]]:
    """Run steps in this process, `in_flight` at a time, yielding in input order."""
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        running: deque[asyncio.Task[Outcome[Out]]] = deque()
        try:
            for record in records:
                task = loop.create_task(_guarded(stage, record))
                task.add_done_callback(lambda done: done.cancelled() or done.exception())
                running.append(task)
                if len(running) >= stage.in_flight:
                    yield loop.run_until_complete(running.popleft())
            while running:
                yield loop.run_until_complete(running.popleft())
        finally:
            _end(loop)


def _end(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what is still on its way and hear it out: the first error was raised already, and
    asyncio would print the others."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    while left:
        loop.run_until_complete(asyncio.wait(left))
        for task in left:
            if not task.cancelled():
                task.exception()
        left = asyncio.all_tasks(loop)


def _in_processes(
    stage: Stage[In, Out], records: list[In], workers: int
) -> Generator[Outcome[Out]]:
    """Run steps in worker processes, a bounded number ahead, yielding in input order."""
    size = max(1, min(16, len(records) // (workers * 4)))
    chunks = [records[at : at + size] for at in range(0, len(records), size)]
    results = spread(_work, chunks, workers, partial(_install, stage))
    with contextlib.closing(results):
        for outcomes in results:
            yield from outcomes


_STAGE: list[Stage[Any, Any]] = []


def _install(stage: Stage[Any, Any]) -> None:
    _STAGE[:] = [stage]


def _work(chunk: list[Any]) -> list[Outcome[Any]]:
    async def each() -> list[Outcome[Any]]:
        return [await _guarded(_STAGE[0], record) for record in chunk]

    return asyncio.run(each())


def _publish(
    stage: Stage[In, Out],
    keys: list[str],
    stored: Callable[[str], dict[str, Any]],
    work: Path,
    table: Path,
    report: StageReport,
) -> None:
    def rows() -> Iterator[Out]:
        for key in keys:
            for row in stored(key)["rows"]:
                yield stage.row.model_validate(row)

    def rejects() -> Iterator[Reject]:
        for key in keys:
            for row in stored(key)["rejects"]:
                reject = Reject.model_validate(row)
                report.rejects[reject.reason] = report.rejects.get(reject.reason, 0) + 1
                yield reject

    report.rows = write_table(table, rows())
    write_table(work / f"{stage.name}.rejects.jsonl", rejects())
