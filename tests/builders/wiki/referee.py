"""Checks each request against Wikimedia's rules and keeps a record of every breach."""

import json
import re
import socket
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

Parameters = dict[str, str]
LONGEST_ADDRESS = 8_000  # bytes
_CONTACT = re.compile(r"\((?!.*example\.)[^()]*(?:[\w.+-]+@[\w-]+\.[\w.-]+|https?://)[^()]*\)")
_CLOCKS = 0.01  # seconds by which the clocks of two processes may differ


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What is allowed; `minute` is how many seconds count as one, so that tests need not wait."""

    in_flight: int = 3
    a_minute: int = 200
    minute: float = 60.0
    values: int = 50  # titles, page ids or revision ids in one request
    grace: float = 1.0  # seconds after a 429 in which other requests may still be on their way
    retry_grace: float = 0.0  # the same for the request itself, where several processes make it


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One request as it arrived."""

    at: float
    parameters: Parameters


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wait:
    told_at: float
    until: float

    def at(self, now: float) -> str:
        return f"{now - self.told_at:.2f} s after a wait of {self.until - self.told_at:.2f} s"


_NONE = _Wait(told_at=0.0, until=0.0)


@dataclass(slots=True)
class Record:
    """What was asked, and each breach as a sentence that begins with the rule."""

    seen: list[Seen] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)  # by kind, what went wrong on purpose
    texts: dict[int, int] = field(default_factory=dict)  # revision: times handed out whole
    raw_texts: dict[int, int] = field(default_factory=dict)  # the same, as raw pages
    stored: set[int] = field(default_factory=set)  # revisions the client has: no more of them
    unfinished: dict[str, str] = field(default_factory=dict)  # request: how it should go on
    most_in_flight: int = 0
    unchanged: int = 0  # answers 304

    def broke(self, rule: str) -> list[str]:
        """Return the breaches of one rule."""
        return [words for words in self.violations if words.startswith(rule)]


class Referee:
    """Sees every request arrive and leave; all threads of a server share one."""

    def __init__(self, rules: Rules) -> None:
        self.record = Record()
        self._rules = rules
        self._lock = threading.Lock()
        self._in_flight: dict[int, socket.socket] = {}
        self._recent: deque[float] = deque()
        self._waits: dict[str, _Wait] = {}  # by request
        self._pause = _NONE  # of everybody

    def arrive(
        self,
        address: str,
        parameters: Parameters,
        headers: Mapping[str, str],
        connection: socket.socket,
    ) -> int:
        """Check a request and return its number."""
        now = time.monotonic()
        with self._lock:
            number = len(self.record.seen)
            self.record.seen.append(Seen(at=now, parameters=parameters))
            self._in_flight[number] = connection
            self._recent.append(now)
            while self._recent[0] <= now - self._rules.minute:
                self._recent.popleft()
            broken = [*self._traffic(now, parameters), *self._manners(address, parameters, headers)]
            self.record.violations += [f"{words} (request {number})" for words in broken]
            if "continue" in parameters:
                self.record.unfinished.pop(request_key(parameters, rest=False), None)
            return number

    def _traffic(self, now: float, parameters: Parameters) -> Iterable[str]:
        rules = self._rules
        if len(self._in_flight) > rules.in_flight:  # unless some belong to a killed client
            gone = [n for n, connection in self._in_flight.items() if _hung_up(connection)]
            for number in gone:
                del self._in_flight[number]
        self.record.most_in_flight = max(self.record.most_in_flight, len(self._in_flight))
        if len(self._in_flight) > rules.in_flight:
            yield f"in flight: {len(self._in_flight)} at once"
        if len(self._recent) > rules.a_minute:
            yield f"rate: {len(self._recent)} in a minute"
        own = self._waits.get(request_key(parameters), _NONE)
        if own.told_at + rules.retry_grace < now < own.until - _CLOCKS:
            yield f"retry: asked again {own.at(now)}"
        elif self._pause.told_at + rules.grace < now < self._pause.until - _CLOCKS:
            yield f"pause: asked something else {self._pause.at(now)}"

    def _manners(
        self, address: str, parameters: Parameters, headers: Mapping[str, str]
    ) -> Iterable[str]:
        agent = headers.get("User-Agent", "")
        if not _CONTACT.search(agent):
            yield f"contact: the User-Agent {agent!r} names nobody"
        if "gzip" not in headers.get("Accept-Encoding", ""):
            yield "gzip: the request accepts no gzip"
        api = urlsplit(address).path.endswith("/api.php")
        if api and not re.fullmatch(r"[1-5]", parameters.get("maxlag", "")):
            yield f"maxlag: {parameters.get('maxlag')!r}"
        for name in ("titles", "pageids", "revids"):
            if len(parameters.get(name, "").split("|")) > self._rules.values:
                yield f"batch: more than {self._rules.values} {name}"
        if len(address) > LONGEST_ADDRESS:
            yield f"address: {len(address)} bytes"

    def leave(self, number: int) -> None:
        """Say that a request is about to be answered."""
        with self._lock:
            self._in_flight.pop(number, None)

    def told_to_wait(self, parameters: Parameters, seconds: float, *, everyone: bool) -> None:
        """Note that a client is about to hear how long not to come back."""
        now = time.monotonic()
        wait = _Wait(told_at=now, until=now + seconds)
        with self._lock:
            self._waits[request_key(parameters)] = wait
            if everyone:
                self._pause = max(self._pause, wait, key=lambda one: one.until)

    def died(self, *, within: float = 1.0) -> None:
        """Say that a client was just killed: a wait that it was told last may have died with it."""
        since = time.monotonic() - within
        with self._lock:
            self._waits = {key: one for key, one in self._waits.items() if one.told_at < since}
            if self._pause.told_at >= since:
                self._pause = _NONE

    def failed(self, kind: str) -> None:
        """Count something that goes wrong on purpose."""
        with self._lock:
            self.record.faults[kind] = self.record.faults.get(kind, 0) + 1

    def unknown(self, words: str) -> None:
        """Note a request that a real site would take and the server does not know."""
        with self._lock:
            self.record.violations.append(f"unknown: {words}")

    def cut_short(self, parameters: Parameters, go_on: object) -> None:
        """Note that an answer is not the whole one and says how to ask for the rest."""
        with self._lock:
            self.record.unfinished[request_key(parameters, rest=False)] = str(go_on)

    def hand_out(self, revisions: Iterable[int], *, raw: bool = False) -> None:
        """Count revisions whose text is about to leave the server whole, through the API or not."""
        with self._lock:
            texts = self.record.raw_texts if raw else self.record.texts
            for revision in revisions:
                texts[revision] = texts.get(revision, 0) + 1
                if revision in self.record.stored:
                    self.record.violations.append(f"refetch: revision {revision} is stored already")


def request_key(parameters: Parameters, *, rest: bool = True) -> str:
    """Return what tells a request from another; without `rest`, its continuations are the same."""
    kept = {k: v for k, v in parameters.items() if rest or not k.endswith("continue")}
    return json.dumps(kept, sort_keys=True)


def _hung_up(connection: socket.socket) -> bool:
    try:
        return connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True
