"""The strict server notices every breach of the rules, and a polite client makes none."""

import threading
import time
from typing import Any

import httpx
import pytest

from .action_api import Site
from .referee import Rules
from .site_pages import made_up
from .strict_server import KINDS, Fault, StrictServer, keyed_faults, no_faults

POLITE = {"User-Agent": "imagewikiqa/0 (operator@lab.test) python-httpx/0"}
WELL = {"action": "query", "format": "json", "formatversion": "2", "maxlag": "5"}
PAGES = made_up(40)


def ask(server: StrictServer, **parameters: str) -> Any:
    return ask_as(POLITE, server, **parameters)


def ask_as(headers: dict[str, str], server: StrictServer, **parameters: str) -> Any:
    query = {key: value for key, value in {**WELL, **parameters}.items() if value}
    with httpx.Client(headers=headers, timeout=30) as client:
        return client.get(server.api, params=query)


def broken(server: StrictServer) -> set[str]:
    return {words.partition(":")[0] for words in server.record.violations}


def test_a_polite_request_breaks_nothing() -> None:
    with StrictServer(Site(PAGES)) as server:
        reply = ask(server, titles="subject_0004", redirects="1", prop="info")
        assert reply.headers["Content-Encoding"] == "gzip"
        assert reply.json()["query"]["redirects"][0]["tofragment"] == "Range"
        assert server.record.violations == []
        assert server.record.most_in_flight == 1


@pytest.mark.parametrize(
    ("rule", "headers", "parameters"),
    [
        ("contact", {"User-Agent": "python-httpx/0.28"}, {}),
        ("contact", {"User-Agent": "tool/1 (someone@example.com)"}, {}),
        ("gzip", {**POLITE, "Accept-Encoding": "identity"}, {}),
        ("maxlag", POLITE, {"maxlag": ""}),
        ("maxlag", POLITE, {"maxlag": "500"}),
        ("batch", POLITE, {"titles": "|".join(f"T{n}" for n in range(51))}),
        ("batch", POLITE, {"revids": "|".join(str(n) for n in range(51))}),
        ("address", POLITE, {"titles": "|".join("x" * 250 for _ in range(40))}),
        ("unknown", POLITE, {"titles": "Subject 0001", "prop": "weather"}),
    ],
)
def test_a_rude_request_is_noticed(
    rule: str, headers: dict[str, str], parameters: dict[str, str]
) -> None:
    with StrictServer(Site(PAGES)) as server:
        usual = {} if "revids" in parameters else {"titles": "Subject 0001"}
        ask_as(headers, server, **usual | parameters)
        assert broken(server) == {rule}


def test_a_fourth_request_at_once_is_noticed_and_three_are_not() -> None:
    for at_once, expected in ((3, set()), (4, {"in flight"})):
        with StrictServer(Site(PAGES), delay=0.5) as server:
            together = threading.Barrier(at_once)

            def one(server: StrictServer = server, gate: threading.Barrier = together) -> None:
                gate.wait()
                ask(server, titles="Subject 0001")

            threads = [threading.Thread(target=one) for _ in range(at_once)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert server.record.most_in_flight == at_once
            assert broken(server) == expected


def test_a_client_that_died_no_longer_counts_as_in_flight() -> None:
    with StrictServer(Site(PAGES), Rules(in_flight=1), delay=1.0) as server:
        with httpx.Client(headers=POLITE, timeout=0.2) as client, pytest.raises(httpx.ReadTimeout):
            client.get(server.api, params={**WELL, "titles": "Subject 0001"})
        ask(server, titles="Subject 0002")
        assert server.record.violations == []


def test_more_requests_than_a_minute_allows_are_noticed() -> None:
    with StrictServer(Site(PAGES), Rules(a_minute=5, minute=1.0)) as server:
        for _ in range(5):
            ask(server, titles="Subject 0001")
        assert broken(server) == set()
        ask(server, titles="Subject 0001")
        time.sleep(1.1)
        before = len(server.record.violations)
        ask(server, titles="Subject 0001")
        assert broken(server) == {"rate"} and len(server.record.violations) == before


def first_fails(fault: Fault) -> Any:
    return lambda number: fault if number == 0 else None


@pytest.mark.parametrize("kind", ["429", "maxlag", "ratelimited"])
def test_a_retry_before_the_time_is_noticed_and_one_at_the_time_is_not(kind: Any) -> None:
    for wait, expected in ((0.0, {"retry"}), (1.0, set())):
        with StrictServer(Site(PAGES), faults=first_fails(Fault(kind=kind))) as server:
            assert ask(server, titles="Subject 0001").headers["Retry-After"] == "1"
            time.sleep(wait)
            assert "query" in ask(server, titles="Subject 0001").json()
            assert broken(server) == expected


def test_everybody_must_wait_after_a_429() -> None:
    fault = first_fails(Fault(kind="429", retry_after=2))
    with StrictServer(Site(PAGES), Rules(grace=0.3), faults=fault) as server:
        ask(server, titles="Subject 0001")
        ask(server, titles="Subject 0002")  # may have been on its way already
        assert broken(server) == set()
        time.sleep(0.5)
        ask(server, titles="Subject 0002")
        assert broken(server) == {"pause"}


def test_a_request_on_its_way_and_a_wait_that_died_are_forgiven() -> None:
    fault = first_fails(Fault(kind="429", retry_after=3))
    for rules, died, wait in (
        (Rules(retry_grace=1.0), False, 0.0),
        (Rules(), True, 0.0),
        (Rules(retry_grace=1.0), False, 1.2),
        (Rules(), True, 1.2),
    ):
        with StrictServer(Site(PAGES), rules, faults=fault) as server:
            ask(server, titles="Subject 0001")
            time.sleep(wait)
            if died:
                server.referee.died(within=1.0)
            ask(server, titles="Subject 0001")
            assert broken(server) == (set() if wait == 0.0 else {"retry"})


def test_a_date_says_how_long_to_wait_too() -> None:
    fault = first_fails(Fault(kind="429", retry_after=3, as_date=True))
    with StrictServer(Site(PAGES), faults=fault) as server:
        assert ask(server, titles="Subject 0001").headers["Retry-After"].endswith("GMT")
        ask(server, titles="Subject 0001")
        assert broken(server) == {"retry"}


def test_a_text_that_the_client_has_is_not_asked_for_again() -> None:
    page = PAGES[1]
    text = {"prop": "revisions", "rvprop": "ids|content", "rvslots": "main"}
    with StrictServer(Site(PAGES)) as server:
        ask(server, revids=str(page.revision_id), **text)
        assert server.record.texts == {page.revision_id: 1} and broken(server) == set()
        server.record.stored.add(page.revision_id)
        ask(server, titles=page.title, prop="info")
        assert broken(server) == set()
        ask(server, titles=page.title, **text)
        assert broken(server) == {"refetch"}


def test_an_answer_that_was_cut_short_stays_open_until_it_is_continued() -> None:
    text = {"prop": "revisions", "rvprop": "ids|content", "rvslots": "main"}
    ids = "|".join(str(page.revision_id) for page in PAGES)
    with StrictServer(Site(PAGES, result_limit=100_000)) as server:
        texts: set[str] = set()
        go_on: dict[str, str] = {}
        for _ in range(50):
            told = ask(server, revids=ids, **text, **go_on).json()
            texts |= {
                revision["slots"]["main"]["content"]
                for page in told["query"]["pages"]
                for revision in page.get("revisions", [])
            }
            go_on = told.get("continue", {})
            assert len(server.record.unfinished) == (1 if go_on else 0)
            if not go_on:
                break
        assert not go_on
        assert len(server.record.seen) > 3 and texts == {page.wikitext for page in PAGES}
        assert set(server.record.texts.values()) == {1} and server.record.violations == []


def test_every_kind_of_trouble_is_made() -> None:
    page = {"titles": "Subject 0001", "prop": "revisions", "rvprop": "content", "rvslots": "main"}
    for kind in KINDS:
        with StrictServer(Site(PAGES), faults=first_fails(Fault(kind=kind))) as server:
            if kind in ("reset", "cut", "torn gzip"):
                with pytest.raises((httpx.TransportError, httpx.DecodingError, ValueError)):
                    ask(server, **page).json()
            else:
                reply = ask(server, **page)
                expected = {"429": 429, "500": 500, "maxlag": 503, "ratelimited": 200}[kind]
                assert reply.status_code == expected
                if kind in ("maxlag", "ratelimited"):
                    assert reply.json()["error"]["code"] == kind
                time.sleep(float(reply.headers.get("Retry-After", 0)))
            assert "query" in ask(server, **page).json()
            assert server.record.faults == {kind: 1}
            assert server.record.texts == {PAGES[1].revision_id: 1}


def test_trouble_comes_by_key_and_about_as_often_as_asked() -> None:
    fault, again = (keyed_faults("429", "500", every=10, seed=3) for _ in range(2))
    found = [fault(number) for number in range(2_000)]
    assert found == [again(number) for number in range(2_000)]
    assert 140 < len([one for one in found if one]) < 260
    assert not any(no_faults(number) for number in range(10))


def test_an_unchanged_answer_is_not_sent_twice() -> None:
    with StrictServer(Site(PAGES), etags=True) as server:
        tag = ask(server, titles="Subject 0001", prop="info").headers["ETag"]
        again = {**POLITE, "If-None-Match": tag}
        assert ask_as(again, server, titles="Subject 0001", prop="info").status_code == 304
        assert ask_as(again, server, titles="Subject 0002", prop="info").status_code == 200
        assert server.record.unchanged == 1
