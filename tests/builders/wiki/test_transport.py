"""Whatever client sends through it, the transport keeps the rules of the wiki."""

import email.utils
import gzip
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.builders.wiki.api import open_store
from imagewikiqa.builders.wiki.limiter import Limiter
from imagewikiqa.builders.wiki.settings import Site
from imagewikiqa.builders.wiki.store import ResponseStore
from imagewikiqa.builders.wiki.transport import PoliteTransport
from imagewikiqa.builders.wiki.wire import identify, retry_after
from imagewikiqa.core.errors import ToolkitError
from tests.builders.wiki.fake_wiki import CONTACT, FAST, HOST, as_json, fake_site, reply

API = f"http://{HOST}/w/api.php"
Handler = Callable[[httpx.Request], httpx.Response]


def packed(body: bytes, coding: str = "gzip") -> httpx.Response:
    """Return an answer whose bytes are as they come over the wire."""
    return httpx.Response(200, headers={"content-encoding": coding}, stream=httpx.ByteStream(body))


class Line:
    """A client of a scripted server: answers in a row, the last one again and again."""

    def __init__(
        self,
        folder: Path,
        *answers: httpx.Response | Handler | Exception,
        site: Site | None = None,
        store: ResponseStore | None = None,
        since: str = "",
    ) -> None:
        used = site or fake_site()
        self.seen: list[httpx.Request] = []
        self.times: list[float] = []
        self._answers = [*answers]
        transport = PoliteTransport(
            used,
            Limiter(used.pool, used.limits, folder / "limits"),
            store=store,
            inner=httpx.MockTransport(self._serve),
            since=since,
        )
        self.client = httpx.Client(transport=transport, headers={"Cookie": "a=b"})

    def _serve(self, request: httpx.Request) -> httpx.Response:
        self.seen.append(request)
        self.times.append(time.time())
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx.Response) else answer(request)

    def get(self, address: str = API, **params: str) -> httpx.Response:
        return self.client.get(address, params={"format": "json", **params})


def test_a_request_names_the_operator_accepts_gzip_and_states_maxlag(tmp_path: Path) -> None:
    line = Line(tmp_path, reply({}))
    line.get(titles="Tiger")
    [request] = line.seen
    assert CONTACT in request.headers["User-Agent"]
    assert request.headers["Accept-Encoding"] == "gzip"
    assert request.url.params["maxlag"] == "5"
    assert "cookie" not in request.headers


def test_only_the_api_is_asked_with_maxlag(tmp_path: Path) -> None:
    line = Line(tmp_path, httpx.Response(200, content=b"text"))
    assert line.get(f"http://{HOST}/w/index.php").content == b"text"
    assert "maxlag" not in line.seen[0].url.params


def test_without_a_contact_nothing_is_sent(tmp_path: Path) -> None:
    line = Line(tmp_path, reply({}), site=fake_site(contact=None))
    with pytest.raises(ToolkitError, match="cannot be asked without a contact"):
        line.get()
    assert line.seen == []


@pytest.mark.parametrize(
    "failure",
    [
        httpx.Response(500),
        httpx.Response(503, headers={"retry-after": "0"}),
        httpx.Response(429, headers={"retry-after": "0"}),
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("cut"),
        httpx.Response(200, content=b'{"query": {"pa'),
        httpx.Response(200, content=b"<html>busy</html>"),
        httpx.Response(200, content=b"[]"),
        httpx.Response(200, content=b""),
        packed(gzip.compress(b"{}")[:-6]),
        packed(b"no gzip"),
        as_json({"error": {"code": "maxlag", "info": "Waiting: 6 s", "lag": 6}}),
        as_json({"errors": [{"code": "maxlag", "text": "Waiting: 6 s"}]}),
        as_json({"error": {"code": "ratelimited", "info": "slower"}}),
        as_json({"error": {"code": "internal_api_error_DBQueryError", "info": "x"}}),
    ],
    ids=str,
)
def test_what_may_pass_is_tried_again(failure: httpx.Response | Exception, tmp_path: Path) -> None:
    line = Line(tmp_path, failure, failure, reply({"pages": []}))
    assert line.get().json()["query"] == {"pages": []}
    assert len(line.seen) == 3


def test_tries_run_out_in_one_sentence(tmp_path: Path) -> None:
    line = Line(tmp_path, httpx.Response(502))
    with pytest.raises(ToolkitError, match=r"gave no answer in 8 tries \(the last time status 502"):
        line.get()
    assert len(line.seen) == FAST.tries


@pytest.mark.parametrize("status", [429, 503, 200])
def test_retry_after_is_a_floor_for_everybody(status: int, tmp_path: Path) -> None:
    lag = {"error": {"code": "maxlag", "info": "Waiting"}}
    asked_to_wait = as_json(lag, status, retry_after="0.4")
    one, other = Line(tmp_path, asked_to_wait, reply({})), Line(tmp_path, reply({}))
    before = time.time()
    with pytest.raises(ToolkitError, match="no answer in 1 tries"):
        Line(tmp_path, asked_to_wait, site=fake_site(limits=_with(tries=1))).get()
    other.get()
    assert other.times[0] >= before + 0.4
    one.get()
    assert one.times[1] - one.times[0] >= 0.4


def test_a_429_without_a_time_pauses_everybody_too(tmp_path: Path) -> None:
    line = Line(tmp_path, httpx.Response(429), reply({}), site=fake_site(limits=_with(pause=0.3)))
    line.get()
    assert line.times[1] - line.times[0] >= 0.3


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    later = email.utils.formatdate(time.time() + 120, usegmt=True)
    assert 118 <= (retry_after({"retry-after": later}) or 0) <= 121
    # A server whose clock is ahead of ours means the time between its two dates.
    ahead = {"date": email.utils.formatdate(1e9), "retry-after": email.utils.formatdate(1e9 + 50)}
    assert retry_after(ahead) == 50
    assert retry_after({"retry-after": "86400"}) == 86400
    assert retry_after({}) is None


@given(st.text() | st.floats().map(str))
def test_any_retry_after_is_read_without_a_crash(text: str) -> None:
    seconds = retry_after({"retry-after": text})
    assert seconds is None or 0 <= seconds < float("inf")


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(403, content=b"<h1>Requests from your\x1b[2J network are blocked</h1>"),
        httpx.Response(401),
        as_json({"error": {"code": "blocked", "info": "You have been blocked."}}),
        as_json({"errors": [{"code": "globalblocking-ipblocked-range", "text": "no"}]}),
    ],
    ids=str,
)
def test_a_refusal_ends_everything_at_once(answer: httpx.Response, tmp_path: Path) -> None:
    line = Line(tmp_path, answer)
    for _ in range(3):
        with pytest.raises(ToolkitError, match="refuses this client") as caught:
            line.get()
        assert str(caught.value).isprintable()
    assert len(line.seen) == 1


def test_other_answers_are_left_to_the_caller(tmp_path: Path) -> None:
    assert Line(tmp_path, httpx.Response(404)).get().status_code == 404
    wrong = as_json({"error": {"code": "badvalue", "info": "x"}})
    assert Line(tmp_path, wrong).get().json()["error"]["code"] == "badvalue"


def test_only_reading_is_possible(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="POST is not GET"):
        Line(tmp_path, reply({})).client.post(API)


def test_a_redirect_on_the_same_host_is_followed(tmp_path: Path) -> None:
    moved = httpx.Response(301, headers={"location": f"https://{HOST}/w/api.php?format=json"})
    line = Line(tmp_path, moved, reply({}))
    assert line.get().status_code == 200
    assert [request.url.scheme for request in line.seen] == ["http", "https"]
    assert CONTACT in line.seen[1].headers["User-Agent"]


@pytest.mark.parametrize(
    "target",
    ["http://evil.test/w/api.php", "//evil.test/", f"http://{HOST}:81/", "file:///etc/passwd",
     f"http://{HOST}@evil.test/", f"http://evil.{HOST}/"],
)  # fmt: skip
def test_a_redirect_to_another_host_is_refused(target: str, tmp_path: Path) -> None:
    line = Line(tmp_path, httpx.Response(302, headers={"location": target}))
    with pytest.raises(ToolkitError, match="is not the same site"):
        line.get()
    assert len(line.seen) == 1


def test_a_redirect_from_https_to_http_is_refused(tmp_path: Path) -> None:
    site = fake_site(api=f"https://{HOST}/w/api.php")
    down = httpx.Response(302, headers={"location": f"http://{HOST}/w/api.php"})
    with pytest.raises(ToolkitError, match="is not the same site"):
        Line(tmp_path, down, site=site).get(site.api)


def test_a_redirect_to_nowhere_is_one_sentence(tmp_path: Path) -> None:
    line = Line(tmp_path, httpx.Response(302, headers={"location": "http://[::1/"}))
    with pytest.raises(ToolkitError, match="which is no address"):
        line.get()


def test_an_answer_that_trickles_is_given_up(tmp_path: Path) -> None:
    class Trickle(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            while True:
                time.sleep(0.01)
                yield b" "

    line = Line(tmp_path, httpx.Response(200, stream=Trickle()), reply({}), site=_patient(0.05))
    assert line.get().status_code == 200
    assert len(line.seen) == 2


def test_endless_redirects_end(tmp_path: Path) -> None:
    line = Line(tmp_path, httpx.Response(302, headers={"location": API}))
    with pytest.raises(ToolkitError, match="redirects more than 5 times"):
        line.get()


def test_a_request_off_the_site_is_not_sent_unless_media_lie_there(tmp_path: Path) -> None:
    line = Line(tmp_path, reply({}))
    with pytest.raises(ToolkitError, match="is not the same site"):
        line.get("http://media.test/a.jpg")
    assert line.seen == []
    media = Line(tmp_path, reply({}), site=fake_site(media_hosts=("media.test",)))
    assert media.get("http://media.test/a.jpg").status_code == 200


def test_a_bomb_is_refused_before_it_is_large(tmp_path: Path) -> None:
    small = fake_site(limits=_with(max_bytes=100_000))
    bomb = gzip.compress(bytes(50_000_000))
    with pytest.raises(ToolkitError, match="more than 100,000 bytes"):
        Line(tmp_path, packed(bomb), site=small).get()
    with pytest.raises(ToolkitError, match="more than 100,000 bytes"):
        Line(tmp_path, httpx.Response(200, content=bytes(100_001)), site=small).get()
    with pytest.raises(ToolkitError, match="encoding 'br', which was not asked"):
        Line(tmp_path, packed(b"x", "br"), site=small).get()


def test_gzip_is_unpacked(tmp_path: Path) -> None:
    body = gzip.compress(b'{"query": {"a": 1}}')
    assert Line(tmp_path, packed(body)).get().json() == {"query": {"a": 1}}


def test_an_answer_in_the_store_is_not_asked_for_again(tmp_path: Path) -> None:
    with open_store(tmp_path / "store.sqlite") as store:
        line = Line(tmp_path, reply({"a": 1}), store=store)
        assert line.get(a="1", b="2").json() == line.get(b="2", a="1").json()
        assert len(line.seen) == 1


def test_errors_are_stored_but_never_served(tmp_path: Path) -> None:
    with open_store(tmp_path / "store.sqlite") as store:
        lag = as_json({"error": {"code": "maxlag", "info": "x"}})
        line = Line(tmp_path, lag, httpx.Response(500), httpx.Response(404), store=store)
        assert line.get().status_code == 404
        assert line.get().status_code == 404
        assert len(line.seen) == 4
        wrong = as_json({"error": {"code": "badvalue", "info": "x"}})
        again = Line(tmp_path, wrong, reply({"a": 1}), store=store)
        assert "error" in again.get(a="1").json()
        assert "query" in again.get(a="1").json()


def test_an_older_answer_is_revalidated_by_its_etag(tmp_path: Path) -> None:
    with open_store(tmp_path / "store.sqlite") as store:
        first = as_json({"query": {}}, etag='"v1"')
        Line(tmp_path, first, store=store).get()
        line = Line(tmp_path, httpx.Response(304), store=store, since="9999")
        assert line.get().json() == {"query": {}}
        assert line.seen[0].headers["If-None-Match"] == '"v1"'
        changed = Line(tmp_path, as_json({"query": {"new": 1}}), store=store, since="9999")
        assert changed.get().json() == {"query": {"new": 1}}


def test_neither_contact_nor_cookies_reach_the_store(tmp_path: Path) -> None:
    with open_store(tmp_path / "store.sqlite") as store:
        answer = as_json({"query": {}}, set_cookie="session=SECRET", x_client_ip="192.0.2.1")
        Line(tmp_path, answer, store=store).get()
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in (CONTACT, "SECRET", "192.0.2.1", "maxlag", "a=b"):
        assert secret.encode() not in stored


@given(st.dictionaries(st.text(min_size=1), st.text()), st.randoms())
def test_the_order_of_parameters_is_no_part_of_a_request(params: dict[str, str], rng: Any) -> None:
    shuffled = [*params.items()]
    rng.shuffle(shuffled)
    one, two = httpx.URL(API, params=params), httpx.URL(API, params=dict(shuffled))
    assert identify(one) == identify(two)
    assert identify(one.copy_set_param("maxlag", 5)) == identify(one.copy_remove_param("maxlag"))


def _patient(seconds: float) -> Site:
    return fake_site(limits=_with(longest_answer=seconds))


def _with(**changes: Any) -> Any:
    return replace(FAST, **changes)
