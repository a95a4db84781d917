"""An HTTP transport that keeps Wikimedia's rules, whatever client sends through it."""

import logging
import threading
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception_type,
    stop_after_attempt,
    wait_random_exponential,
)

from imagewikiqa.builders.wiki import replies, wire
from imagewikiqa.builders.wiki.limiter import HaltedError, Limiter, rest
from imagewikiqa.builders.wiki.settings import Site
from imagewikiqa.builders.wiki.store import Exchange, ResponseStore, Stored
from imagewikiqa.core.errors import ToolkitError

LOG = logging.getLogger(__name__)
REDIRECTS = frozenset({301, 302, 303, 307, 308})
HOPS = 5
# What an answer means decides these codes; everything else is the caller's to judge.
_WAIT = frozenset({"maxlag", "ratelimited", "readonly", "readonlyerror"})
_TRY_AGAIN_PREFIXES = ("internal_api_error", "cirrussearch-backend-error", "search-timeout")
_BLOCKED = ("blocked", "autoblocked", "globalblocking", "torblock", "systemblocked")
_KEPT_HEADERS = ("content-type", "etag", "last-modified", "date", "retry-after", "location")


class _AgainError(Exception):
    """An attempt failed in a way that may pass; the words say how."""


class PoliteTransport(httpx.BaseTransport):
    """Sends GET requests to one site: named, paced, in gzip, retried, capped and stored.

    Answers in the store, fetched at or after `since` (ISO 8601), are not asked for again; older
    ones are revalidated by their ETag. Raises ToolkitError when the site refuses this client, when
    tries run out, and for answers that are too large or lead to another host.
    """

    def __init__(
        self,
        site: Site,
        limiter: Limiter,
        *,
        store: ResponseStore | None = None,
        inner: httpx.BaseTransport | None = None,
        since: str = "",
    ) -> None:
        self.site = site
        self._limiter = limiter
        self._store = store
        self._inner = inner or _connection(site)
        self._since = since
        self._refused: ToolkitError | None = None
        self._understood = False  # whether an API ever answered here
        self._halt = threading.Event()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer from the store, else from the site."""
        if request.method != "GET":
            raise ValueError(f"a polite transport only reads: {request.method} is not GET")
        self._check_host(str(request.url))
        identity = wire.identify(request.url)
        known = self._store.answer(identity) if self._store else None
        if known is not None and known.checked_at >= self._since:
            return _response(known.status, known.headers, known.body)
        return self._fetch(self._dressed(request, known), identity, known)

    def close(self) -> None:
        """Close the connections, and end the waiting of threads that no one waits for."""
        self.halt()
        self._inner.close()

    def halt(self) -> None:
        """End the waiting of all threads that send through here: the run ends."""
        self._halt.set()

    def _dressed(self, request: httpx.Request, known: Stored | None) -> httpx.Request:
        """Return the request as it is sent: only our own headers, and maxlag for the API."""
        headers = {
            "Host": request.url.netloc.decode(),
            "User-Agent": self.site.user_agent,
            "Accept-Encoding": "gzip",
            "Accept": request.headers.get("Accept", "*/*"),
            "Connection": "keep-alive",
        }
        if known is not None and "etag" in known.headers:
            headers["If-None-Match"] = known.headers["etag"]
        url = request.url
        if _is_api(url) and self.site.limits.maxlag is not None:
            url = url.copy_set_param("maxlag", self.site.limits.maxlag)
        extensions = {"timeout": httpx.Timeout(self.site.limits.timeout).as_dict()}
        return httpx.Request("GET", url, headers=headers, extensions=extensions)

    def _fetch(self, request: httpx.Request, identity: str, known: Stored | None) -> httpx.Response:
        limits = self.site.limits
        retrying = Retrying(
            stop=stop_after_attempt(limits.tries),
            wait=wait_random_exponential(multiplier=limits.backoff, max=limits.longest_backoff),
            retry=retry_if_exception_type(_AgainError),
            sleep=lambda seconds: rest(seconds, self._halt),
            before_sleep=self._say,
            reraise=True,
        )
        try:
            return retrying(self._attempt, request, identity, known)
        except HaltedError:
            raise self._refused or KeyboardInterrupt from None
        except _AgainError as error:
            raise ToolkitError(
                f"{self.site.host} gave no answer in {limits.tries} tries (the last time {error}):"
                " run the same command again later, what arrived is kept"
            ) from error

    def _attempt(
        self, request: httpx.Request, identity: str, known: Stored | None
    ) -> httpx.Response:
        for _ in range(HOPS):
            status, headers, body = self._exchange(request)
            if status not in REDIRECTS:
                return self._judge(request, identity, known, (status, headers, body))
            self._record(identity, status, headers, body, usable=False)
            request = self._next_hop(request, headers.get("location", ""))
        raise ToolkitError(
            f"{self.site.host} redirects more than {HOPS} times in a row: check the address"
            f" {self.site.api}"
        )

    def _next_hop(self, request: httpx.Request, location: str) -> httpx.Request:
        try:
            target = request.url.join(location)
        except httpx.InvalidURL as error:
            raise ToolkitError(
                f"{self.site.host} redirects to {location[:100]!r}, which is no address: check the"
                f" address {self.site.api}"
            ) from error
        self._check_host(str(target), came_from=str(request.url))
        headers = {**request.headers, "host": target.netloc.decode()}  # two of them are refused
        return httpx.Request("GET", target, headers=headers, extensions=request.extensions)

    def _exchange(self, request: httpx.Request) -> tuple[int, dict[str, str], bytes]:
        """Send once, within the limits, and read the whole answer."""
        with self._limiter.request(self._halt):
            if self._refused is not None:
                raise self._refused
            try:
                response = self._inner.handle_request(request)
                try:
                    limits = self.site.limits
                    body = wire.read_body(response, limits.max_bytes, limits.longest_answer)
                finally:
                    response.close()
            except wire.CutError as error:
                raise _AgainError(str(error)) from error
            except httpx.LocalProtocolError:
                raise  # a request of ours that is none, which no repetition makes one
            except httpx.TransportError as error:
                raise _AgainError(f"{type(error).__name__}: {error}".rstrip(": ")) from error
            headers = {k: v for k in _KEPT_HEADERS if (v := response.headers.get(k)) is not None}
            # The pause begins before the slot is free, so that nobody slips in between.
            self._obey(response.status_code, headers, body, api=_is_api(request.url))
        return response.status_code, headers, body

    def _obey(self, status: int, headers: dict[str, str], body: bytes, *, api: bool) -> None:
        told = wire.retry_after(headers)
        waits = (
            status == 429 or status >= 500 or (api and len(body) < 65536 and _asks_to_wait(body))
        )
        if not waits:
            return
        pause = told if told is not None else self.site.limits.pause if status == 429 else 0.0
        if pause > 0:
            self._limiter.pause(pause)

    def _judge(
        self,
        request: httpx.Request,
        identity: str,
        known: Stored | None,
        answer: tuple[int, dict[str, str], bytes],
    ) -> httpx.Response:
        """Store an answer, and decide whether it is one, a reason to try again, or the end."""
        status, headers, body = answer
        if status == 304 and known is not None and self._store is not None:
            self._store.still_holds(known)
            return _response(known.status, known.headers, known.body)
        reply = replies.parse(body) if status == 200 and _is_api(request.url) else {}
        errors = replies.errors(reply) if reply is not None else []
        usable = status == 200 and reply is not None and not errors
        self._record(identity, status, headers, body, usable=usable)
        if status in (401, 403):
            self._refuse(f"status {status}, {wire.first_words(body)}")
        if status == 429 or status >= 500:
            raise _AgainError(f"status {status}")
        if reply is None:
            self._doubt(headers, body)
            raise _AgainError(f"{len(body):,} bytes that are no JSON object")
        self._understood |= _is_api(request.url)
        self._heed(errors)
        return _response(status, headers, body)

    def _doubt(self, headers: dict[str, str], body: bytes) -> None:
        """Stop at a web page where no API ever answered: nothing comes of asking it again."""
        if headers.get("content-type", "").startswith("text/html") and not self._understood:
            raise ToolkitError(
                f"{self.site.host} answers with a web page ({wire.first_words(body)!r}), not as an"
                f" API: check the address of its API, {self.site.api}, and the network's log-in"
            )

    def _heed(self, errors: list[replies.Remark]) -> None:
        """End everything when the site blocks us, try again when it is busy; pass on the rest."""
        for error in errors:
            if error.code.startswith(_BLOCKED):
                self._refuse(f"{error.code}: {error.text}")
            if error.code in _WAIT or error.code.startswith(_TRY_AGAIN_PREFIXES):
                raise _AgainError(f"error {error.code}")

    def _refuse(self, what: str) -> None:
        """Stop this and every later request: knocking on a closed door gets whole networks shut."""
        self._refused = ToolkitError(
            f"{self.site.host} refuses this client ({what[:200]}): stop, read its answer, make sure"
            " that the contact reaches you, and ask its operators before trying again"
        )
        self._halt.set()
        raise self._refused

    def _record(
        self, identity: str, status: int, headers: dict[str, str], body: bytes, *, usable: bool
    ) -> None:
        if self._store is not None:
            exchange = Exchange(
                request=identity, status=status, headers=headers, body=body, usable=usable
            )
            self._store.record(exchange)

    def _check_host(self, address: str, came_from: str = "") -> None:
        """Refuse addresses off the site, and a step down from https to http."""
        target = urlsplit(address)
        at_home = target.netloc.lower() in {self.site.host, *self.site.media_hosts}
        weaker = came_from.startswith("https:") and target.scheme != "https"
        if target.scheme not in ("http", "https") or not at_home or weaker:
            where = f"{target.scheme}://{target.netloc}"
            raise ToolkitError(
                f"{self.site.host} leads to {where[:100]}, which is not the same"
                " site: give the address of the API where it is now"
            )

    def _say(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        which = f"{state.attempt_number} of {self.site.limits.tries}"
        wait = state.next_action.sleep if state.next_action else 0.0
        LOG.info("%s: try %s failed (%s); the next in %.0f s", self.site.host, which, error, wait)


def _asks_to_wait(body: bytes) -> bool:
    reply = replies.parse(body)
    return reply is not None and any(error.code in _WAIT for error in replies.errors(reply))


def _is_api(url: httpx.URL) -> bool:
    return url.path.endswith("/api.php")


def _response(status: int, headers: dict[str, str], body: bytes) -> httpx.Response:
    return httpx.Response(status, headers=headers, content=body)


def _connection(site: Site) -> httpx.HTTPTransport:
    """Return the real transport, through the proxy that the environment names, if any."""
    parts = urlsplit(site.api)
    proxy = None if proxy_bypass(parts.hostname or "") else getproxies().get(parts.scheme)
    return httpx.HTTPTransport(proxy=proxy)
