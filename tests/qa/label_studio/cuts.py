"""A connection to a real server that is cut where a test says."""

import threading
import time
from collections.abc import Iterable, Iterator

import httpx

CUTS = ("lost answer", "client time-out", "lost request")


class CutTransport(httpx.BaseTransport):
    """Passes requests on; each import meets the next of `cuts` ("" passes).

    lost answer: the server did it, nobody hears; client time-out: the client gives up at once and
    the server does it `late` seconds later; lost request: the server never hears of it.
    """

    def __init__(self, cuts: Iterable[str], late: float = 1.0) -> None:
        self._real = httpx.HTTPTransport()
        self._cuts: Iterator[str] = iter(cuts)
        self._late = late
        self.threads: list[threading.Thread] = []
        self.imports = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, or cut it."""
        if request.method == "POST" and request.url.path.endswith("/import"):
            self.imports += 1
            self._cut(next(self._cuts, ""), request)
        return self._real.handle_request(request)

    def _cut(self, cut: str, request: httpx.Request) -> None:
        if cut == "lost answer":
            self._real.handle_request(request).read()
            raise httpx.RemoteProtocolError("the answer was lost", request=request)
        if cut == "client time-out":
            body = request.read()
            copy = httpx.Request(request.method, request.url, headers=request.headers, content=body)
            thread = threading.Thread(target=self._later, args=(copy,))
            thread.start()
            self.threads.append(thread)
            raise httpx.ReadTimeout("the client gave up", request=request)
        if cut == "lost request":
            raise httpx.ReadError("the request was lost", request=request)

    def _later(self, request: httpx.Request) -> None:
        time.sleep(self._late)
        with httpx.Client(timeout=60) as client:
            client.send(request)

    def close(self) -> None:
        """Wait for what is on its way, then close."""
        for thread in self.threads:
            thread.join()
        self._real.close()
