"""What can be done with a finished ledger: count, look up, export, merge, and make it smaller."""

import json
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.ledger import ANSWERED, Attempt, Ledger, open_ledger_file

_MARKS = ", ".join("?" * len(ANSWERED))
_COLUMNS = tuple(Attempt.model_fields)
_SHORTEST_KEY = 6  # digits of a key that name a request


class Exported(Attempt):
    """One attempt with all that was asked and all that came back, as a line of JSON."""

    request: dict[str, Any]
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class Merged:
    """What a merge did: attempts taken over, brought up to date, and answers paid for twice."""

    added: int = 0
    updated: int = 0
    paid_twice: int = 0


def ledger_file(path: Path) -> Path:
    """Return the ledger that a path names: a file, or that of a run folder; ToolkitError if none.

    A tool never makes one.
    """
    file = path / "ledger.sqlite" if path.is_dir() else path
    if not file.is_file():
        raise ToolkitError(f"there is no ledger {file}: name a run folder or its ledger.sqlite")
    return file


def stats(ledger: Ledger) -> list[dict[str, Any]]:
    """Return one row for each provider, model and prompt: attempts by status, tokens and price.

    `usd` is None as soon as the price of one attempt is not known.
    """
    rows = ledger.rows(
        "select provider, model, prompt, count(*), sum(status in"
        f" ({_MARKS})), sum(status in ('error', 'invalid')), sum(status = 'started'),"
        " count(batch), total(input_tokens), total(output_tokens),"
        " case when count(usd) = count(*) then sum(usd) end, min(started_at), max(started_at)"
        " from attempts group by 1, 2, 3 order by 1, 2, 3",
        ANSWERED,
    )
    names = (
        "provider", "model", "prompt", "attempts", "answered", "failed", "unfinished", "batched",
        "input_tokens", "output_tokens", "usd", "first", "last",
    )  # fmt: skip
    found = [dict(zip(names, row, strict=True)) for row in rows]
    return [{**row, **{k: int(row[k]) for k in names[3:10]}} for row in found]


def find_key(ledger: Ledger, name: str) -> str:
    """Return the key of an attempt's number or of a key's first digits; ToolkitError if not one."""
    if name.isdecimal() and len(name) < _SHORTEST_KEY:
        found = list(ledger.rows("select key from attempts where id = ?", (int(name),)))
    else:
        digits = "".join(c for c in name.lower() if c in "0123456789abcdef")
        if len(digits) < _SHORTEST_KEY or digits != name.lower():
            raise ToolkitError(
                f"{name!r} names no request: give the number of an attempt, or {_SHORTEST_KEY} or"
                " more digits of a key, as `ledger export` lists them"
            )
        found = list(
            ledger.rows(
                "select distinct key from attempts where key glob ? limit 2", (f"{digits}*",)
            )
        )
    if len(found) != 1:
        many = "several requests have" if found else "no request has"
        raise ToolkitError(f"{many} the name {name} in {ledger.path}: give more digits of the key")
    return str(found[0][0])


def exported(ledger: Ledger, key: str | None = None) -> Iterator[Exported]:
    """Yield all attempts in order, or those of one request, whole."""
    for attempt in ledger.attempts(key):
        body = ledger.body(attempt.key)
        if body is None:
            raise ToolkitError(f"{ledger.path} has lost request {attempt.key}: restore it")
        raw = next(ledger.rows("select raw from attempts where id = ?", (attempt.id,)))[0]
        yield Exported(
            **attempt.model_dump(),
            request=json.loads(body)[1],
            raw=None if raw is None else zlib.decompress(raw).decode(errors="backslashreplace"),
        )


def merge(path: Path, other: Path) -> Merged:
    """Take over what another ledger holds and this one does not, in one transaction.

    An attempt is known by its request, run and beginning. An answer here stands; one there to the
    same request is taken over as an attempt that was paid twice. Merging again changes nothing.
    """
    with closing(open_ledger_file(path)) as db, closing(open_ledger_file(other)) as there:
        db.execute("begin immediate")
        try:
            db.executemany(
                "insert or ignore into requests values (?, ?)",
                there.execute("select key, body from requests"),
            )
            batches = _merge_batches(db, there)
            counts = {"added": 0, "updated": 0, "paid_twice": 0}
            for row in there.execute(f"select {', '.join(_COLUMNS)}, raw from attempts"):
                one = dict(zip((*_COLUMNS, "raw"), row, strict=True))
                what = _merge_attempt(db, {**one, "batch": batches.get(one["batch"])})
                if what:
                    counts[what] += 1
            db.execute("commit")
        except BaseException:
            db.execute("rollback")
            raise
    return Merged(**counts)


def _merge_batches(db: sqlite3.Connection, there: sqlite3.Connection) -> dict[int | None, int]:
    """Take over batches, known by our tag; return their numbers here by their numbers there."""
    names = [row[1] for row in db.execute("pragma table_info(batches)") if row[1] != "id"]
    numbers: dict[int | None, int] = {}
    for number, *values in there.execute(f"select id, {', '.join(names)} from batches"):
        one = dict(zip(names, values, strict=True))
        db.execute(
            f"insert into batches ({', '.join(names)}) values ({', '.join('?' * len(names))})"
            " on conflict (tag) do update set status = excluded.status, remote = excluded.remote,"
            " answered = excluded.answered, error = excluded.error, ended_at = excluded.ended_at"
            " where batches.ended_at is null and (excluded.ended_at is not null or"
            " batches.remote is null)",
            values,
        )
        here = db.execute("select id from batches where tag = ?", (one["tag"],)).fetchone()
        numbers[number] = here[0]
    return numbers


def _merge_attempt(db: sqlite3.Connection, one: dict[str, Any]) -> str | None:
    """Take over one attempt; return what was done with it, None when it was known."""
    known = db.execute(
        "select id, status from attempts where key = ? and run = ? and started_at = ?",
        (one["key"], one["run"], one["started_at"]),
    ).fetchone()
    answered = db.execute(
        f"select id from attempts where key = ? and status in ({_MARKS})", (one["key"], *ANSWERED)
    ).fetchone()
    twice = answered is not None and one["status"] in ANSWERED
    if known is not None and (known[1] != "started" or one["status"] == "started"):
        # An answer there and none here, of the same attempt: it was read after the copy was made.
        if not (one["status"] in ANSWERED and known[1] not in ANSWERED and not twice):
            return None
    if twice:
        one = {**one, "status": "error", "error": "answered a second time"}
    named = [name for name in one if name != "id"]
    values = [one[name] for name in named]
    if known is not None:
        db.execute(
            f"update attempts set {', '.join(f'{name} = ?' for name in named)} where id = ?",
            (*values, known[0]),
        )
    else:
        db.execute(
            f"insert into attempts ({', '.join(named)}) values ({', '.join('?' * len(named))})",
            values,
        )
    return "paid_twice" if twice else "updated" if known is not None else "added"


def vacuum(path: Path) -> dict[str, int]:
    """Drop free attempts that an answer came after, and give the room back; return what went.

    No answer goes, nor an attempt that may have been billed: costs stay what they are.
    """
    before = path.stat().st_size
    with closing(open_ledger_file(path)) as db:
        gone = db.execute(
            "delete from attempts where status in ('error', 'invalid') and usd = 0 and exists"
            f" (select 1 from attempts as a where a.key = attempts.key and a.status in ({_MARKS}))",
            ANSWERED,
        ).rowcount
        db.execute("vacuum")
        db.execute("pragma wal_checkpoint(truncate)")
    return {"attempts": gone, "bytes": before - path.stat().st_size}
