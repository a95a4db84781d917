"""Batches in the ledger: noted before they are submitted, open until all they hold is kept."""

import sqlite3
import uuid
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imagewikiqa.core.llm.batches import Batch
from imagewikiqa.core.llm.client import Request
from imagewikiqa.core.llm.ledger import LEVEL, Ledger, asked_of, stamp

_AT_ONCE = 500  # rows in one commit; a kill between two of them loses none


@dataclass(frozen=True, slots=True)
class BatchLedger:
    """The batches of one model in a ledger."""

    ledger: Ledger
    provider: str
    model: str
    run: str

    def open(self) -> list[Batch]:
        """Return the batches with requests that may still be answered, oldest first."""
        return open_batches(self.ledger, self.provider, self.model)

    def known(self) -> set[str]:
        """Return the service's names of all batches of this ledger."""
        rows = self.ledger.rows("select remote from batches where remote is not null")
        return {remote for (remote,) in rows}

    async def intend(self, requests: Mapping[str, Request]) -> Batch:
        """Commit that requests are about to be submitted as one batch: it and all its attempts."""
        tag, started = uuid.uuid4().hex, stamp()

        def write(db: sqlite3.Connection) -> int:
            made = db.execute(
                "insert into batches (tag, provider, model, run, status, requests, started_at)"
                " values (?, ?, ?, ?, 'intended', ?, ?)",
                (tag, self.provider, self.model, self.run, len(requests), started),
            )
            number = int(made.lastrowid or 0)
            db.executemany("insert or ignore into requests values (?, ?)", self._bodies(requests))
            db.executemany(
                "insert into attempts (key, provider, model, prompt, status, run, started_at,"
                " batch) values (?, ?, ?, ?, 'started', ?, ?, ?)",
                (
                    (key, self.provider, one.model, one.prompt, self.run, started, number)
                    for key, one in requests.items()
                ),
            )
            return number

        number = await self.ledger.write(write)
        return Batch(id=number, tag=tag, remote=None, requests=len(requests), started_at=started)

    def _bodies(self, requests: Mapping[str, Request]) -> Iterable[tuple[str, bytes]]:
        for key, request in requests.items():
            yield key, zlib.compress(asked_of(self.provider, request).body, LEVEL)

    async def submitted(self, batch: Batch, remote: str) -> None:
        """Commit the service's name of a batch."""
        await self._do(
            "update batches set status = 'submitted', remote = ? where id = ?", (remote, batch.id)
        )

    def keys(self, batch: Batch) -> list[str]:
        """Return the keys of a batch in the order in which they were submitted."""
        rows = self.ledger.rows("select key from attempts where batch = ? order by id", (batch.id,))
        return [key for (key,) in rows]

    def pending(self, batch: Batch) -> dict[str, int]:
        """Return the attempts of a batch without an answer or an error, by key, in order."""
        rows = self.ledger.rows(
            "select key, id from attempts where batch = ? and status = 'started' order by id",
            (batch.id,),
        )
        return dict(rows)

    async def keep(self, answers: Sequence[tuple[int, bytes, str | None]]) -> set[int]:
        """Commit raw answers `(attempt, body, request id)` before any is read; return those kept.

        One is not kept when its request was answered by another attempt already.
        """
        kept: set[int] = set()
        ended = stamp()
        for at in range(0, len(answers), _AT_ONCE):
            some = answers[at : at + _AT_ONCE]

            def write(
                db: sqlite3.Connection, some: Sequence[tuple[int, bytes, str | None]] = some
            ) -> set[int]:
                return {
                    attempt
                    for attempt, body, request_id in some
                    if db.execute(
                        "update or ignore attempts set status = 'answered', raw = ?,"
                        " request_id = ?, ended_at = ? where id = ? and status = 'started'",
                        (zlib.compress(body, LEVEL), request_id, ended, attempt),
                    ).rowcount
                }

            kept |= await self.ledger.write(write)
        return kept

    async def end(self, batch: Batch, status: str, answered: int, error: str | None = None) -> None:
        """Commit that a batch holds nothing more, and how it ended."""
        await self._do(
            "update batches set status = ?, answered = ?, error = ?, ended_at = ? where id = ?",
            (status, answered, error, stamp(), batch.id),
        )

    async def give_up(self, batch: Batch, status: str, error: str) -> None:
        """Commit that a batch never came to be: its attempts cost nothing."""

        def write(db: sqlite3.Connection) -> None:
            db.execute(
                "update attempts set status = 'error', usd = 0, error = ?, ended_at = ?"
                " where batch = ? and status = 'started'",
                (error, stamp(), batch.id),
            )
            db.execute(
                "update batches set status = ?, answered = 0, error = ?, ended_at = ? where id = ?",
                (status, error, stamp(), batch.id),
            )

        await self.ledger.write(write)

    async def _do(self, statement: str, values: tuple[Any, ...]) -> None:
        await self.ledger.write(lambda db: db.execute(statement, values))


def open_batches(ledger: Ledger, provider: str, model: str) -> list[Batch]:
    """Return the batches of a model with requests that may still be answered, oldest first."""
    rows = ledger.rows(
        "select id, tag, remote, requests, started_at from batches"
        " where provider = ? and model = ? and ended_at is null and exists (select 1 from attempts"
        " where batch = batches.id and status = 'started') order by id",
        (provider, model),
    )
    names = ("id", "tag", "remote", "requests", "started_at")
    return [Batch(**dict(zip(names, row, strict=True))) for row in rows]
