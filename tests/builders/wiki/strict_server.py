"""A server of the action API on this machine that knows Wikimedia's rules and can misbehave."""

import gzip
import hashlib
import json
import socket
import struct
import threading
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, cast
from urllib.parse import parse_qsl, urlsplit

from imagewikiqa.core.digests import keyed_int

from .action_answer import ApiError
from .action_api import Site
from .referee import LONGEST_ADDRESS, Parameters, Record, Referee, Rules
from .version_one import in_version_one

Kind = Literal["429", "maxlag", "ratelimited", "500", "reset", "cut", "torn gzip"]
KINDS: tuple[Kind, ...] = ("429", "maxlag", "ratelimited", "500", "reset", "cut", "torn gzip")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What goes wrong with one request; `retry_after` in seconds, or None to leave it out."""

    kind: Kind
    retry_after: int | None = 1
    as_date: bool = False


Faults = Callable[[int], Fault | None]


def no_faults(number: int) -> Fault | None:
    """Let every request succeed."""
    return None


def keyed_faults(*kinds: Kind, every: int, seed: int = 0, retry_after: int = 1) -> Faults:
    """Return faults for about one request in `every`, decided by its number."""

    def fault(number: int) -> Fault | None:
        if keyed_int("fault", seed, number) % every:
            return None
        kind = kinds[keyed_int("kind", seed, number) % len(kinds)]
        return Fault(kind=kind, retry_after=retry_after)

    return fault


class StrictServer(ThreadingHTTPServer):
    """Serves a site in threads; a context manager. `delay` seconds pass before each answer."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self,
        site: Site,
        rules: Rules | None = None,
        *,
        faults: Faults = no_faults,
        delay: float = 0.0,
        etags: bool = False,
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.site, self.faults, self.delay, self.etags = site, faults, delay, etags
        self.referee = Referee(rules or Rules())

    @property
    def api(self) -> str:
        """Return the URL of the action API."""
        return f"http://127.0.0.1:{self.server_address[1]}/w/api.php"

    @property
    def record(self) -> Record:
        """Return what was seen so far."""
        return self.referee.record

    def __enter__(self) -> "StrictServer":
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about clients that were killed while they were answered."""

    def answer(self, parameters: Parameters) -> tuple[dict[str, Any], list[int]]:
        """Return the answer of the site, or its error, and the revisions whose text is in it."""
        try:
            told, texts = self.site.answer(parameters)
        except ApiError as error:
            if error.code == "strict":
                self.referee.unknown(str(error))
            return in_format(parameters, {"code": error.code, "info": str(error)}), []
        if "list" not in parameters and "continue" in told:
            self.referee.cut_short(parameters, told["continue"])
        if "warnings" in told and "errorformat" in parameters:
            said = told["warnings"].items()
            told["warnings"] = [{"module": m, "text": words["warnings"]} for m, words in said]
        if parameters.get("formatversion", "1") == "1":
            told = in_version_one(told)
        return told, texts


def in_format(parameters: Parameters, error: dict[str, str | int]) -> dict[str, Any]:
    """Return an answer that is an error, in the format that was asked for."""
    if parameters.get("errorformat", "bc") == "bc":
        return {"error": error}
    told = {"code": error["code"], "text": error["info"], "module": "main"}
    more = {key: value for key, value in error.items() if key not in ("code", "info")}
    return {"errors": [{**told, "data": more} if more else told]}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve(urlsplit(self.path).query)

    def do_POST(self) -> None:
        self._serve(self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode())

    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 (the name is theirs)
        """Print nothing."""

    def _serve(self, query: str) -> None:
        server = cast(StrictServer, self.server)
        parameters = dict(parse_qsl(query, keep_blank_values=True))
        headers = {name: str(value) for name, value in self.headers.items()}
        number = server.referee.arrive(self.path, parameters, headers, self.connection)
        time.sleep(server.delay)
        fault = server.faults(number)
        if urlsplit(self.path).path.endswith("/index.php"):
            self._raw(server, number, parameters)
            return
        whole = fault is None or fault.kind in ("cut", "torn gzip")
        told, texts = server.answer(parameters) if whole else ({}, [])
        # A client may see the last byte and go on before this thread runs again.
        server.referee.leave(number)
        # MediaWiki composes whatever its API says, also texts that are stored otherwise.
        body = unicodedata.normalize("NFC", json.dumps(told, ensure_ascii=False)).encode()
        if fault is not None:
            server.referee.failed(fault.kind)
            self._misbehave(fault, server, parameters, body)
        elif len(self.path) > LONGEST_ADDRESS:
            self._send(414, b"")
        else:
            self._behave(server, body, texts)

    def _raw(self, server: StrictServer, number: int, parameters: Parameters) -> None:
        """Answer action=raw, which gives the bytes of a revision; nothing goes wrong with it."""
        server.referee.leave(number)
        page = server.site.revisions.get(int(parameters.get("oldid", "0")))
        if page is None or parameters.get("action") != "raw":
            self._send(404, b"")
            return
        server.referee.hand_out([page.revision_id], raw=True)
        self._send(200, page.wikitext.encode())

    def _behave(self, server: StrictServer, body: bytes, texts: list[int]) -> None:
        tag = {"ETag": f'"{hashlib.sha256(body).hexdigest()[:16]}"'} if server.etags else {}
        if tag and self.headers.get("If-None-Match") == tag["ETag"]:
            server.record.unchanged += 1
            self._send(304, b"", tag)
            return
        server.referee.hand_out(texts)
        self._send(200, body, tag)

    def _misbehave(
        self, fault: Fault, server: StrictServer, parameters: Parameters, body: bytes
    ) -> None:
        if fault.kind == "reset":
            linger = struct.pack("ii", 1, 0)
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            self.connection.close()
            self.close_connection = True
        elif fault.kind in ("cut", "torn gzip"):
            self._send(200, body, cut=fault.kind)
            self.close_connection = fault.kind == "cut"
        elif fault.kind == "500":
            self._send(500, b"<html>upstream error</html>")
        else:
            self._refuse(fault, server, parameters)

    def _refuse(self, fault: Fault, server: StrictServer, parameters: Parameters) -> None:
        headers: dict[str, str] = {}
        if fault.retry_after is not None:
            headers["Retry-After"] = str(fault.retry_after)
            wait = float(fault.retry_after)
            if fault.as_date:  # which has no fraction of a second
                moment = int(time.time() + fault.retry_after)
                headers["Retry-After"], wait = self.date_time_string(moment), moment - time.time()
            server.referee.told_to_wait(parameters, wait, everyone=fault.kind == "429")
        if fault.kind == "429":
            self._send(429, b"Too many requests.", headers)
            return
        words: dict[str, str | int] = {"code": fault.kind, "info": "You've exceeded your limit."}
        if fault.kind == "maxlag":
            words |= {"info": "Waiting for db1: 7 seconds lagged.", "lag": 7}
        headers["MediaWiki-API-Error"] = fault.kind
        status = 503 if fault.kind == "maxlag" else 200
        self._send(status, json.dumps(in_format(parameters, words)).encode(), headers)

    def _send(
        self,
        status: int,
        body: bytes,
        headers: dict[str, str] | None = None,
        *,
        cut: str | None = None,
    ) -> None:
        self.send_response(status)
        if status == 200 and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, mtime=0)
            self.send_header("Content-Encoding", "gzip")
        if cut == "torn gzip":
            body = body[: len(body) // 2]
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut == "cut" else body)
        self.wfile.flush()
