"""What a wiki answered stays: through kills, beside other processes, and never damaged silently."""

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.builders.wiki.api import open_store
from imagewikiqa.builders.wiki.records import Fate
from imagewikiqa.builders.wiki.store import Exchange, ResponseStore, Revision
from imagewikiqa.core.errors import ToolkitError

REPO = Path(__file__).resolve().parents[3]
SPAWN = multiprocessing.get_context("spawn")
TEXTS = st.text(st.characters(codec="utf-8"))


def revision(number: int, text: str = "Text.", problem: str = "") -> Revision:
    return Revision(
        host="wiki.test",
        revision_id=number,
        page_id=1,
        title="Tiger",
        timestamp="2024-05-01T10:00:00Z",
        wikitext=text,
        problem=problem,
    )


def exchange(request: str = "GET http://wiki.test/a", body: bytes = b"{}") -> Exchange:
    return Exchange(request=request, status=200, headers={"etag": "1"}, body=body, usable=True)


@given(text=TEXTS, body=st.binary())
def test_texts_and_answers_come_back_as_they_were(
    text: str, body: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("store") / "store.sqlite"
    with ResponseStore(path) as store:
        store.add([revision(1, text)])
        store.record(exchange(body=body))
    with ResponseStore(path) as store:
        assert store.revision("wiki.test", 1) == revision(1, text)
        answer = store.answer("GET http://wiki.test/a")
        assert answer is not None
        assert (answer.status, answer.headers, answer.body) == (200, {"etag": "1"}, body)


def test_the_first_text_of_a_revision_stays(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "store.sqlite") as store:
        store.add([revision(1, "first")])
        store.add([revision(1, "second")])
        assert store.revision("wiki.test", 1).wikitext == "first"
        with pytest.raises(KeyError):
            store.revision("wiki.test", 2)
        with pytest.raises(KeyError):
            store.revision("other.test", 1)


def test_the_last_usable_answer_counts(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "store.sqlite") as store:
        assert store.answer("GET http://wiki.test/a") is None
        store.record(exchange(body=b"old"))
        store.record(exchange(body=b"new"))
        worse = Exchange(
            request="GET http://wiki.test/a", status=500, headers={}, body=b"no", usable=False
        )
        store.record(worse)
        answer = store.answer("GET http://wiki.test/a")
        assert answer is not None
        assert answer.body == b"new"


def test_what_a_site_said_about_a_title_is_found_by_its_time(tmp_path: Path) -> None:
    fate = Fate(asked="tiger", outcome="page", title="Tiger", normalized="Tiger", page_id=1)
    with ResponseStore(tmp_path / "store.sqlite") as store:
        store.keep_fates("wiki.test", [fate])
        later = fate.model_copy(update={"title": "Tiger (animal)"})
        store.keep_fates("wiki.test", [later])
        assert store.fate("wiki.test", "tiger") == later
        assert store.fate("wiki.test", "tiger", since="9999") is None
        assert store.fate("wiki.test", "Tiger") is None


def test_threads_may_share_a_store(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "store.sqlite") as store:
        threads = [
            threading.Thread(target=lambda n=n: store.add([revision(n, f"text {n}")]))
            for n in range(40)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(store.revision("wiki.test", n).wikitext == f"text {n}" for n in range(40))


def _fill(path: Path, start: int) -> None:
    with open_store(path) as store:
        for number in range(start, start + 50):
            store.add([revision(number, f"text {number}")])


def test_processes_may_share_a_store(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    workers = [SPAWN.Process(target=_fill, args=(path, start)) for start in (0, 25, 50)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
        assert worker.exitcode == 0
    with ResponseStore(path) as store:
        assert all(store.revision("wiki.test", n).wikitext == f"text {n}" for n in range(100))


def _fetch_forever(path: Path, held: Event) -> None:
    with open_store(path) as store, store.only_fetcher():
        held.set()
        threading.Event().wait(600)


def test_one_process_fetches_at_a_time_and_a_dead_one_does_not(tmp_path: Path) -> None:
    path, held = tmp_path / "store.sqlite", SPAWN.Event()
    worker = SPAWN.Process(target=_fetch_forever, args=(path, held))
    worker.start()
    assert held.wait(60)
    entered = threading.Event()

    def wait() -> None:
        with open_store(path) as store, store.only_fetcher():
            entered.set()

    waiter = threading.Thread(target=wait, daemon=True)
    waiter.start()
    assert not entered.wait(0.3)
    assert worker.pid is not None
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    assert entered.wait(60)
    waiter.join()


ENDLESS = """
    import sys
    from pathlib import Path
    from imagewikiqa.builders.wiki.store import Exchange, ResponseStore
    from tests.builders.wiki.test_store import exchange, revision
    store = ResponseStore(Path(sys.argv[1]), lambda e: [revision(int(e.body))])
    for number in range(10_000_000):
        store.record(exchange(f"GET {number}", str(number).encode()))
        print(number, flush=True)
"""


def test_what_was_acknowledged_before_a_kill_is_there_after_it(tmp_path: Path) -> None:
    for round_ in range(3):
        path = tmp_path / f"{round_}.sqlite"
        child = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(ENDLESS), str(path)],
            stdout=subprocess.PIPE,
            cwd=REPO,
        )
        assert child.stdout is not None
        said = [int(child.stdout.readline()) for _ in range(20 + 7 * round_)]
        child.kill()
        said += [int(line) for line in child.stdout.read().split(b"\n")[:-1]]
        child.wait()
        child.stdout.close()
        with ResponseStore(path) as store:
            for number in said:
                assert store.revision("wiki.test", number)
                assert store.answer(f"GET {number}")
            # An answer and the revision in it are there together or not at all.
            after = said[-1] + 1
            assert (store.answer(f"GET {after}") is None) != store.has("wiki.test", after)


def test_a_revision_is_taken_out_of_the_answer_that_holds_it(tmp_path: Path) -> None:
    with ResponseStore(tmp_path / "s.sqlite", lambda e: [revision(7, e.body.decode())]) as store:
        store.record(exchange(body=b"seven"))
        assert store.revision("wiki.test", 7).wikitext == "seven"


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"not a database, and long enough to be looked at" * 200,
        lambda data: data[: len(data) // 2],
        lambda data: data[:100] + bytes(len(data) - 100),
        lambda data: data[:4096] + b"\xff" * (len(data) - 4096),
    ],
    ids=["text", "cut", "zeros", "ones"],
)
def test_a_damaged_store_is_one_sentence(damage: object, tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with ResponseStore(path) as store:
        store.add([revision(n, f"{n} " * 500) for n in range(200)])
    assert callable(damage)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ToolkitError, match=r"the store .* is damaged|is a database, but no store"):
        with ResponseStore(path) as store:
            for n in range(200):
                store.revision("wiki.test", n)


def test_a_changed_text_in_the_store_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with ResponseStore(path) as store:
        store.add([revision(1), revision(2, "Other.")])
    with sqlite3.connect(path) as db:
        db.execute(
            "update revisions set wikitext ="
            " (select wikitext from revisions where revision_id = 2) where revision_id = 1"
        )
    db.close()
    with (
        ResponseStore(path) as store,
        pytest.raises(ToolkitError, match="revision 1 does not match its digest"),
    ):
        store.revision("wiki.test", 1)


def test_another_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "photos.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("create table photos (name text)")
    db.close()
    with pytest.raises(ToolkitError, match="is no store of a wiki.s answers of format 1"):
        ResponseStore(path)
    with sqlite3.connect(path) as db:
        assert [row[0] for row in db.execute("select name from sqlite_master")] == ["photos"]
    db.close()


def test_a_store_that_cannot_be_opened_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ToolkitError, match="cannot use the store"):
        ResponseStore(tmp_path / "folder")
