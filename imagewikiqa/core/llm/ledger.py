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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field
from pydantic_core import to_json

from imagewikiqa.core.closing import Closing
from imagewikiqa.core.database import open_database
from imagewikiqa.core.digests import canonical_json
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.client import Message, Request, TextPart
from imagewikiqa.core.records import Part, Sha256

T = TypeVar("T")
Status = Literal[
    "started", "answered", "ok", "truncated", "refused", "filtered", "invalid", "error"
]
ANSWERED: tuple[Status, ...] = ("answered", "ok", "truncated", "refused", "filtered")
_IN_ANSWERED = f"({', '.join(map(repr, ANSWERED))})"
Work = Callable[[sqlite3.Connection], Any]
FORMAT = 2
LEVEL = 1  # of zlib: a quarter of the time of level 6 for a tenth more bytes
_APPLICATION = 0x69776C6C  # "iwll": marks the file as ours
_SCHEMA = f"""
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
    ended_at text,
    batch integer               -- null for a request sent alone
);
create index attempts_by_key on attempts (key, id);
create unique index one_answer on attempts (key)
    where status in {_IN_ANSWERED};
"""
_BATCHES = """create table batches (
    id integer primary key,
    tag text not null unique,   -- our own name for it, given before it is submitted
    provider text not null,
    model text not null,
    run text not null,
    status text not null,       -- intended, submitted, then how it ended
    remote text,                -- the provider's name for it, null until it is known
    requests integer not null,
    answered integer,
    error text,
    started_at text not null,
    ended_at text               -- when all it held was kept here
);
create index attempts_by_batch on attempts (batch, id) where batch is not null"""
_UPGRADES = {1: f"alter table attempts add column batch integer;\n{_BATCHES}"}


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
    batch: int | None = Field(None, description="null for a request sent alone")


@dataclass(frozen=True, slots=True)
class Answer:
    """A stored answer: the attempt that got it, the raw bytes, and whether they were read."""

    attempt: int
    raw: bytes
    settled: bool
    batched: bool


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
class _Job:
    """Something to write, and the future of the caller who waits for it in a loop."""

    work: Work
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]


class Ledger(Closing):
    """One file, one process at a time for writing; closed by `close`.

    Calls that end while the disk is being synced share the next sync.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reader = open_ledger_file(path)
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
            "select id, raw, status, batch from attempts"
            f" where key = ? and status in {_IN_ANSWERED}",
            (key,),
        ).fetchone()
        if row is None:
            return None
        attempt, packed, status, batch = row
        return Answer(attempt, zlib.decompress(packed), status != "answered", batch is not None)

    async def start(self, asked: Asked, run: str) -> int:
        """Commit that a request is about to be sent; return the attempt."""
        now, request = stamp(), asked.request

        def write(db: sqlite3.Connection) -> int:
            packed = zlib.compress(asked.body, LEVEL)
            db.execute("insert or ignore into requests values (?, ?)", (asked.key, packed))
            made = db.execute(
                "insert into attempts (key, provider, model, prompt, status, run, started_at)"
                " values (?, ?, ?, ?, 'started', ?, ?)",
                (asked.key, asked.provider, request.model, request.prompt, run, now),
            )
            return int(made.lastrowid or 0)

        return await self.write(write)

    async def keep(self, attempt: int, raw: bytes, request_id: str | None = None) -> None:
        """Commit a raw answer, before it is read."""
        now = stamp()
        await self.write(
            lambda db: db.execute(
                "update attempts set status = 'answered', raw = ?, request_id = ?, ended_at = ?"
                " where id = ?",
                (zlib.compress(raw, LEVEL), request_id, now, attempt),
            )
        )

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
        await self.write(
            lambda db: db.execute(
                "update attempts set status = ?, answered_by = ?, input_tokens = ?,"
                " output_tokens = ?, usd = ?, error = ?, ended_at = coalesce(ended_at, ?)"
                " where id = ?",
                (status, answered_by, *used, usd, error, stamp(), attempt),
            )
        )

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
        one call of the model has none that is known. `batched` are the calls of batches, which
        cost half.
        """
        rows = self._reader.execute(
            "select coalesce(answered_by, model), count(*), total(input_tokens),"
            " total(output_tokens), count(batch),"
            " case when count(usd) = count(*) then sum(usd) end"
            " from attempts where run = ? group by 1 order by 1",
            (run,),
        )
        return {
            model: {
                "calls": calls,
                "batched": batched,
                "input_tokens": read,
                "output_tokens": said,
                "usd": usd,
            }
            for model, calls, read, said, batched, usd in rows
        }

    def summary(self, run: str) -> dict[str, Any]:
        """Return what a run cost: calls and price in all, then by model and by prompt.

        A price is null as soon as that of one call is not known.
        """
        models = self.cost(run)
        prices = [one["usd"] for one in models.values()]
        known = [price for price in prices if price is not None]
        return {
            "calls": sum(int(one["calls"] or 0) for one in models.values()),
            "usd": round(sum(known), 6) if len(known) == len(prices) else None,
            "models": models,
            "prompts": self.prompts(run),
        }

    def prompts(self, run: str) -> dict[str, dict[str, float | None]]:
        """Return attempts, answers and price of a run by prompt template, as `cost` does."""
        rows = self._reader.execute(
            "select case instr(prompt, '@') when 0 then prompt"
            " else substr(prompt, 1, instr(prompt, '@') - 1) end, count(*), count(raw),"
            " case when count(usd) = count(*) then sum(usd) end"
            " from attempts where run = ? group by 1 order by 1",
            (run,),
        )
        return {name: {"calls": n, "answers": good, "usd": usd} for name, n, good, usd in rows}

    def body(self, key: str) -> str | None:
        """Return the canonical JSON of a request: provider, then everything that was asked."""
        row = self._reader.execute("select body from requests where key = ?", (key,)).fetchone()
        return zlib.decompress(row[0]).decode() if row else None

    def rows(self, statement: str, values: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        """Yield what a query finds."""
        yield from self._reader.execute(statement, values)

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do work on the file in the next commit; return what it returned, once it is synced."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        self._jobs.put(_Job(work, loop, future))
        return await future

    def _write(self) -> None:
        """Do jobs in groups, each group one synced commit, until told to end."""
        db = open_ledger_file(self.path)
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
        values = [job.work(db) for job in jobs]
        db.execute("commit")
    except Exception as error:  # given to every caller that waits
        if db.in_transaction:
            db.execute("rollback")
        _report(jobs, [error] * len(jobs))
        return
    _report(jobs, values)


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


def open_ledger_file(path: Path) -> sqlite3.Connection:
    """Return a connection to a ledger, made or brought to this format where needed."""
    try:
        return open_database(
            path,
            f"{_SCHEMA}{_BATCHES}",
            application=_APPLICATION,
            version=FORMAT,
            what="ledger of model calls",
            upgrades=_UPGRADES,
        )
    except sqlite3.DatabaseError as error:
        raise ToolkitError(
            f"the ledger {path} cannot be used ({error}): restore it from a copy, or name another"
            " file; what it holds was paid for"
        ) from error


def stamp() -> str:
    """Return the time as the ledger writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
