"""JSON posted to one address over connections that stay open; nothing is repeated here."""

import asyncio
import io
import urllib.request
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from imagewikiqa.core.errors import MissingExtraError
from imagewikiqa.core.llm.failures import CallError, without_key

if TYPE_CHECKING:
    import aiohttp

_LONGEST = 600.0  # seconds for one call, its answer included
_PIECE = 2**20  # bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (their names in any case) and the whole body.

    A careless server repeats the key in its answer: a traceback shows the status alone.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


class Wire:
    """Posts to one address. How many calls are on their way is the limiter's business.

    The services' own packages spend four times as much CPU on a call, over any transport; they
    give the address and the headers instead. A loop that ends as `asyncio.Runner` ends it closes
    the connections that were opened in it.
    """

    def __init__(self, url: str, headers: Mapping[str, object], key: str) -> None:
        """Take the headers that are words; `key` is the variable whose value no error may show."""
        try:
            import aiohttp  # noqa: F401 - told now, not at the first call
        except ImportError as error:
            raise MissingExtraError("aiohttp", "llm") from error
        self._url = url
        self._headers = {name: said for name, said in headers.items() if isinstance(said, str)}
        self._key = key
        self._loop: asyncio.AbstractEventLoop | None = None
        self._session: aiohttp.ClientSession | None = None
        self._open: AsyncGenerator[aiohttp.ClientSession] | None = None

    async def post(self, body: bytes) -> Answer:
        """Return the answer, whatever its status; raise CallError when there is no whole one."""
        import aiohttp

        session = self._session
        if session is None or self._loop is not asyncio.get_running_loop():
            session = await self._connect()
        try:
            # Bytes of a megabyte and more are sent in pieces, between which other calls go on.
            data = body if len(body) < _PIECE else io.BytesIO(body)
            # A redirect is not followed: the key would go along to whoever is named in it.
            async with session.post(self._url, data=data, allow_redirects=False) as answer:
                return Answer(answer.status, answer.headers, await answer.read())
        except TimeoutError:
            told = f"nothing came within {_LONGEST:.0f} seconds"
        except (aiohttp.ClientError, OSError) as error:
            told = without_key(f"{type(error).__name__}: {error}", self._key)
        # Raised here, the error carries no request, and so no key, along with it.
        raise CallError("no answer", told)

    async def _connect(self) -> "aiohttp.ClientSession":
        # The loop closes an asynchronous generator that was begun in it, and so the session.
        self._open = _session(self._url, self._headers)
        self._loop, self._session = asyncio.get_running_loop(), await anext(self._open)
        return self._session


async def _session(url: str, headers: Mapping[str, str]) -> "AsyncGenerator[aiohttp.ClientSession]":
    import aiohttp
    import httpx

    trusted = httpx.create_ssl_context() if url.startswith("https:") else True
    async with aiohttp.ClientSession(
        headers=headers,
        connector=aiohttp.TCPConnector(limit=0, ssl=trusted),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=_LONGEST),
        proxy=_proxy(url),
    ) as session:
        yield session


def _proxy(url: str) -> str | None:
    """Return the proxy that the environment names for an address."""
    parts = urlsplit(url)
    if urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    return urllib.request.getproxies().get(parts.scheme)
