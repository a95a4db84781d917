"""Recorded exchanges with wikis, replayed strictly: a request nobody recorded fails the test."""

import gzip
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx

Key = tuple[str, str, str, tuple[tuple[str, str], ...]]
# Says how patiently something is asked and not what; the transport adds it to each request.
PATIENCE = frozenset({"maxlag"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request and its answer as they went over the wire."""

    url: str
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """Return the body as it reads after decoding."""
        packed = self.headers.get("content-encoding") == "gzip"
        return (gzip.decompress(self.body) if packed else self.body).decode()

    def parameter(self, name: str) -> str | None:
        """Return a parameter of the request."""
        return dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True)).get(name)


def read_recordings(path: Path) -> list[Exchange]:
    """Return the exchanges of a file, with bodies that were kept in gzip as they were sent."""
    exchanges = []
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            one = json.loads(line)
            headers, body = dict(one["headers"]), one["body"].encode()
            if one["body"].startswith('["1f8b'):  # gzip in hexadecimal, in pieces
                body = bytes.fromhex("".join(json.loads(one["body"])))
                headers["content-encoding"] = "gzip"
            exchanges.append(
                Exchange(url=one["url"], status=one["status"], headers=headers, body=body)
            )
    return exchanges


def key_of(url: str, ignored: Iterable[str] = ()) -> Key:
    """Return what must be equal of two addresses: all but the order of parameters and how
    the spaces of titles are written."""
    parts = urlsplit(url)
    left_out = PATIENCE | set(ignored)
    query = parse_qsl(parts.query, keep_blank_values=True)
    kept = sorted(
        (name, value.replace("_", " ") if name == "titles" else value)  # one title to every wiki
        for name, value in query
        if name not in left_out
    )
    return parts.scheme, parts.netloc, parts.path, tuple(kept)


class Replay(httpx.BaseTransport):
    """Answers from recordings; `asked` are the addresses. Parameters may be ignored on purpose."""

    def __init__(self, exchanges: Iterable[Exchange], *, ignored: Iterable[str] = ()) -> None:
        self._ignored = frozenset(ignored)
        self._known: dict[Key, Exchange] = {}
        for one in exchanges:
            self._known.setdefault(key_of(one.url, self._ignored), one)
        self.asked: list[str] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the recorded answer; AssertionError for a request that was not recorded."""
        url = str(request.url)
        self.asked.append(url)
        patient = re.search(r"[?&]maxlag=[1-5](&|$)", url)
        if not patient and request.url.path.endswith("/api.php"):
            raise AssertionError(f"asked without maxlag: {url}")
        found = self._known.get(key_of(url, self._ignored))
        if found is None:
            raise AssertionError(f"nobody recorded this request: {url}")
        headers = dict(found.headers)
        if "location" in headers:  # which echoes the whole request
            headers["location"] += "&maxlag=5"
        return httpx.Response(found.status, headers=headers, stream=httpx.ByteStream(found.body))
