"""Fetches pictures politely, each once: what is stored is never asked for again."""

import contextlib
import fcntl
import hashlib
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from imagewikiqa.builders.commons.addresses import own_address
from imagewikiqa.builders.commons.records import FileFacts, Media
from imagewikiqa.builders.commons.refusal import RefusedError
from imagewikiqa.builders.wiki.limiter import Limiter
from imagewikiqa.builders.wiki.settings import Site
from imagewikiqa.builders.wiki.transport import REDIRECTS, PoliteTransport
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained, publish, remove_leftovers

BROKEN = 3  # times that the server fails to draw a picture before it is taken as broken


class MediaStore:
    """Files by the sha1 of their original and the width asked for; their names hold their sha256.

    Shared by runs. One process at a time may add to it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with explained(folder, "create"):
            folder.mkdir(parents=True, exist_ok=True)
        self._known = self._scan()

    @contextlib.contextmanager
    def only_writer(self) -> Iterator[None]:
        """Wait until no other process adds files, and keep it so."""
        path = self.folder / "lock"
        with explained(path, "open"), path.open("ab") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)  # let go when the process dies
            remove_leftovers(self.folder)
            self._known = self._scan()
            yield

    def _scan(self) -> dict[str, str]:
        names = (path.name.partition(".") for path in self.folder.glob("??/*"))
        return {key: sha256 for key, _, sha256 in names if key}

    def find(self, key: str) -> Media | None:
        """Return a stored file, None where there is none."""
        sha256 = self._known.get(key)
        return None if sha256 is None else Media(id=sha256, file=_place(key, sha256))

    def add(self, key: str, data: bytes) -> Media:
        """Store a file; it is there whole or not at all, whatever dies."""
        sha256 = hashlib.sha256(data).hexdigest()
        publish(self.folder / _place(key, sha256), [data])
        self._known[key] = sha256
        return Media(id=sha256, file=_place(key, sha256))


def read_media(folder: Path, media: Media) -> bytes:
    """Return the bytes of a stored file; raise ToolkitError when they are gone or changed."""
    path = folder / media.file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ToolkitError(
            f"the stored file {path} cannot be read ({error.strerror}): run the same command again"
        ) from error
    if hashlib.sha256(data).hexdigest() != media.id:
        raise ToolkitError(
            f"the stored file {path} is damaged: delete it and run the same command again, which"
            " fetches it anew"
        )
    return data


def key_of(facts: FileFacts, width: int) -> str:
    """Return what a picture is stored under: the same original in the same width is the same."""
    return f"{facts.sha1}-{'original' if facts.is_original else width}"


def _place(key: str, sha256: str) -> str:
    return f"{key[:2]}/{key}.{sha256}"


class MediaClient:
    """Fetches files of one wiki through its shared allowance."""

    def __init__(
        self, site: Site, limiter: Limiter, max_bytes: int, inner: httpx.BaseTransport | None = None
    ) -> None:
        guard = _Guard(site, max_bytes, inner or _connection(site))
        self.transport = PoliteTransport(site, limiter, inner=guard)
        self._client = httpx.Client(transport=self.transport, timeout=site.limits.timeout)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def fetch(self, facts: FileFacts) -> bytes:
        """Return the picture of a file; raise RefusedError for one that cannot be had.

        An original must have the sha1 that Commons publishes. Raises ToolkitError when the site
        refuses this client or does not answer.
        """
        response = self._client.get(facts.fetch_url)
        if response.status_code != 200:
            raise RefusedError("not served", f"status {response.status_code}")
        data = response.content
        if facts.is_original:
            found = hashlib.sha1(data, usedforsecurity=False).hexdigest()
            if found != facts.sha1:
                raise RefusedError("sha1 differs", f"{found}, published {facts.sha1}")
        return data


def _connection(site: Site) -> httpx.HTTPTransport:
    """Return the real transport, through the proxy that the environment names, if any."""
    parts = urlsplit(site.api)
    proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
    return httpx.HTTPTransport(proxy=proxy)


class _Guard(httpx.BaseTransport):
    """Ends an answer that is too long, leads away, or is a picture that the server cannot draw.

    Such an answer is one file's fault, not the site's, so the run goes on without the file.
    """

    def __init__(self, site: Site, max_bytes: int, inner: httpx.BaseTransport) -> None:
        self._site = site
        self._max_bytes = max_bytes
        self._inner = inner
        self._broken: Counter[str] = Counter()
        self._lock = threading.Lock()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._inner.handle_request(request)
        try:
            self._judge(request, response)
        except BaseException:
            response.close()
            raise
        if isinstance(response.stream, httpx.SyncByteStream):
            response.stream = _Capped(response.stream, self._max_bytes)
        return response

    def close(self) -> None:
        self._inner.close()

    def _judge(self, request: httpx.Request, response: httpx.Response) -> None:
        if response.status_code in REDIRECTS:
            own_address(response.headers.get("location"), str(request.url), self._site)
        if response.status_code == 500 and "retry-after" not in response.headers:
            with self._lock:
                self._broken[str(request.url)] += 1
                if self._broken[str(request.url)] >= BROKEN:
                    raise RefusedError("not served", f"status 500, {BROKEN} times")
        length = response.headers.get("content-length", "")
        if length.isdigit() and int(length) > self._max_bytes:
            raise RefusedError("too many bytes", f"{int(length):,}")


class _Capped(httpx.SyncByteStream):
    """A stream that stops at a number of bytes."""

    def __init__(self, inner: httpx.SyncByteStream, cap: int) -> None:
        self._inner = inner
        self._cap = cap

    def __iter__(self) -> Iterator[bytes]:
        seen = 0
        for chunk in self._inner:
            seen += len(chunk)
            if seen > self._cap:
                raise RefusedError("too many bytes", f"more than {self._cap:,}")
            yield chunk

    def close(self) -> None:
        self._inner.close()
