"""SQLite files that lose nothing to a kill and may be opened by many at once."""

import fcntl
import sqlite3
from pathlib import Path

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained

PATIENCE = 120.0  # seconds to wait for another writer


def open_database(
    path: Path, schema: str, *, application: int, version: int, what: str
) -> sqlite3.Connection:
    """Open or create a file in WAL mode with `synchronous=FULL`: what is committed is on the disk.

    `application` and `version` mark it as ours; a file with other marks raises ToolkitError naming
    `what` was expected. Raises sqlite3.Error as SQLite does.
    """
    with explained(path, "make"):
        path.parent.mkdir(parents=True, exist_ok=True)
        # SQLite does not wait but fails when two switch one file to WAL at the same moment.
        opening = path.with_name(f"{path.name}.opening").open("ab")
    with opening:
        fcntl.flock(opening, fcntl.LOCK_EX)
        db = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            db.execute("pragma journal_mode = wal")
            db.execute("pragma synchronous = full")
            _prepare(db, schema, application, version, f"{path} is no {what}")
        except BaseException:
            db.close()
            raise
    return db


def _prepare(
    db: sqlite3.Connection, schema: str, application: int, version: int, stranger: str
) -> None:
    db.execute("begin immediate")
    try:
        mark = db.execute("pragma application_id").fetchone()[0]
        found = db.execute("pragma user_version").fetchone()[0]
        tables = db.execute("select count(*) from sqlite_master").fetchone()[0]
        if not mark and not found and not tables:
            for statement in schema.split(";\n"):
                db.execute(statement)
            db.execute(f"pragma application_id = {application}")
            db.execute(f"pragma user_version = {version}")
        elif mark != application or found != version:
            raise ToolkitError(f"{stranger} of format {version}: give another path")
        db.execute("commit")
    except BaseException:
        if db.in_transaction:
            db.execute("rollback")
        raise
