"""A project holds exactly the tasks of the round, however often a push was cut."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.journal import open_journal
from imagewikiqa.qa.label_studio.client import Server, UnsureError
from imagewikiqa.qa.label_studio.environment import Environment
from imagewikiqa.qa.label_studio.people import Account, access_token
from imagewikiqa.qa.label_studio.process import Running as Started
from imagewikiqa.qa.label_studio.process import running_server
from imagewikiqa.qa.label_studio.projects import CHUNK_TASKS, Pushed, Pusher, Wanted, chunks
from imagewikiqa.qa.rounds.label_config import label_config
from tests.label_studio import Running
from tests.qa.label_studio.cuts import CUTS, CutTransport

NUMBERS = count()
TASK = {"class_name": "tiger", "choices": [], "sections": [], "evidence": "It eats deer."}


def wanted(tasks: int, name: str | None = None) -> Wanted:
    """Return a project of a rater that no other test has."""
    marker = name or f"test {next(NUMBERS)}"
    rows = {
        f"{marker}-{at}": {**TASK, "ext_id": f"{marker}-{at}", "question": f"What? {at}"}
        for at in range(tasks)
    }
    return Wanted(
        marker=marker, title=f"Test {marker}", label_config=label_config("article", False).strip(),
        instructions="Answer.", keys=tuple(rows), row_of=rows.__getitem__,
    )  # fmt: skip


@contextmanager
def pusher(
    running: Running, work: Path, *cuts: str, settle: float = 8.0
) -> Iterator[tuple[Pusher, CutTransport]]:
    transport = CutTransport(cuts)
    server = Server(running.url, running.token, transport=transport)
    journal = open_journal(work / "push.journal")
    try:
        yield Pusher(server, journal, settle=settle), transport
    finally:
        journal.close()
        server.close()
        transport.close()


def there(running: Running, project: int) -> list[dict[str, Any]]:
    server = Server(running.url, running.token)
    rows = list(server.tasks(project))
    server.close()
    return rows


def assert_exactly(running: Running, done: Pushed, asked: Wanted) -> None:
    """Compare a project with what was wanted: every task once, as it was made, in any order."""
    rows = there(running, done.project)
    assert sorted(row["data"]["ext_id"] for row in rows) == sorted(asked.keys)
    assert all(row["data"] == asked.row_of(row["data"]["ext_id"]) for row in rows)


def test_a_second_push_adds_nothing(label_studio: Running, tmp_path: Path) -> None:
    asked = wanted(7)
    with pusher(label_studio, tmp_path) as (push, _):
        first = push.push(asked)
        second = push.push(asked)
    assert (first.imported, first.there) == (7, 0)
    assert (second.project, second.imported, second.there) == (first.project, 0, 7)
    assert_exactly(label_studio, second, asked)


def test_a_project_is_found_by_its_marker_when_nothing_is_known(
    label_studio: Running, tmp_path: Path
) -> None:
    asked = wanted(2)
    with pusher(label_studio, tmp_path / "a") as (push, _):
        first = push.push(asked)
    with pusher(label_studio, tmp_path / "b") as (push, _):
        assert push.push(asked).project == first.project


@pytest.mark.parametrize("cut", ["lost answer", "client time-out"])
def test_an_import_that_broke_off_is_looked_for_and_not_repeated(
    cut: str, label_studio: Running, tmp_path: Path
) -> None:
    asked = wanted(5)
    with pusher(label_studio, tmp_path, cut) as (push, transport):
        done = push.push(asked)
        assert transport.imports == 1
    assert_exactly(label_studio, done, asked)


def test_the_next_push_waits_for_an_import_that_is_still_on_its_way(
    label_studio: Running, tmp_path: Path
) -> None:
    asked = wanted(5)
    with pusher(label_studio, tmp_path, settle=8) as (push, _):
        project = push.push(wanted(0, asked.marker)).project
    transport = CutTransport(["client time-out"], late=2.5)
    impatient = Server(label_studio.url, label_studio.token, transport=transport)
    with open_journal_of(tmp_path) as journal, pytest.raises(ToolkitError, match="did not finish"):
        Pusher(impatient, journal, settle=0).push(asked, project)
    assert there(label_studio, project) == []  # not landed yet
    with pusher(label_studio, tmp_path) as (push, second):
        done = push.push(asked, project)
        assert second.imports == 0
    transport.close()
    assert_exactly(label_studio, done, asked)


@contextmanager
def open_journal_of(work: Path) -> Iterator[Any]:
    journal = open_journal(work / "push.journal")
    try:
        yield journal
    finally:
        journal.close()


def test_a_request_that_never_arrived_is_sent_by_the_next_push(
    label_studio: Running, tmp_path: Path
) -> None:
    asked = wanted(3)
    with pusher(label_studio, tmp_path, "lost request", settle=1) as (push, _):
        with pytest.raises(ToolkitError, match="run the same command again"):
            push.push(asked)
    with pusher(label_studio, tmp_path, settle=1) as (push, _):
        done = push.push(asked)
    assert_exactly(label_studio, done, asked)


def test_second_copies_are_removed_and_an_answered_one_is_kept(
    label_studio: Running, tmp_path: Path
) -> None:
    asked = wanted(3)
    with pusher(label_studio, tmp_path) as (push, _):
        project = push.push(asked).project
        push.server.import_tasks(project, [asked.row_of(key) for key in asked.keys])
        newest = there(label_studio, project)[-1]
        label_studio.annotate(newest["id"], [])
        done = push.push(asked)
    assert done.removed == 3
    assert_exactly(label_studio, done, asked)
    assert newest["id"] in {row["id"] for row in there(label_studio, project)}


def test_a_task_changed_on_the_server_is_replaced_unless_it_was_answered(
    label_studio: Running, tmp_path: Path
) -> None:
    asked = wanted(3)
    with pusher(label_studio, tmp_path) as (push, _):
        project = push.push(asked).project
        first, second, _ = there(label_studio, project)
        for row in (first, second):
            label_studio.change(row["id"], {**row["data"], "question": "Changed?"})
        label_studio.annotate(second["id"], [])
        done = push.push(asked)
    assert (done.replaced, done.changed) == (1, [second["data"]["ext_id"]])
    texts = {row["data"]["ext_id"]: row["data"]["question"] for row in there(label_studio, project)}
    assert texts[first["data"]["ext_id"]] != "Changed?"
    assert texts[second["data"]["ext_id"]] == "Changed?"


def test_tasks_that_are_not_ours_are_left_alone(label_studio: Running, tmp_path: Path) -> None:
    asked = wanted(2)
    with pusher(label_studio, tmp_path) as (push, _):
        project = push.push(asked).project
        push.server.import_tasks(project, [{**TASK, "question": "theirs"}])
        done = push.push(asked)
    assert done.foreign == 1 and len(there(label_studio, project)) == 3


def test_a_lost_answer_to_the_creation_of_a_project_makes_no_second_one(
    label_studio: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = wanted(1)
    with pusher(label_studio, tmp_path) as (push, _):
        create = push.server.create_project

        def lost(**fields: Any) -> int:
            create(**fields)
            raise UnsureError("the answer was lost")

        monkeypatch.setattr(push.server, "create_project", lost)
        done = push.push(asked)
        marked = [one for one in push.server.projects() if one["description"] == asked.marker]
    assert [one["id"] for one in marked] == [done.project]


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_an_import_cut_at_any_point_leaves_every_task_once(
    label_studio: Running, tmp_path: Path, full_faults: bool, record_property: Any
) -> None:
    """F8: each push meets cuts at its imports, by turns of every kind, until one ends."""
    points = 20 if full_faults else 4
    tries = 0
    for point in range(points):
        asked = wanted(2 * CHUNK_TASKS + 30)
        cuts = ["", CUTS[point % 3], CUTS[(point // 3) % 3]][point % 2 :]
        done = None
        while done is None:
            tries += 1
            with pusher(label_studio, tmp_path / str(point), *cuts, settle=2) as (push, _):
                try:
                    done = push.push(asked)
                except ToolkitError:
                    cuts = []
        assert_exactly(label_studio, done, asked)
    record_property("faults", f"{points} cuts, {tries} pushes, 0 lost, 0 twice")


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_a_server_killed_during_an_import_holds_every_task_once_in_the_end(
    server_environment: Environment, tmp_path: Path, full_faults: bool, record_property: Any
) -> None:
    """F8: kill -9 of the server at moments spread over the imports, then start and push again."""
    points = 10 if full_faults else 2
    landed = 0
    for point in range(points):
        asked = wanted(3 * CHUNK_TASKS)
        work = tmp_path / f"work-{point}"
        with running_server(server_environment, tmp_path / "data") as server:
            here = running(server, tmp_path)
            with pusher(here, work, settle=2) as (push, transport):
                project = push.push(wanted(0, asked.marker)).project
                killer = threading.Thread(
                    target=kill_at, args=(server.pid, transport, 1 + point % 3, 0.02 * (point % 5))
                )
                killer.start()
                with pytest.raises(ToolkitError):
                    push.push(asked, project)
                killer.join()
        with running_server(server_environment, tmp_path / "data") as server:
            here = running(server, tmp_path)
            landed += len(there(here, project))
            with pusher(here, work, settle=2) as (push, _):
                done = push.push(asked, project)
            assert_exactly(here, done, asked)
    record_property("faults", f"{points} kills, {landed} tasks landed before, 0 lost, 0 twice")


def running(server: Started, folder: Path) -> Running:
    """Return a server of this test's own with a token of its administrator."""
    account = Account(server.email, server.password)
    return Running(server.url, access_token(server.url, account), account, folder)


def kill_at(pid: int, transport: CutTransport, which: int, later: float) -> None:
    """Kill a server a moment after an import was sent to it."""
    while transport.imports < which:
        time.sleep(0.002)
    time.sleep(later)
    os.kill(pid, signal.SIGKILL)


def test_chunks_hold_every_task_once_and_stay_small() -> None:
    asked = wanted(3 * CHUNK_TASKS + 1)
    found = list(chunks(asked.keys, asked.row_of))
    assert [key for chunk in found for key, _ in chunk] == list(asked.keys)
    assert [len(chunk) for chunk in found] == [CHUNK_TASKS] * 3 + [1]
    big = list(chunks("ab", lambda key: {"image": "x" * 5_000_000}))
    assert [len(chunk) for chunk in big] == [1, 1]
