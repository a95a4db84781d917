"""The real MediaWiki of the tests holds what it was given and answers as Wikipedia does."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from imagewikiqa.builders.dump import read_dump

from .mediawiki import PAGES, MediaWiki, build

REPO = Path(__file__).resolve().parents[3]


def ask(wiki: MediaWiki, **parameters: str | int) -> Any:
    """Ask the API without any client of ours."""
    query = {"action": "query", "format": "json", "formatversion": 2, **parameters}
    return httpx.get(wiki.api, params=query, timeout=30).json()


def test_the_wiki_holds_the_bytes_of_the_export(mediawiki: MediaWiki) -> None:
    moved_in_other_tests = {"Tea kettle", "Three-wheeled unicycle", "Whistling kettle"}
    pages = [page for page in read_dump(PAGES) if page.namespace == 0]
    for page in pages:
        if page.title not in moved_in_other_tests:
            stored = mediawiki.stored(page.title)
            assert mediawiki.stored_text(stored.revision_id) == page.wikitext
    assert len(pages) > 12


def test_it_answers_for_a_redirect_to_a_section(mediawiki: MediaWiki) -> None:
    query = ask(mediawiki, titles="firefox_(animal)", redirects=1)["query"]
    assert query["normalized"][0]["to"] == "Firefox (animal)"
    assert query["redirects"] == [
        {"from": "Firefox (animal)", "to": "Red panda", "tofragment": "Names"}
    ]


def test_a_moved_page_leaves_a_redirect_and_a_deleted_one_leaves_nothing(
    mediawiki: MediaWiki,
) -> None:
    for title in ("Server move", "Server delete"):
        mediawiki.edit(title, "Some text.")
    before, gone = mediawiki.stored("Server move"), mediawiki.stored("Server delete")
    mediawiki.move("Server move", "Server moved")
    mediawiki.delete("Server delete")
    after = mediawiki.stored("Server moved")
    assert after.page_id == before.page_id  # a move keeps the page and adds a revision
    assert mediawiki.stored_text(before.revision_id) == "Some text."
    query = ask(mediawiki, titles="Server move|Server delete", redirects=1)["query"]
    assert query["redirects"] == [{"from": "Server move", "to": "Server moved"}]
    assert [page["title"] for page in query["pages"] if "missing" in page] == ["Server delete"]
    assert str(gone.revision_id) in ask(mediawiki, revids=gone.revision_id)["query"]["badrevids"]


def test_long_answers_are_cut_and_continued(mediawiki: MediaWiki) -> None:
    for number in range(3):
        mediawiki.edit(f"Long page {number}", f"{number} " + "word " * 30_000)
    titles = "|".join(f"Long page {number}" for number in range(3))
    asked: dict[str, str | int] = {"titles": titles, "prop": "revisions", "rvprop": "content|ids"}
    first = ask(mediawiki, **asked, rvslots="main")
    assert "truncated" in str(first["warnings"])
    assert set(first["continue"]) == {"rvcontinue", "continue"}
    pages = first["query"]["pages"]
    assert 0 < len([page for page in pages if page.get("revisions")]) < 3
    assert [] in [page.get("revisions") for page in pages]  # what did not fit looks like this


def test_nothing_is_left_running_when_the_tests_are_killed(tmp_path: Path) -> None:
    folder = tmp_path / "wiki"
    wiki = build(folder)
    code = (
        "import time; from pathlib import Path; "
        "from tests.builders.wiki.mediawiki import MediaWiki, serve\n"
        f"with serve(MediaWiki(folder=Path({str(folder)!r}), port={wiki.port})):\n"
        "    print('serving', flush=True); time.sleep(600)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code], cwd=REPO, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None and child.stdout.readline() == "serving\n"
    os.kill(child.pid, signal.SIGKILL)
    child.communicate()
    for _ in range(300):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", wiki.port)) != 0:
                return
        time.sleep(0.1)
    raise AssertionError("the server of a killed test process still answers")
