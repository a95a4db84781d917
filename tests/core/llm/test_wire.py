"""One address, many loops: connections are closed with their loop, redirects are not followed."""

import asyncio
import gc
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from imagewikiqa.core.llm.client import user_request
from imagewikiqa.core.llm.failures import CallError
from imagewikiqa.core.llm.openai_provider import OpenAIProvider
from imagewikiqa.core.llm.wire import Wire

from .fake_server import FakeModel, serving

BODY = b'{"model": "m", "messages": [{"role": "user", "content": "hello"}]}'


def statuses(url: str) -> list[int]:
    """Return what two calls in each of three loops are answered."""
    wire = Wire(f"{url}/v1/chat/completions", {}, "NO_KEY")

    async def twice() -> list[int]:
        return [(await wire.post(BODY)).status for _ in range(2)]

    return [status for _ in range(3) for status in asyncio.run(twice())]


def test_a_wire_serves_one_loop_after_another_and_leaves_nothing_open() -> None:
    gc.collect()  # what other tests left open is theirs to be told of
    with serving(FakeModel()) as model, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        assert statuses(model.url) == [200] * 6
        gc.collect()
    told = [str(one.message) for one in warned]
    assert [one for one in told if "session" in one or "connect" in one.lower()] == []
    assert sum(model.asked.values()) == 6


@contextmanager
def moved(to: str) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, format: str, *values: object) -> None:  # noqa: A002
            pass

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(307)
            self.send_header("location", to)
            self.send_header("content-length", "0")
            self.end_headers()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_key_does_not_go_where_a_redirect_points(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    with serving(FakeModel()) as other, moved(f"{other.url}/v1/chat/completions") as url:
        one = OpenAIProvider("m", f"{url}/v1")
        with pytest.raises(CallError, match="307") as caught:
            asyncio.run(one.send(user_request("m", "p@1", "hello", 9)))
        assert not caught.value.again
        assert other.bodies == []


def test_the_environment_names_a_proxy_and_where_none_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with serving(FakeModel()) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        wire = Wire("http://nowhere.invalid/v1/chat/completions", {}, "NO_KEY")
        # The server stands for a proxy: it is asked for a whole address, which it does not know.
        assert asyncio.run(wire.post(BODY)).status == 404
        monkeypatch.setenv("no_proxy", "nowhere.invalid")
        wire = Wire("http://nowhere.invalid/v1/chat/completions", {}, "NO_KEY")
        with pytest.raises(CallError, match="no answer"):
            asyncio.run(wire.post(BODY))
