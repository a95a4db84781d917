"""A real MediaWiki on a free port of this machine: built, filled, changed and read in tests."""

import bz2
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

INSTALLED = Path("/usr/share/mediawiki")
ABSENT = "MediaWiki is not installed"
PAGES = Path(__file__).resolve().parents[2] / "data" / "wiki_api" / "pages.xml"
# Small enough that fifty long pages need several answers, larger than any one page.
RESULT_LIMIT = 400_000  # bytes; Wikimedia's sites stop at 8 MiB
_SETTINGS = f"""
$wgAPIMaxResultSize = {RESULT_LIMIT};
$wgJobRunRate = 0;
$wgCompressRevisions = false;
$wgShowExceptionDetails = true;
"""
# Ends the whole group when the test process does, however that ended: its pipe closes.
_SERVE = 'php "$@" & cat; kill -9 0'
_TEXTS = """
select old_text from revision
join slots on slot_revision_id = rev_id
join content on content_id = slot_content_id
join text on content_address = 'tt:' || old_id
where rev_id = ?
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What the wiki's own database says about the newest revision of a page."""

    page_id: int
    revision_id: int
    timestamp: str  # as in the database: 20240203102030


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaWiki:
    """A wiki in a folder; `api` answers while it is served."""

    folder: Path
    port: int

    @property
    def api(self) -> str:
        """Return the URL of the action API."""
        return f"http://127.0.0.1:{self.port}/w/api.php"

    def maintain(self, script: str, *arguments: str, given: bytes = b"") -> str:
        """Run a maintenance script on this wiki and return what it printed."""
        done = subprocess.run(
            ["php", str(INSTALLED / "maintenance" / f"{script}.php"), *arguments],
            input=given,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "MW_CONFIG_FILE": str(self.folder / "LocalSettings.php")},
        )
        words = done.stdout.decode("utf-8", "replace")
        if done.returncode != 0:
            raise AssertionError(f"{script} ended with {done.returncode}: {words[-2000:]}")
        return words

    def load(self, xml: bytes, *, links: bool = True) -> None:
        """Import pages of an export; without `links`, categories and links stay unknown."""
        fast = () if links else ("--no-updates",)
        self.maintain("importDump", "--username-prefix", "imp", *fast, given=xml)

    def edit(self, title: str, wikitext: str) -> None:
        """Save a new revision of a page, or a new page."""
        self.maintain("edit", "--user", "Admin", title, given=wikitext.encode())

    def move(self, old: str, new: str, *, leave_redirect: bool = True) -> None:
        """Move a page as a user does."""
        stub = () if leave_redirect else ("--noredirects",)
        self._listed("moveBatch", f"{old}|{new}", *stub)

    def delete(self, title: str) -> None:
        """Delete a page as an administrator does."""
        self._listed("deleteBatch", title)

    def _listed(self, script: str, line: str, *arguments: str) -> None:
        file = self.folder / "list.txt"
        file.write_text(f"{line}\n", encoding="utf-8")
        self.maintain(script, *arguments, str(file))

    def stored(self, title: str, namespace: int = 0) -> Stored:
        """Look up a page in the wiki's own database, past the API."""
        rows = self._query(
            "select page_id, page_latest, rev_timestamp from page "
            "join revision on rev_id = page_latest where page_namespace = ? and page_title = ?",
            namespace,
            title.partition(":")[2 if namespace else 0].replace(" ", "_"),
        )
        (row,) = rows
        return Stored(page_id=row[0], revision_id=row[1], timestamp=_text(row[2]))

    def stored_text(self, revision_id: int) -> str:
        """Return the wikitext of a revision from the wiki's own database, past the API."""
        (row,) = self._query(_TEXTS, revision_id)
        return _text(row[0])

    def titles(self) -> list[str]:
        """Return the titles of all articles and redirects, from the database."""
        rows = self._query("select page_title from page where page_namespace = ?", 0)
        return sorted(_text(row[0]).replace("_", " ") for row in rows)

    def _query(self, query: str, *values: str | int) -> list[tuple[Any, ...]]:
        with sqlite3.connect(f"file:{self.folder}/db/wiki.sqlite?mode=ro", uri=True) as database:
            return database.execute(query, values).fetchall()


def _text(value: int | str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def build(folder: Path) -> MediaWiki:
    """Install a wiki in a folder and fill it with the small pages; skip where it cannot be."""
    if not (INSTALLED / "maintenance" / "install.php").is_file() or shutil.which("php") is None:
        pytest.skip(ABSENT)
    (folder / "db").mkdir(parents=True)
    (folder / "root").mkdir()
    (folder / "root" / "w").symlink_to(INSTALLED)
    wiki = MediaWiki(folder=folder, port=_free_port())
    wiki.maintain(
        "install", "--dbtype", "sqlite", "--dbpath", str(folder / "db"), "--dbname", "wiki",
        "--server", f"http://127.0.0.1:{wiki.port}", "--scriptpath", "/w", "--lang", "en",
        "--pass", "only-for-these-tests", "--confpath", str(folder),
        "--extensions", "TextExtracts,ParserFunctions,Cite", "TestWiki", "Admin",
    )  # fmt: skip
    with (folder / "LocalSettings.php").open("a", encoding="utf-8") as settings:
        settings.write(_SETTINGS)
    with sqlite3.connect(folder / "db" / "wiki.sqlite") as database:  # so that [[de:...]] links
        for language in ("de", "fr"):
            database.execute(
                "insert into interwiki values (?, ?, '', '', 1, 0)",
                (language, f"https://{language}.wikipedia.org/wiki/$1"),
            )
    wiki.load(PAGES.read_bytes())
    wiki.maintain("rebuildtextindex")
    return wiki


def load_real_pages(wiki: MediaWiki, folder: Path) -> None:
    """Import the real exports of a folder (*.xml.bz2), without link updates."""
    for file in sorted(folder.glob("*.xml.bz2")):
        wiki.load(bz2.decompress(file.read_bytes()), links=False)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def serve(wiki: MediaWiki) -> Iterator[None]:
    """Serve a wiki with PHP's own server, in a process group that ends with this block."""
    with (wiki.folder / "server.log").open("wb") as log:
        server = subprocess.Popen(
            ["sh", "-c", _SERVE, "serve", "-d", "variables_order=EGPCS",
             "-S", f"127.0.0.1:{wiki.port}", "-t", str(wiki.folder / "root")],
            stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
            env={
                **os.environ,
                "MW_CONFIG_FILE": str(wiki.folder / "LocalSettings.php"),
                "PHP_CLI_SERVER_WORKERS": "3",
            },
        )  # fmt: skip
    try:
        _wait_until_it_answers(wiki, server)
        yield
    finally:
        os.killpg(server.pid, signal.SIGKILL)  # the shell, PHP and PHP's own workers
        server.communicate()


def _wait_until_it_answers(wiki: MediaWiki, server: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        if server.poll() is not None:
            break
        try:
            query = {"action": "query", "meta": "siteinfo", "format": "json"}
            if "query" in httpx.get(wiki.api, params=query, timeout=30).json():
                return
        except httpx.TransportError:
            time.sleep(0.1)
    log = (wiki.folder / "server.log").read_text(encoding="utf-8", errors="replace")
    raise AssertionError(f"MediaWiki does not answer: {log[-2000:]}")
