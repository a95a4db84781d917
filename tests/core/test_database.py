"""Many may make one database at the same moment; a stranger's file is left alone."""

import multiprocessing
import sqlite3
from functools import partial
from pathlib import Path

import pytest

from imagewikiqa.core.database import open_database
from imagewikiqa.core.errors import ToolkitError

SCHEMA = "create table words (word text);\ncreate index words_by_word on words (word);\n"
opened = partial(open_database, schema=SCHEMA, application=7, version=1, what="list of words")


def write(path: Path) -> str:
    """Open, write and close; return what went wrong."""
    try:
        db = opened(path)
        db.execute("insert into words values ('a')")
        db.close()
    except (ToolkitError, sqlite3.Error) as error:
        return repr(error)
    return ""


def test_processes_that_make_one_file_at_once_all_succeed(tmp_path: Path) -> None:
    files = [tmp_path / f"{number}.sqlite" for number in range(20)]
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        said = pool.map(write, [file for file in files for _ in range(4)], chunksize=1)
    assert set(said) == {""}
    for file in files:
        assert opened(file).execute("select count(*) from words").fetchone() == (4,)


def test_what_is_committed_is_synced_in_wal_mode(tmp_path: Path) -> None:
    db = opened(tmp_path / "a.sqlite")
    assert db.execute("pragma journal_mode").fetchone() == ("wal",)
    assert db.execute("pragma synchronous").fetchone() == (2,)


def test_a_strangers_database_is_refused_and_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "a.sqlite"
    with sqlite3.connect(file) as db:
        db.execute("create table theirs (x)")
    with pytest.raises(ToolkitError, match="is no list of words of format 1"):
        opened(file)
    tables = sqlite3.connect(file).execute("select name from sqlite_master").fetchall()
    assert tables == [("theirs",)]
