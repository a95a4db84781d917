"""Every answer a wiki gave, in one SQLite file that survives kills and is shared by processes."""

import contextlib
import fcntl
import json
import logging
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from imagewikiqa.builders.wiki.records import Fate
from imagewikiqa.core.closing import Closing
from imagewikiqa.core.database import open_database
from imagewikiqa.core.digests import text_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained

LOG = logging.getLogger(__name__)
FORMAT = 1
_APPLICATION = 0x69777161  # "iwqa": marks the file as ours
_SCHEMA = """
create table responses (
    id integer primary key,
    request text not null,      -- canonical: method and address, without who asked
    status integer not null,
    headers text not null,
    body blob not null,         -- deflated
    usable integer not null,    -- 1 when it answers the request
    fetched_at text not null,
    checked_at text not null    -- when the site last said that it still holds
);
create index responses_by_request on responses (request, id);
create table revisions (
    host text not null,
    revision_id integer not null,
    page_id integer,
    title text not null,
    timestamp text,
    sha256 text not null,
    wikitext blob not null,     -- deflated
    problem text not null,      -- why there is no text, else empty
    primary key (host, revision_id)
) without rowid;
create table fates (
    id integer primary key,
    host text not null,
    asked text not null,
    fate text not null,
    seen_at text not null
);
create index fates_by_title on fates (host, asked, id);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One revision of a page as the wiki gave it, or why it gives none."""

    host: str
    revision_id: int
    page_id: int | None
    title: str
    timestamp: str | None
    wikitext: str
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One answered request; `usable` when the answer is one, not an error or a plea to wait."""

    request: str
    status: int
    headers: dict[str, str]
    body: bytes
    usable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A usable answer from the store."""

    id: int
    status: int
    headers: dict[str, str]
    body: bytes
    checked_at: str


Reader = Callable[[Exchange], Iterable[Revision]]


class ResponseStore(Closing):
    """The journal of what was fetched; one writer at a time, any number of threads and processes.

    An answer and the revisions inside it are committed together and synced, so a revision that
    the store was given is never asked for again, whatever dies. `reader` finds the revisions in an
    answer. Raises ToolkitError for a file that is damaged or not a store.
    """

    def __init__(self, path: Path, reader: Reader | None = None) -> None:
        self.path = path
        self._reader = reader
        self._lock = threading.RLock()
        with self._explained():
            self._db = open_database(
                path, _SCHEMA, application=_APPLICATION, version=FORMAT,
                what="store of a wiki's answers",
            )  # fmt: skip

    def close(self) -> None:
        """Close the file; what was stored is on disk already."""
        with self._lock:
            self._db.close()

    def record(self, exchange: Exchange) -> int:
        """Commit an answer, with the revisions that it holds; return its number."""
        revisions = tuple(self._reader(exchange)) if self._reader and exchange.usable else ()
        now = timestamp_now()
        row = (
            exchange.request, exchange.status, json.dumps(exchange.headers, sort_keys=True),
            zlib.compress(exchange.body), int(exchange.usable), now, now,
        )  # fmt: skip
        with self._transaction() as db:
            cursor = db.execute(
                "insert into responses (request, status, headers, body, usable, fetched_at,"
                " checked_at) values (?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            self._add(db, revisions)
            return int(cursor.lastrowid or 0)

    def answer(self, request: str) -> Stored | None:
        """Return the last usable answer to a request."""
        row = self._one(
            "select id, status, headers, body, checked_at from responses"
            " where request = ? and usable = 1 order by id desc limit 1",
            (request,),
        )
        if row is None:
            return None
        number, status, headers, body, checked = row
        with self._explained():
            return Stored(
                id=number,
                status=status,
                headers=json.loads(headers),
                body=zlib.decompress(body),
                checked_at=checked,
            )

    def still_holds(self, answer: Stored) -> None:
        """Note that the site said, just now, that an answer is unchanged."""
        with self._transaction() as db:
            db.execute(
                "update responses set checked_at = ? where id = ?", (timestamp_now(), answer.id)
            )

    def add(self, revisions: Iterable[Revision]) -> None:
        """Commit revisions, or the reasons why there are none; those in the store stay."""
        with self._transaction() as db:
            self._add(db, revisions)

    def has(self, host: str, revision_id: int) -> bool:
        """Say whether a revision, or the reason why there is none, is stored."""
        query = "select 1 from revisions where host = ? and revision_id = ?"
        return self._one(query, (host, revision_id)) is not None

    def revision(self, host: str, revision_id: int) -> Revision:
        """Return a stored revision; KeyError if it is not, ToolkitError if its text is damaged."""
        row = self._one(
            "select page_id, title, timestamp, sha256, wikitext, problem from revisions"
            " where host = ? and revision_id = ?",
            (host, revision_id),
        )
        if row is None:
            raise KeyError(revision_id)
        page_id, title, timestamp, sha256, blob, problem = row
        with self._explained():
            text = zlib.decompress(blob).decode()
        if text_digest(text) != sha256:
            raise self._damaged(f"revision {revision_id} does not match its digest")
        return Revision(
            host=host,
            revision_id=revision_id,
            page_id=page_id,
            title=title,
            timestamp=timestamp,
            wikitext=text,
            problem=problem,
        )

    def keep_fates(self, host: str, fates: Iterable[Fate]) -> None:
        """Commit what a site just said about titles; earlier sayings stay in the file."""
        now = timestamp_now()
        rows = [(host, fate.asked, fate.model_dump_json(), now) for fate in fates]
        with self._transaction() as db:
            db.executemany(
                "insert into fates (host, asked, fate, seen_at) values (?, ?, ?, ?)", rows
            )

    def fate(self, host: str, asked: str, since: str = "") -> Fate | None:
        """Return what a site last said about a title, if it said it at or after a time."""
        row = self._one(
            "select fate from fates where host = ? and asked = ? and seen_at >= ?"
            " order by id desc limit 1",
            (host, asked, since),
        )
        with self._explained():
            return None if row is None else Fate.model_validate_json(row[0])

    @contextlib.contextmanager
    def only_fetcher(self) -> Iterator[None]:
        """Wait until no other process fetches revisions into this file, and keep it so.

        Two that fetch at once could both ask for a revision that neither has stored yet.
        """
        path = self.path.with_name(f"{self.path.name}.fetching")
        with explained(path, "open"), path.open("ab") as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)  # let go when the process dies
            except BlockingIOError:
                LOG.info("another process fetches into %s: waiting for it", self.path.name)
                fcntl.flock(stream, fcntl.LOCK_EX)
            yield

    def _add(self, db: sqlite3.Connection, revisions: Iterable[Revision]) -> None:
        rows = [
            (
                r.host, r.revision_id, r.page_id, r.title, r.timestamp, text_digest(r.wikitext),
                zlib.compress(r.wikitext.encode()), r.problem,
            )
            for r in revisions
        ]  # fmt: skip
        db.executemany("insert or ignore into revisions values (?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def _one(self, query: str, values: tuple[str | int, ...]) -> tuple[Any, ...] | None:
        with self._lock, self._explained():
            row: tuple[Any, ...] | None = self._db.execute(query, values).fetchone()
            return row

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._explained():
            self._db.execute("begin immediate")
            try:
                yield self._db
                self._db.execute("commit")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("rollback")
                raise

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.ProgrammingError:
            raise
        except sqlite3.OperationalError as error:
            raise ToolkitError(
                f"cannot use the store {self.path} ({error}): it needs a local disk with space and"
                " the right to write; free some or give another path"
            ) from error
        except (sqlite3.DatabaseError, zlib.error, ValueError) as error:
            raise self._damaged(str(error).partition("\n")[0]) from error

    def _damaged(self, what: str) -> ToolkitError:
        return ToolkitError(
            f"the store {self.path} is damaged ({what}): move it away and run the same command"
            " again, which fetches what it held anew"
        )


def timestamp_now() -> str:
    """Return the present moment as the store writes it: ISO 8601 in UTC, microseconds."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
