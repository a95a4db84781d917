"""SQLite files that lose nothing to a kill and may be opened by many at once."""

import fcntl
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained

PATIENCE = 120.0  # seconds to wait for another writer


def open_database(
    path: Path,
    schema: str,
    *,
    application: int,
    version: int,
    what: str,
    upgrades: Mapping[int, str] | None = None,
) -> sqlite3.Connection:
    """Open or create a file in WAL mode with `synchronous=FULL`: what is committed is on the disk.

    `application` and `version` mark it as ours; a file with other marks raises ToolkitError naming
    `what` was expected. `upgrades` are the statements that lead from an older version to the next
    one; all that are needed are one transaction. Raises sqlite3.Error as SQLite does.
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
            stranger = f"{path} is no {what} of format {version}: give another path"
            _prepare(db, schema, application, version, upgrades or {}, stranger)
        except BaseException:
            db.close()
            raise
    return db


def _prepare(
    db: sqlite3.Connection,
    schema: str,
    application: int,
    version: int,
    upgrades: Mapping[int, str],
    stranger: str,
) -> None:
    db.execute("begin immediate")
    try:
        mark = db.execute("pragma application_id").fetchone()[0]
        found = db.execute("pragma user_version").fetchone()[0]
        tables = db.execute("select count(*) from sqlite_master").fetchone()[0]
        if not mark and not found and not tables:
            _run(db, schema, version)
            db.execute(f"pragma application_id = {application}")
            mark, found = application, version
        elif mark == application:
            for older in range(found, version):
                if older in upgrades:
                    _run(db, upgrades[older], older + 1)
                    found = older + 1
        if (mark, found) != (application, version):
            raise ToolkitError(stranger)
        db.execute("commit")
    except BaseException:
        if db.in_transaction:
            db.execute("rollback")
        raise


def _run(db: sqlite3.Connection, statements: str, version: int) -> None:
    for statement in statements.split(";\n"):
        db.execute(statement)
    db.execute(f"pragma user_version = {version}")
