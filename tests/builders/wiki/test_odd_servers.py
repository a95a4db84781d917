"""Servers that are no wiki, over real connections: each ends in one sentence, and soon."""

import gzip
import json
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from imagewikiqa.builders.wiki.api import open_api
from imagewikiqa.builders.wiki.records import Fate
from imagewikiqa.core.errors import ToolkitError
from tests.builders.wiki.odd_server import Odd, OddServer
from tests.builders.wiki.scraping import site_at

HTML = {"Content-Type": "text/html; charset=utf-8"}
PORTAL = Odd(headers=HTML, body=b"<html><h1>Log in to the network</h1></html>")


def look_up(server: OddServer, folder: Path, *titles: str, tries: int = 3) -> dict[str, Fate]:
    site = site_at(server.api, per_second=500.0, tries=tries)
    with open_api(site, folder / "store.sqlite", limits=folder / "limits") as api:
        return api.look_up(titles or ("Tiger",))


def told(address: str) -> Odd:
    """Return what a wiki says about titles that it does not have."""
    titles = parse_qs(urlsplit(address).query)["titles"][0].split("|")
    pages = [{"ns": 0, "title": title, "missing": True} for title in titles]
    return Odd(body=json.dumps({"batchcomplete": True, "query": {"pages": pages}}).encode())


def moved(to: Callable[[str], str]) -> Callable[[int, str], Odd]:
    return lambda number, path: Odd(status=301, headers={"Location": to(path)})


def test_a_move_on_the_same_host_is_followed(tmp_path: Path) -> None:
    def answer(number: int, path: str) -> Odd:
        if path.startswith("/w/"):
            return Odd(status=301, headers={"Location": path.replace("/w/", "/wiki/", 1)})
        return told(path)

    with OddServer(answer) as server:
        found = look_up(server, tmp_path)
    assert found["Tiger"].outcome == "missing page"
    assert [path.partition("api.php")[0] for path in server.asked] == ["/w/", "/wiki/"]


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (lambda number, path: PORTAL, "answers with a web page .*Log in to the network"),
        (moved(lambda path: "http://localhost:9/w/api.php"), "leads to http://localhost:9, which"),
        (moved(lambda path: path), "redirects more than 5 times in a row"),
        (lambda number, path: Odd(status=404, headers=HTML, body=b"nothing"), "status 404"),
        (lambda number, path: Odd(status=403, body=b"robots"), "refuses this client"),
        (lambda number, path: Odd(body=b"[]"), "no answer in 3 tries .*2 bytes that are no JSON"),
        (lambda number, path: Odd(status=429, headers={"Retry-After": "0"}), "in 3 tries"),
        (lambda number, path: Odd(body=b"{}"), "answers in a form that no MediaWiki writes"),
        (
            lambda number, path: Odd(body=b'{"query": {"pages": [{"title": "Tiger", "ns": 0,'
                                          b' "pageid": 1, "lastrevid": 1e30}]}}'),
            "answers in a form that no MediaWiki writes",
        ),
        (
            lambda number, path: Odd(
                headers={"Content-Encoding": "gzip"}, body=gzip.compress(bytes(70_000_000))
            ),
            "an answer of more than 67,108,864 bytes",
        ),
    ],
)  # fmt: skip
def test_what_is_no_wiki_ends_in_one_sentence(
    answer: Callable[[int, str], Odd], sentence: str, tmp_path: Path
) -> None:
    with OddServer(answer) as server, pytest.raises(ToolkitError, match=sentence) as caught:
        look_up(server, tmp_path)
    assert str(caught.value).isprintable()
    assert len(server.asked) <= 6


def test_a_web_page_between_answers_is_asked_for_again(tmp_path: Path) -> None:
    titles = [f"Page {number}" for number in range(101)]
    with OddServer(lambda number, path: PORTAL if number == 2 else told(path)) as server:
        site = site_at(server.api, per_second=500.0)
        with open_api(site, tmp_path / "store.sqlite", limits=tmp_path / "limits") as api:
            assert len(api.look_up(titles[:50])) == 50
            assert len(api.look_up(titles)) == 101
    assert len(server.asked) == 4


def test_a_title_that_an_answer_leaves_out_is_not_taken_for_anything_else(tmp_path: Path) -> None:
    def answer(number: int, path: str) -> Odd:
        return told(path.replace("%7CTiger", ""))

    with OddServer(answer) as server:
        found = look_up(server, tmp_path, "Lion", "Tiger")
    assert [fate.outcome for fate in found.values()] == ["missing page", "not answered"]


def test_an_interrupt_does_not_wait_for_a_silent_server(tmp_path: Path) -> None:
    main = threading.main_thread().ident
    assert main == threading.get_ident()

    def silence(number: int, path: str) -> None:
        threading.Timer(0.2, signal.pthread_kill, (main, signal.SIGINT)).start()

    with OddServer(silence) as server:
        with pytest.raises(KeyboardInterrupt):
            look_up(server, tmp_path)
        listening = [one for one in threading.enumerate() if one.name == "wiki"]
    # The request is not over, but nobody waits for it, not even the interpreter at its end.
    assert listening and all(one.daemon for one in listening)


def test_a_wait_of_more_than_a_day_ends_the_run_and_the_next_one_at_once(tmp_path: Path) -> None:
    wait = Odd(status=429, headers={"Retry-After": "1" + "0" * 300})
    with OddServer(lambda number, path: wait) as server:
        for _ in range(2):
            with pytest.raises(ToolkitError, match=r"left alone until \d{4}-.* delete .*pause"):
                look_up(server, tmp_path)
        assert len(server.asked) == 1
        file = next((tmp_path / "limits").glob("*/pause"))
        assert float(file.read_text()) - time.time() > 80_000
        file.unlink()
        server.answer = lambda number, path: told(path)
        assert look_up(server, tmp_path)["Tiger"].outcome == "missing page"
