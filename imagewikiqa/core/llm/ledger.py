"""The ledger: every attempt to ask a model, in one SQLite file, so that no answer is paid twice.

An attempt is committed before it is sent, and its raw answer before anything is read in it. What is
read (finish, tokens, price) can be read again from the raw bytes.
"""

import asyncio
import contextlib
import hashlib
import queue
import sqlite3
import threading
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import Field
from pydantic_core import to_json

from imagewikiqa.core.closing import Closing
from imagewikiqa.core.database import open_database
from imagewikiqa.core.digests import canonical_json
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.client import Message, Request, TextPart
from imagewikiqa.core.records import Part, Sha256

Status = Literal[
    "started", "answered", "ok", "truncated", "refused", "filtered", "invalid", "error"
]
FORMAT = 1
_LEVEL = 1  # of zlib: a quarter of the time of level 6 for a tenth more bytes
_APPLICATION = 0x69776C6C  # "iwll": marks the file as ours
_SCHEMA = """
create table requests (
    key text primary key,       -- sha256 of provider and canonical request
    body blob not null          -- that JSON, deflated; images by their sha256
) without rowid;
create table attempts (
    id integer primary key,
    key text not null,
    provider text not null,
    model text not null,        -- asked for
    prompt text not null,       -- template and digest
    status text not null,
    raw blob,                   -- the answer as it came, deflated
    answered_by text,           -- the model that answered
    request_id text,            -- the provider's own
    input_tokens integer,
    output_tokens integer,
    usd real,                   -- null where no price is known
    error text,
    run text not null,
    started_at text not null,
    ended_at text
);
create index attempts_by_key on attempts (key, id);
create unique index one_answer on attempts (key)
    where status in ('answered', 'ok', 'truncated', 'refused', 'filtered');
"""


class Attempt(Part):
    """One attempt as the ledger tells it; `key` is the digest of provider and request."""

    id: int
    key: Sha256
    provider: str
    model: str
    prompt: str
    status: Status
    answered_by: str | None = None
    request_id: str | None = None
    input_tokens: int | None = Field(None, ge=0)
    output_tokens: int | None = Field(None, ge=0)
    usd: float | None = Field(None, description="null where no price is known")
    error: str | None = None
    run: str
    started_at: str
    ended_at: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A stored answer: the attempt that got it, the raw bytes, and whether they were read."""

    attempt: int
    raw: bytes
    settled: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A request and whom it goes to, as one canonical JSON text, which is made once."""

    provider: str
    request: Request
    body: bytes
    key: str


def asked_of(provider: str, request: Request) -> Asked:
    """Return what is asked, with its key: the digest of everything that decides the answer.

    The body is `canonical_json([provider, request])`, in a fifth of the time: the turns, nearly all
    of it, hold strings alone, which pydantic writes as json does.
    """
    fields = request.model_dump(mode="json", exclude={"messages"})
    before = canonical_json({name: said for name, said in fields.items() if name < "messages"})
    after = canonical_json({name: said for name, said in fields.items() if name > "messages"})
    turns = to_json([_sorted_turn(turn) for turn in request.messages])
    head = f'[{canonical_json(provider)},{before[:-1]},"messages":'
    body = b"%s%s,%s]" % (head.encode(), turns, after[1:].encode())
    return Asked(provider, request, body, hashlib.sha256(body).hexdigest())


def _sorted_turn(turn: Message) -> dict[str, Any]:
    parts = [
        {"kind": "text", "text": part.text}
        if isinstance(part, TextPart)
        else {"kind": "image", "media_type": part.media_type, "sha256": part.sha256}
        for part in turn.content
    ]
    return {"content": parts, "role": turn.role}


@dataclass(frozen=True, slots=True)
class _Kind:
    """A statement that writes many rows at once, and what stands for one row in it.

    SQLite gives Python's lock away at every step, and a busy loop is slow to give it back: rows
    written one by one wait for it longer than for the disk.
    """

    statement: str
    row: str


@dataclass(frozen=True, slots=True)
class _Job:
    """A row to write, what to deflate in it, and the future of the caller who waits in a loop."""

    kind: _Kind
    values: tuple[Any, ...]
    body: bytes
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[int]


_ASK = _Kind("insert or ignore into requests values {}", "(?, ?)")
_START = _Kind(
    "insert into attempts (key, provider, model, prompt, run, started_at, status) values {}",
    "(?, ?, ?, ?, ?, ?, 'started')",
)
_KEEP = _Kind(
    "update attempts set status = 'answered', request_id = column2, ended_at = column3,"
    " raw = column4 from (values {}) where id = column1",
    "(?, ?, ?, ?)",
)
_SETTLE = _Kind(
    "update attempts set status = column2, answered_by = column3, input_tokens = column4,"
    " output_tokens = column5, usd = column6, error = column7,"
    " ended_at = coalesce(ended_at, column8) from (values {}) where id = column1",
    "(?, ?, ?, ?, ?, ?, ?, ?)",
)
_MOST = 64  # rows of one statement


class Ledger(Closing):
    """One file, one process at a time for writing; opened by `open_ledger`, closed by `close`.

    Calls that end while the disk is being synced share the next sync.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = _connect(path)
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="ledger", daemon=True)
        self._writer.start()

    def close(self) -> None:
        """Commit what is waiting, then close."""
        self._jobs.put(None)
        self._writer.join()
        self._reader.close()

    def answer(self, key: str) -> Answer | None:
        """Return the answer to a request, None when it was never answered."""
        row = self._reader.execute(
            "select id, raw, status from attempts where key = ? and status in"
            " ('answered', 'ok', 'truncated', 'refused', 'filtered')",
            (key,),
        ).fetchone()
        return Answer(row[0], zlib.decompress(row[1]), row[2] != "answered") if row else None

    async def start(self, asked: Asked, run: str) -> int:
        """Commit that a request is about to be sent; return the attempt."""
        request = asked.request
        row = (asked.key, asked.provider, request.model, request.prompt, run, _now())
        return await self._do(_START, row, asked.body)

    async def keep(self, attempt: int, raw: bytes, request_id: str | None = None) -> None:
        """Commit a raw answer, before it is read."""
        await self._do(_KEEP, (attempt, request_id, _now()), raw)

    async def settle(
        self,
        attempt: int,
        status: Status,
        *,
        answered_by: str | None = None,
        tokens: tuple[int, int] | None = None,
        usd: float | None = None,
        error: str | None = None,
    ) -> None:
        """Commit what was read in an answer, or why there is none."""
        used = tokens or (None, None)
        await self._do(_SETTLE, (attempt, status, answered_by, *used, usd, error, _now()))

    def attempts(self, key: str | None = None) -> Iterator[Attempt]:
        """Yield all attempts in order, or those of one request (a key may be its first digits)."""
        columns = ", ".join(Attempt.model_fields)
        where, values = ("", ()) if key is None else (" where key glob ?", (f"{key}*",))
        rows = self._reader.execute(f"select {columns} from attempts{where} order by id", values)
        for row in rows:
            yield Attempt.model_validate(dict(zip(Attempt.model_fields, row, strict=True)))

    def cost(self, run: str) -> dict[str, dict[str, float | None]]:
        """Return calls, tokens and price of a run's attempts, by the model that answered.

        An attempt without an answer counts under the model asked for. The price is null as soon as
        one call of the model has none that is known.
        """
        rows = self._reader.execute(
            "select coalesce(answered_by, model), count(*), total(input_tokens),"
            " total(output_tokens), case when count(usd) = count(*) then sum(usd) end"
            " from attempts where run = ? group by 1 order by 1",
            (run,),
        )
        return {
            model: {"calls": calls, "input_tokens": read, "output_tokens": said, "usd": usd}
            for model, calls, read, said, usd in rows
        }

    def body(self, key: str) -> str | None:
        """Return the canonical JSON of a request: provider, then everything that was asked."""
        row = self._reader.execute("select body from requests where key = ?", (key,)).fetchone()
        return zlib.decompress(row[0]).decode() if row else None

    async def _do(self, kind: _Kind, values: tuple[Any, ...], body: bytes = b"") -> int:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[int] = loop.create_future()
        self._jobs.put(_Job(kind, values, body, loop, future))
        return await future

    def _write(self) -> None:
        """Do jobs in groups, each group one synced commit, until told to end."""
        db = _connect(self.path)
        ended = False
        while not ended:
            group = [self._jobs.get()]
            while group[-1] is not None and not self._jobs.empty():
                group.append(self._jobs.get())  # what came while the last group was synced
            ended = group[-1] is None
            _commit(db, [job for job in group if job is not None])
        db.close()


def _commit(db: sqlite3.Connection, jobs: list[_Job]) -> None:
    """Make jobs one transaction; none is reported done before all are on the disk.

    A job whose caller was cancelled is done all the same: what it writes down may be paid for.
    """
    try:
        db.execute("begin immediate")
        numbers = _write_rows(db, jobs)
        db.execute("commit")
    except Exception as error:  # given to every caller that waits
        if db.in_transaction:
            db.execute("rollback")
        _report(jobs, [error] * len(jobs))
        return
    _report(jobs, numbers)


def _write_rows(db: sqlite3.Connection, jobs: list[_Job]) -> list[int]:
    """Return the number of each attempt that is started, 0 for other jobs."""
    started = [job for job in jobs if job.kind is _START]
    kept = [job for job in jobs if job.kind is _KEEP]
    _many(db, _ASK, [(job.values[0], zlib.compress(job.body, _LEVEL)) for job in started])
    numbers = iter(_many(db, _START, [job.values for job in started]))
    _many(db, _KEEP, [(*job.values, zlib.compress(job.body, _LEVEL)) for job in kept])
    _many(db, _SETTLE, [job.values for job in jobs if job.kind is _SETTLE])
    return [next(numbers) if job.kind is _START else 0 for job in jobs]


def _many(db: sqlite3.Connection, kind: _Kind, rows: list[tuple[Any, ...]]) -> list[int]:
    """Write rows, a power of two at a time so that few statements are prepared; return row ids.

    The ids of rows that one statement adds follow each other.
    """
    ids: list[int] = []
    while left := len(rows) - len(ids):
        part = rows[len(ids) :][: min(_MOST, 1 << (left.bit_length() - 1))]
        marks = ", ".join([kind.row] * len(part))
        made = db.execute(kind.statement.format(marks), [value for row in part for value in row])
        last = made.lastrowid or 0
        ids += range(last - len(part) + 1, last + 1)
    return ids


def _report(jobs: list[_Job], values: list[Any]) -> None:
    """Wake each loop once for all its callers: waking it for each costs more than the writing."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
    for job, value in zip(jobs, values, strict=True):
        by_loop.setdefault(job.loop, []).append((job.future, value))
    for loop, told in by_loop.items():
        with contextlib.suppress(RuntimeError):  # a loop that was closed: nobody waits there
            loop.call_soon_threadsafe(_tell, told)


def _tell(told: list[tuple[asyncio.Future[Any], Any]]) -> None:
    for future, value in told:
        if future.done():
            continue  # its caller was cancelled
        if isinstance(value, Exception):
            future.set_exception(value)
        else:
            future.set_result(value)


def _connect(path: Path) -> sqlite3.Connection:
    try:
        return open_database(
            path, _SCHEMA, application=_APPLICATION, version=FORMAT, what="ledger of model calls"
        )
    except sqlite3.DatabaseError as error:
        raise ToolkitError(
            f"the ledger {path} cannot be used ({error}): restore it from a copy, or name another"
            " file; what it holds was paid for"
        ) from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
