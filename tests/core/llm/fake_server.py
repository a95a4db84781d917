"""One loopback server that speaks both providers' dialects, with scripted answers and faults."""

import base64
import hashlib
import json
import re
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from imagewikiqa.core.llm.scripted import Rule
from tests.core.llm.fake_batches import FakeBatches, Made, jsonl, uploaded

Kind = Literal[
    "429", "500", "reset", "cut", "cut_json", "junk", "refusal", "length", "filter", "401", "quota"
]
_ERRORS = {
    "429": (429, "rate_limit_error", "rate_limit_exceeded", "slow down"),
    "500": (500, "api_error", "server_error", "try again"),
    "401": (401, "authentication_error", "invalid_api_key", "wrong key"),
    "quota": (429, "insufficient_quota", "insufficient_quota", "you exceeded your quota"),
}
_DATA_URL = r"data:(image/(?:jpeg|png|webp));base64,(.+)"


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with one request; `retry_after` are seconds told with a 429 or 500."""

    kind: Kind
    retry_after: float | None = None


Faults = Callable[[str, int], Fault | None]


@dataclass
class FakeModel:
    """Rules, faults by words and attempt, and what the server saw."""

    rules: Sequence[Rule] = ()
    faults: Faults = lambda words, attempt: None
    key: str = ""  # "" takes any key
    usage: tuple[int, int] = (11, 7)
    delay: float = 0.0
    asked: Counter[str] = field(default_factory=Counter)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    pictures: list[tuple[str, str]] = field(default_factory=list)  # media type and sha256
    early: list[tuple[str, float]] = field(default_factory=list)
    most_at_once: int = 0
    url: str = ""
    batches: FakeBatches = field(default_factory=FakeBatches)
    _not_before: dict[str, float] = field(default_factory=dict)
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def arrive(self, words: str, body: dict[str, Any]) -> int:
        """Count a request and return which attempt at these words it is, from 0."""
        with self._lock:
            now = time.monotonic()
            if now < self._not_before.get(words, 0.0):
                self.early.append((words, self._not_before[words] - now))
            attempt = self.asked[words]
            self.asked[words] += 1
            self.bodies.append(body)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
            return attempt

    def leave(self) -> None:
        with self._lock:
            self._now -= 1

    def hold(self, words: str, seconds: float) -> None:
        """Remember that these words must not come back for some seconds."""
        with self._lock:
            self._not_before[words] = time.monotonic() + seconds

    def answer(self, words: str) -> tuple[str, str]:
        """Return text and finish of the first rule that matches; echo the words without one."""
        for rule in self.rules:
            if all(part in words for part in rule.contains):
                return rule.reply, rule.finish
        return f"echo: {words}", "stop"


@contextmanager
def serving(model: FakeModel) -> Iterator[FakeModel]:
    """Serve on a free port of loopback; `model.url` is the address without a path."""

    class Handler(_Handler):
        fake = model

    server = _Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    model.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield model
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    fake: FakeModel

    def log_message(self, format: str, *values: Any) -> None:  # noqa: A002 - the base's name
        """Say nothing: the test reads what was counted."""

    def do_POST(self) -> None:
        """Answer one request in the dialect of its path."""
        raw = self.rfile.read(int(self.headers["content-length"]))
        if self.path in ("/v1/files", "/v1/batches", "/v1/messages/batches"):
            return self._batch_call("upload" if self.path == "/v1/files" else "create", raw)
        body = json.loads(raw)
        openai = self.path == "/v1/chat/completions"
        if not openai and self.path != "/v1/messages":
            return self._error(404, "not_found_error", "not_found", self.path)
        words = _words(body)
        self.fake.pictures += _pictures(body, openai)
        attempt = self.fake.arrive(words, body)
        try:
            time.sleep(self.fake.delay)
            self._respond(openai, words, attempt, body)
        finally:
            self.fake.leave()

    def do_GET(self) -> None:
        """Tell of batches and their files."""
        path = self.path.partition("?")[0]
        results = path.startswith("/v1/files/") or path.endswith("/results")
        listing = path in ("/v1/batches", "/v1/messages/batches")
        self._batch_call("list" if listing else "results" if results else "look", b"")

    def _batch_call(self, call: str, raw: bytes) -> None:
        """Do one call about batches; the connection may be lost before or after it is done."""
        batches = self.fake.batches
        number = batches.calls[call]
        batches.calls[call] += 1
        lost, status = batches.lost.get((call, number)), batches.fails.get((call, number))
        given = self.headers.get("authorization", "").removeprefix("Bearer ")
        given = self.headers.get("x-api-key", given)
        if lost == "before":
            return self._reset()
        if self.fake.key and given != self.fake.key:
            return self._error(401, "authentication_error", "invalid_api_key", f"wrong {given}")
        if status is not None:
            words = "credit balance is too low" if status == 402 else "try again"
            return self._error(status, "api_error", "server_error", words)
        said = self._batch_answer(call, raw) if batches.offered else None
        if lost == "after":
            return self._reset()
        if said is None:
            return self._error(404, "not_found_error", "not_found", self.path)
        told = said if isinstance(said, bytes) else json.dumps(said).encode()
        self._send(200, told, {}, Fault("cut") if lost == "within" else None)

    def _batch_answer(self, call: str, raw: bytes) -> Any:
        batches, path = self.fake.batches, self.path.partition("?")[0]
        openai = "/messages/" not in path
        if call == "upload":
            name = f"file-{len(batches.files)}"
            batches.files[name] = uploaded(raw, self.headers["content-type"])
            return {"id": name, "object": "file", "purpose": "batch", "filename": "f", "bytes": 1}
        if call == "create":
            said = json.loads(raw)
            lines = said.get("requests") or [
                json.loads(line) for line in batches.files[said["input_file_id"]].splitlines()
            ]
            entries = [(line["custom_id"], line.get("params", line.get("body"))) for line in lines]
            assert len({key for key, _ in entries}) == len(entries), "ids must differ"
            return self._form(batches.create(openai, entries, said.get("metadata") or {}))
        if call == "list":
            newest = [made for made in reversed(batches.made.values()) if made.openai == openai]
            for one in newest:
                batches.look(one, self._entry)
            return {"data": [self._form(one) for one in newest], "has_more": False}
        if call == "results" and openai:
            return batches.files.get(path.split("/")[3])
        made = batches.made.get(path.split("/")[3 if openai else 4])
        if made is None:
            return None
        if call == "results":
            return jsonl(made.results or [])
        batches.look(made, self._entry)
        return self._form(made)

    def _form(self, made: Made) -> dict[str, Any]:
        batches = self.fake.batches
        return (
            batches.openai_form(made) if made.openai
            else batches.anthropic_form(made, self.fake.url)
        )  # fmt: skip

    def _entry(self, openai: bool, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Return what one request of a batch gets, as it would alone."""
        headers = {"anthropic-version": "in the batch's own headers"}
        wrong = _openai_refuses(body) if openai else _anthropic_refuses(body, headers)
        if wrong:
            error = {"type": "invalid_request_error", "message": wrong[0], "param": wrong[1]}
            return 400, {"error": error}
        words = _words(body)
        self.fake.asked[words] += 1
        make = _completion if openai else _message
        return 200, make(*self.fake.answer(words), body["model"], self.fake.usage)

    def _reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()
        self.close_connection = True

    def _respond(self, openai: bool, words: str, attempt: int, body: dict[str, Any]) -> None:
        given = self.headers.get("authorization", "").removeprefix("Bearer ")
        given = given if openai else self.headers.get("x-api-key", given)
        fault = self.fake.faults(words, attempt)
        wrong = _openai_refuses(body) if openai else _anthropic_refuses(body, self.headers)
        if self.fake.key and given != self.fake.key:
            # A careless server repeats the key: a client must not pass that on.
            self._error(401, "authentication_error", "invalid_api_key", f"wrong key {given}")
        elif wrong:
            self._error(400, "invalid_request_error", "unsupported_parameter", *wrong)
        elif fault and fault.kind in _ERRORS:
            self._fail(fault, words)
        elif fault and fault.kind == "reset":
            self._reset()
        else:
            self._say(openai, words, body["model"], fault)

    def _fail(self, fault: Fault, words: str) -> None:
        headers = {}
        if fault.retry_after is not None:
            headers["retry-after"] = f"{fault.retry_after:g}"
            self.fake.hold(words, fault.retry_after)
        self._error(*_ERRORS[fault.kind], headers=headers)

    def _error(
        self, status: int, kind: str, code: str, message: str, param: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        error = {"type": kind, "code": code, "message": message, "param": param}
        body = {"type": "error", "error": error}
        self._send(status, json.dumps(body).encode(), headers or {})

    def _say(self, openai: bool, words: str, model: str, fault: Fault | None) -> None:
        text, finish = self.fake.answer(words)
        if fault and fault.kind in ("refusal", "length", "filter"):
            finish = {"filter": "filtered"}.get(fault.kind, fault.kind)
        make = _completion if openai else _message
        raw = json.dumps(make(text, finish, model, self.fake.usage)).encode()
        if fault and fault.kind == "junk":
            raw = b'{"choices": "none", "content": 3}'
        if fault and fault.kind == "cut_json":
            raw = raw[: len(raw) // 2]
        self._send(200, raw, {"request-id": "req-1", "x-request-id": "req-1"}, fault)

    def _send(
        self, status: int, raw: bytes, headers: dict[str, str], fault: Fault | None = None
    ) -> None:
        cut = fault is not None and fault.kind == "cut"
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw[: len(raw) // 2] if cut else raw)
        if cut:
            self.close_connection = True


def _words(body: dict[str, Any]) -> str:
    found = []
    for message in body["messages"]:
        content = message["content"]
        parts = [{"text": content}] if isinstance(content, str) else content
        found += [part["text"] for part in parts if "text" in part]
    return "\n".join(found)


def _pictures(body: dict[str, Any], openai: bool) -> Iterator[tuple[str, str]]:
    """Yield media type and digest of every picture; raise for a part the service does not take."""
    contents = (turn["content"] for turn in body["messages"])
    for part in (part for content in contents if not isinstance(content, str) for part in content):
        if part["type"] == "text":
            assert set(part) == {"type", "text"}
        elif openai:
            assert set(part) == {"type", "image_url"} and part["type"] == "image_url"
            found = re.fullmatch(_DATA_URL, part["image_url"]["url"])
            assert found
            yield found[1], _digest(found[2])
        else:
            assert set(part) == {"type", "source"} and part["type"] == "image"
            source = part["source"]
            assert source["type"] == "base64"
            yield source["media_type"], _digest(source["data"])


def _digest(encoded: str) -> str:
    return hashlib.sha256(base64.b64decode(encoded, validate=True)).hexdigest()


def _completion(text: str, finish: str, model: str, usage: tuple[int, int]) -> dict[str, Any]:
    said = {"role": "assistant", "content": text, "refusal": None}
    if finish == "refusal":
        said |= {"content": None, "refusal": "I cannot."}
    reason = {"refusal": "stop", "filtered": "content_filter"}.get(finish, finish)
    return {
        "id": "c-1", "object": "chat.completion", "created": 1, "model": model,
        "choices": [{"index": 0, "message": said, "finish_reason": reason, "logprobs": None}],
        "usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": 0},
    }  # fmt: skip


def _message(text: str, finish: str, model: str, usage: tuple[int, int]) -> dict[str, Any]:
    reason = {"length": "max_tokens", "refusal": "refusal", "filtered": "refusal"}
    content = [] if finish in ("refusal", "filtered") else [{"type": "text", "text": text}]
    return {
        "id": "m-1", "type": "message", "role": "assistant", "model": model,
        "content": content, "stop_reason": reason.get(finish, "end_turn"), "stop_sequence": None,
        "usage": {"input_tokens": usage[0], "output_tokens": usage[1]},
    }  # fmt: skip


def _openai_refuses(body: dict[str, Any]) -> tuple[str, str] | None:
    """Return why the real service would refuse, and the parameter, as its documents say."""
    if body["model"].startswith("o") and "temperature" in body:
        return "Unsupported value: 'temperature'", "temperature"
    if body["model"].startswith("o") and "max_tokens" in body:
        return "Unsupported parameter: 'max_tokens'", "max_tokens"
    if body["model"].startswith("old") and "max_completion_tokens" in body:
        return "Unrecognized request argument: max_completion_tokens", "max_completion_tokens"
    form = body.get("response_format")
    if form is not None and not (
        form["type"] == "json_schema"
        and form["json_schema"]["strict"] is True
        and _closed(form["json_schema"]["schema"])
    ):
        return "Invalid schema for response_format", "response_format"
    return None


def _anthropic_refuses(body: dict[str, Any], headers: Any) -> tuple[str, str] | None:
    for name in ("temperature", "seed", "top_p", "response_format", "max_completion_tokens"):
        if name in body:
            return f"{name}: Extra inputs are not permitted", name
    if "max_tokens" not in body or "anthropic-version" not in headers:
        return "max_tokens: Field required", "max_tokens"
    if any(message["role"] == "system" for message in body["messages"]):
        return "messages: Unexpected role", "messages"
    form = body.get("output_config", {}).get("format")
    if form is not None and (form["type"] != "json_schema" or not _closed(form["schema"])):
        return "output_config.format: invalid schema", "output_config"
    if form is not None and any(
        word in json.dumps(form) for word in ('"minItems": 4', '"maxItems"')
    ):
        return "output_config.format: unsupported constraint", "output_config"
    return None


def _closed(schema: Any) -> bool:
    """Tell whether every object of a schema is closed and asks for all its properties."""
    if isinstance(schema, list):
        return all(map(_closed, schema))
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" and (
        schema.get("additionalProperties") is not False
        or set(schema.get("required", ())) != set(schema["properties"])
    ):
        return False
    return all(map(_closed, schema.values()))
