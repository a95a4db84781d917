"""One project per rater, holding exactly the tasks of the round, however often a push was cut."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from imagewikiqa.core.digests import canonical_json, digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.journal import Journal
from imagewikiqa.core.progress import Progress, Silent
from imagewikiqa.qa.label_studio.client import Server, UnsureError

T = TypeVar("T")
CHUNK_TASKS = 100
CHUNK_BYTES = 4_000_000
_POLL = 0.5  # seconds between looks at what a broken call did


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The project of one rater as it should be."""

    marker: str  # its description: how it is found again
    title: str
    label_config: str
    instructions: str
    keys: Sequence[str]  # ext_ids, in order
    row_of: Callable[[str], Mapping[str, Any]]  # ext_id -> data of the task; made when asked for


@dataclass(slots=True)
class Pushed:
    """What a push found and did in one project."""

    project: int
    imported: int = 0
    there: int = 0
    replaced: int = 0
    removed: int = 0  # second copies
    changed: list[str] = field(default_factory=list)  # ext_ids changed there and answered
    foreign: int = 0  # tasks that are not ours


@dataclass(frozen=True, slots=True)
class _Copy:
    """One task on the server that carries an ext_id of ours."""

    id: int
    same: bool  # as it was made
    answers: int


@dataclass(frozen=True, slots=True)
class Pusher:
    """Brings projects to what is wanted; a call that broke off is looked into, never repeated.

    `settle` is how many seconds an import that broke off may still land on the server; `journal`
    remembers across processes which imports are on their way.
    """

    server: Server
    journal: Journal
    settle: float = 60.0
    progress: Progress = field(default_factory=Silent)

    def push(
        self, wanted: Wanted, known: int | None = None, ready: Callable[[int], None] | None = None
    ) -> Pushed:
        """Make the rater's project equal to what is wanted and return what was done.

        `known` is its id, where that is known; `ready` is called with the id before any task is
        imported, to look at what the tasks will need. Raises ToolkitError when the server cannot
        be reached or does not hold the tasks in the end; the same push again goes on from there.
        """
        project = self._project(wanted, known)
        done = Pushed(project)
        if ready is not None:
            ready(project)
        self._wait_for_earlier(wanted, project)
        missing = self._clear(wanted, done)
        done.there = len(wanted.keys) - len(missing)
        self.progress.advance(done.there)
        for chunk in chunks(missing, wanted.row_of):
            self._import(project, chunk)
            done.imported += len(chunk)
            self.progress.advance(len(chunk))
        if lost := self._clear(wanted, done):
            raise ToolkitError(
                f"{len(lost):,} of {len(wanted.keys):,} tasks are not in project {project} of "
                f"{self.server.url}: run the same push again"
            )
        return done

    def _project(self, wanted: Wanted, known: int | None) -> int:
        """Return the rater's project: the one known, the one with its marker, or a new one."""
        if known is not None and (found := self.server.project(known)) is not None:
            if found.get("description") == wanted.marker:
                return self._configured(known, found, wanted)
        if (there := self._marked(wanted.marker)) is not None:
            return self._configured(there["id"], there, wanted)
        try:
            return self.server.create_project(
                title=wanted.title[:50],
                description=wanted.marker,
                label_config=wanted.label_config,
                expert_instruction=wanted.instructions,
                show_instruction=True,
                show_skip_button=True,
                enable_empty_annotation=False,
                show_collab_predictions=False,
                maximum_annotations=1,
                sampling="Sequential sampling",
            )
        except UnsureError as error:
            found = self._until(lambda: self._marked(wanted.marker), self.settle)
            if found is None:
                raise _broke_off(self.server.url, error) from error
            return int(found["id"])

    def _marked(self, marker: str) -> dict[str, Any] | None:
        """Return the project with a marker: the one with most tasks, then the oldest."""
        found = [one for one in self._listed() if one.get("description") == marker]
        found.sort(key=lambda one: (-(one.get("task_number") or 0), one["id"]))
        return found[0] if found else None

    def _listed(self) -> list[dict[str, Any]]:
        return _patiently(lambda: list(self.server.projects()), self.server.url)

    def _configured(self, project: int, found: Mapping[str, Any], wanted: Wanted) -> int:
        if found.get("label_config") != wanted.label_config:
            self.server.update_project(project, label_config=wanted.label_config)
        return project

    def _wait_for_earlier(self, wanted: Wanted, project: int) -> None:
        """Wait for imports of an earlier process that never heard how they ended."""
        for key in list(self.journal.spans):
            if not key.startswith(f"sent:{project}:") or _done(key) in self.journal:
                continue
            sent = self.journal.read(key)
            left = sent["at"] + self.settle - time.time()
            ids = set(sent["ext_ids"])
            self._landed(project, ids, max(0.0, left))
            self.journal.commit(_done(key), {})

    def _import(self, project: int, chunk: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
        """Import a chunk once; when the call breaks off, look whether it lands."""
        ids = [key for key, _ in chunk]
        now = time.time()
        sent = f"sent:{project}:{digest([ids, now])[:16]}"
        self.journal.commit(sent, {"at": now, "ext_ids": ids})
        self.journal.sync()
        try:
            self.server.import_tasks(project, [row for _, row in chunk])
        except UnsureError as error:
            if not self._landed(project, set(ids), self.settle):
                raise _broke_off(self.server.url, error) from error
        self.journal.commit(_done(sent), {})

    def _landed(self, project: int, ids: set[str], seconds: float) -> bool:
        """Return whether an import that broke off lands within so many seconds."""
        return bool(self._until(lambda: ids <= self._there(project) or None, seconds))

    def _there(self, project: int) -> set[str]:
        return _patiently(
            lambda: {str(row["data"].get("ext_id")) for row in self.server.tasks(project)},
            self.server.url,
        )

    def _until(self, look: Callable[[], Any], seconds: float) -> Any:
        """Look until there is something to see, for as long as a broken call may take to land."""
        end = time.monotonic() + seconds
        while True:
            if (found := look()) is not None or time.monotonic() >= end:
                return found
            time.sleep(_POLL)

    def _clear(self, wanted: Wanted, done: Pushed) -> list[str]:
        """Delete second copies and unanswered changed tasks; return the ext_ids still missing."""
        copies, done.foreign = _patiently(
            lambda: _copies(self.server.tasks(done.project), wanted), self.server.url
        )
        done.changed = []
        return [key for key, found in copies.items() if not self._keep_one(key, found, done)]

    def _keep_one(self, key: str, found: Sequence[_Copy], done: Pushed) -> bool:
        """Keep what is answered, else the oldest that is as it was made; return whether any is."""
        answered = [one for one in found if one.answers]
        sound = [one for one in found if one.same]
        kept = answered or sound[:1]
        for one in found:
            if one not in kept:
                _patiently(partial(self.server.delete_task, one.id), self.server.url)
                done.removed += one.same
                done.replaced += not one.same
        done.changed += [key] * any(not one.same for one in answered)
        return bool(kept)


def chunks(
    keys: Iterable[str], row_of: Callable[[str], Mapping[str, Any]]
) -> Iterator[list[tuple[str, Mapping[str, Any]]]]:
    """Yield tasks in chunks of at most CHUNK_TASKS tasks and about CHUNK_BYTES bytes."""
    chunk: list[tuple[str, Mapping[str, Any]]] = []
    size = 0
    for key in keys:
        row = row_of(key)
        chunk.append((key, row))
        size += len(canonical_json(row))
        if len(chunk) >= CHUNK_TASKS or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def look(rows: Iterable[Mapping[str, Any]], wanted: Wanted) -> dict[str, int]:
    """Return how many tasks of a project are missing, there twice or changed."""
    copies, _ = _copies(rows, wanted)
    return {
        "tasks are missing": sum(not found for found in copies.values()),
        "tasks are there twice": sum(len(found) > 1 for found in copies.values()),
        "tasks were changed": sum(not one.same for found in copies.values() for one in found),
    }


def _copies(
    rows: Iterable[Mapping[str, Any]], wanted: Wanted
) -> tuple[dict[str, list[_Copy]], int]:
    """Return the copies of each wanted task by ext_id, and how many rows are not ours."""
    copies: dict[str, list[_Copy]] = {key: [] for key in wanted.keys}
    foreign = 0
    for row in rows:
        key = str(row["data"].get("ext_id"))
        if key in copies:
            answers = row["total_annotations"] + row["cancelled_annotations"]
            copies[key].append(_Copy(row["id"], row["data"] == wanted.row_of(key), answers))
        else:
            foreign += 1
    return copies, foreign


def _patiently(call: Callable[[], T], url: str) -> T:
    """Return what a call that changes nothing, or nothing twice, answers; three tries."""
    for turn in range(3):
        try:
            return call()
        except UnsureError as error:
            if turn == 2:
                raise _broke_off(url, error) from error
            time.sleep(1 + turn)
    raise AssertionError("unreachable")


def _broke_off(url: str, error: UnsureError) -> ToolkitError:
    return ToolkitError(
        f"{url} did not finish: {error}; nothing is lost, run the same command again"
    )


def _done(sent: str) -> str:
    return f"done:{sent}"
