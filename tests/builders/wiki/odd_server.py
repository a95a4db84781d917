"""A server on this machine that answers every request in one odd way."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, cast


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """One answer, as it goes over the wire."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class OddServer(ThreadingHTTPServer):
    """Answers with what `answer` makes of a request's number and address; a context manager.

    None instead of an answer is silence until the server ends.
    """

    daemon_threads = True

    def __init__(self, answer: Callable[[int, str], Odd | None]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer = answer
        self.asked: list[str] = []
        self.over = threading.Event()

    @property
    def api(self) -> str:
        """Return the URL of what should be an action API."""
        return f"http://127.0.0.1:{self.server_address[1]}/w/api.php"

    def __enter__(self) -> "OddServer":
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.over.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about clients that left."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = cast(OddServer, self.server)
        server.asked.append(self.path)
        answer = server.answer(len(server.asked), self.path)
        if answer is None:
            server.over.wait()
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 (the name is theirs)
        """Print nothing."""
