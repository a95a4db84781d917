"""A ledger of the first format keeps all that was paid and takes batches from then on."""

import asyncio
import sqlite3
import zlib
from pathlib import Path

import pytest

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.batch_ledger import BatchLedger, open_batches
from imagewikiqa.core.llm.client import user_request
from imagewikiqa.core.llm.ledger import FORMAT, Ledger, asked_of

# The file as the first format made it, word for word.
FIRST = """
create table requests (key text primary key, body blob not null) without rowid;
create table attempts (
    id integer primary key, key text not null, provider text not null, model text not null,
    prompt text not null, status text not null, raw blob, answered_by text, request_id text,
    input_tokens integer, output_tokens integer, usd real, error text, run text not null,
    started_at text not null, ended_at text
);
create index attempts_by_key on attempts (key, id);
create unique index one_answer on attempts (key)
    where status in ('answered', 'ok', 'truncated', 'refused', 'filtered');
pragma application_id = 1769434220;
pragma user_version = 1;
"""


def first_format(file: Path, version: int = 1) -> list[str]:
    """Make a ledger of the first format with answers; return their keys."""
    db = sqlite3.connect(file)
    db.executescript(FIRST)
    db.execute(f"pragma user_version = {version}")
    keys = []
    for number, status in enumerate(("ok", "error", "answered", "started")):
        keys.append(asked_of("test", user_request("m", "p@1", f"q{number}", 10)).key)
        raw = zlib.compress(b"raw %d" % number) if status in ("ok", "answered") else None
        db.execute(
            "insert into attempts (key, provider, model, prompt, status, raw, usd, run, started_at)"
            " values (?, 'test', 'm', 'p@1', ?, ?, 0.5, 'r', '2026-01-01T00:00:00+00:00')",
            (keys[-1], status, raw),
        )
        db.execute("insert into requests values (?, ?)", (keys[-1], zlib.compress(b"{}")))
    db.commit()
    db.close()
    return keys


def test_a_ledger_of_the_first_format_loses_nothing(tmp_path: Path) -> None:
    file = tmp_path / "l.sqlite"
    keys = first_format(file)
    for _ in range(2):
        with Ledger(file) as ledger:
            rows = list(ledger.attempts())
            assert [row.key for row in rows] == keys
            assert [row.status for row in rows] == ["ok", "error", "answered", "started"]
            assert {row.batch for row in rows} == {None}
            stored = ledger.answer(keys[0])
            assert stored and (stored.raw, stored.settled, stored.batched) == (
                b"raw 0",
                True,
                False,
            )
            assert ledger.cost("r")["m"]["usd"] == 2.0
            assert ledger.body(keys[3]) == "{}"
    db = sqlite3.connect(file)
    assert db.execute("pragma user_version").fetchone() == (FORMAT,)
    new = tmp_path / "new.sqlite"
    Ledger(new).close()
    columns = "select name from pragma_table_info(?)"
    for table in ("attempts", "batches", "requests"):
        other = sqlite3.connect(new)
        assert (
            db.execute(columns, (table,)).fetchall() == other.execute(columns, (table,)).fetchall()
        )
        other.close()
    db.close()


def test_an_upgraded_ledger_takes_batches(tmp_path: Path) -> None:
    first_format(tmp_path / "l.sqlite")
    request = user_request("m", "p@1", "new", 10)

    async def run() -> None:
        with Ledger(tmp_path / "l.sqlite") as ledger:
            book = BatchLedger(ledger, "test", "m", "r")
            batch = await book.intend({asked_of("test", request).key: request})
            assert [one.id for one in book.open()] == [batch.id]
            await book.submitted(batch, "b-1")
            assert book.known() == {"b-1"}
            await book.end(batch, "completed", 1)
            assert open_batches(ledger, "test", "m") == []

    asyncio.run(run())


def test_an_upgrade_that_was_cut_off_leaves_the_old_ledger(tmp_path: Path) -> None:
    file = tmp_path / "l.sqlite"
    keys = first_format(file)
    db = sqlite3.connect(file)
    db.execute("create table batches (id integer)")  # the second statement will fail
    db.commit()
    with pytest.raises(ToolkitError, match="cannot be used"):
        Ledger(file)
    assert db.execute("pragma user_version").fetchone() == (1,)
    assert "batch" not in [row[1] for row in db.execute("pragma table_info(attempts)")]
    db.execute("drop table batches")
    db.commit()
    db.close()
    with Ledger(file) as ledger:
        assert [row.key for row in ledger.attempts()] == keys


def test_a_ledger_of_a_later_format_is_refused(tmp_path: Path) -> None:
    first_format(tmp_path / "l.sqlite", FORMAT + 1)
    with pytest.raises(ToolkitError, match=f"format {FORMAT}"):
        Ledger(tmp_path / "l.sqlite")
