"""Pieces of HTTP that need care: an answer's body, Retry-After, and what makes two requests one."""

import email.utils
import time
import zlib
from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit, urlunsplit

import httpx

from imagewikiqa.core.errors import ToolkitError

_NOT_IDENTITY = frozenset({"maxlag", "origin"})


class CutError(Exception):
    """An answer arrived in part."""


def read_body(response: httpx.Response, cap: int, seconds: float) -> bytes:
    """Read an answer to its end and decode it; at most `cap` bytes, compressed and not.

    Raises CutError for damaged gzip and for an answer that takes longer than `seconds`,
    ToolkitError for too many bytes or another encoding.
    """
    raw = bytearray()
    end = time.monotonic() + seconds
    for chunk in _chunks(response):
        raw += chunk
        if time.monotonic() > end:
            raise CutError(f"{len(raw):,} bytes in {seconds:.0f} s")
        if len(raw) > cap:
            raise _too_large(cap)
    coding = response.headers.get("content-encoding", "").lower().strip()
    if coding in ("", "identity"):
        return bytes(raw)
    if coding not in ("gzip", "x-gzip"):
        raise ToolkitError(
            f"the wiki answers in the encoding {coding[:40]!r}, which was not asked for: check the"
            " address of the API"
        )
    return _gunzipped(bytes(raw), cap)


def _gunzipped(raw: bytes, cap: int) -> bytes:
    reader = zlib.decompressobj(wbits=31)
    try:
        body = reader.decompress(raw, cap + 1)
    except zlib.error as error:
        raise CutError(f"damaged gzip ({error})") from error
    if len(body) > cap:
        raise _too_large(cap)
    if not reader.eof:
        raise CutError("cut gzip")
    return body


def _too_large(cap: int) -> ToolkitError:
    return ToolkitError(
        f"the wiki sends an answer of more than {cap:,} bytes: check the address of the API, or"
        " allow more in the limits"
    )


def _chunks(response: httpx.Response) -> Iterator[bytes]:
    stream = response.stream
    if not isinstance(stream, httpx.SyncByteStream):
        raise TypeError("the inner transport must be a synchronous one")
    yield from stream


def identify(url: httpx.URL) -> str:
    """Return a request's identity: sorted parameters, nothing about who asks and how patiently."""
    parts = urlsplit(str(url))
    query = urlencode(sorted(p for p in url.params.multi_items() if p[0] not in _NOT_IDENTITY))
    return "GET " + urlunsplit((parts.scheme, parts.netloc.lower(), parts.path, query, ""))


def retry_after(headers: dict[str, str]) -> float | None:
    """Return the seconds that Retry-After asks for, given as a number or a date; None without."""
    text = headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        seconds = _until(text, headers.get("date", ""))
    return max(0.0, seconds) if seconds == seconds and seconds != float("inf") else None


def _until(text: str, date: str) -> float:
    """Return the seconds to a date by our clock or the server's, whichever is longer."""
    try:
        then = email.utils.parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return float("nan")
    try:
        theirs = email.utils.parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        theirs = time.time()
    return then - min(theirs, time.time())


def first_words(body: bytes) -> str:
    """Return the beginning of an answer as one line of plain letters."""
    text = body[:400].decode("utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:120]
