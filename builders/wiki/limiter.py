"""One allowance of requests for all threads and processes of this machine that ask one operator.

Everything that must not outlive a process is a lock on a file, which the system lets go when the
process dies, however it dies. What must outlive it, the pause that an operator asked for, is a
time in a file.
"""

import contextlib
import fcntl
import logging
import os
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from imagewikiqa.builders.wiki.settings import Limits
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained

LOG = logging.getLogger(__name__)
POLL = 0.01  # seconds between two looks at a lock that another process holds
_LONG = 5.0  # seconds of a pause that a person is told of
_FOREVER = 1e9  # seconds; no wait that is told is longer, so that every time has one length


class HaltedError(Exception):
    """Waiting was ended because the run ends."""


def state_folder() -> Path:
    """Return the folder in which this user's processes share their allowances."""
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "imagewikiqa" / "limits"


def rest(seconds: float, halt: threading.Event) -> None:
    """Wait, unless the run ends meanwhile: then raise HaltedError."""
    if halt.wait(seconds):
        raise HaltedError


class Limiter:
    """Hands out requests: so many in flight, so many a second, and none before a pause ends.

    Every process has one contender for the next request, whatever its threads, so processes get
    equal shares.
    """

    def __init__(self, pool: str, limits: Limits, folder: Path | None = None) -> None:
        self._pool = pool
        name = re.sub(r"[^\w.-]", "_", pool, flags=re.ASCII).lstrip(".") or "_"
        self._folder = (folder or state_folder()) / name
        with _explained(self._folder, "create"):
            self._folder.mkdir(parents=True, exist_ok=True)
        self._in_flight = limits.in_flight
        self._longest_pause = limits.longest_pause
        self._own_pause = 0.0  # by the clock that nobody sets
        self._told = 0.0
        self._interval = 1.0 / limits.per_second
        self._poll = min(POLL, self._interval / 4)
        self._next = _Moment(self._folder / "next")
        self._pause = _Moment(self._folder / "pause")
        self._gate = threading.Lock()

    @contextlib.contextmanager
    def request(self, halt: threading.Event) -> Iterator[None]:
        """Wait for a turn and hold it for the length of one request.

        Raises HaltedError as soon as `halt` is set.
        """
        slot = self._slot(halt)
        try:
            yield
        finally:
            os.close(slot)

    def pause(self, seconds: float) -> None:
        """Let nobody begin a request for this long, in any process; a longer pause stays."""
        wait = min(seconds, _FOREVER)
        self._own_pause = max(self._own_pause, time.monotonic() + wait)
        self._pause.raise_to(time.time() + wait)

    def _pause_left(self) -> float:
        return max(self._pause.read() - time.time(), self._own_pause - time.monotonic())

    def _slot(self, halt: threading.Event) -> int:
        while True:
            self._sit_out_pause(halt)
            with self._gate:
                slot = self._compete(halt)
            if slot is not None:
                return slot

    def _sit_out_pause(self, halt: threading.Event) -> None:
        while (left := self._pause_left()) > 0:
            self._tell(left)
            rest(min(left, 1.0), halt)  # the clock may be set meanwhile

    def _tell(self, left: float) -> None:
        """Say that a pause is waited for, once; ToolkitError for one that nobody would sit out."""
        end = time.time() + left
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(min(end, 9e9)))
        if left > self._longest_pause:
            raise ToolkitError(
                f"{self._pool} wants to be left alone until {when}: run the same command again"
                f" then, or, if this clock was wrong, delete {self._pause.path}"
            )
        if left > _LONG and abs(end - self._told) > 1.0:
            self._told = end
            LOG.info("%s asked everybody to wait: going on at %s", self._pool, when)

    def _compete(self, halt: threading.Event) -> int | None:
        """Return a held slot whose time has come, or None when a pause came first."""
        # A process that just had its turn must not find the door open before the others wake.
        rest(random.uniform(0, self._poll), halt)  # decides no data
        door = self._wait_for([self._folder / "door"], halt)
        if door is None:
            return None
        try:
            names = [self._folder / f"slot-{n}" for n in range(self._in_flight)]
            slot = self._wait_for(names, halt)
            return slot if slot is None or self._book(slot, halt) else None
        finally:
            os.close(door)

    def _book(self, slot: int, halt: threading.Event) -> bool:
        """Wait for the time of the slot's request; without one, let the slot go."""
        booked = False
        try:
            booked = self._wait_for_rate(halt)
        finally:
            if not booked:
                os.close(slot)
        return booked

    def _wait_for(self, files: list[Path], halt: threading.Event) -> int | None:
        while True:
            if self._pause_left() > 0:
                return None
            for file in files:
                if (held := _try_lock(file)) is not None:
                    return held
            rest(self._poll, halt)

    def _wait_for_rate(self, halt: threading.Event) -> bool:
        """Wait until the next request may begin and book it; False when a pause comes first."""
        while True:
            now = time.time()
            if self._pause_left() > 0:
                return False
            wait = self._next.read() - now
            if wait <= 0 or wait > 2 * self._interval:  # the clock was set back
                self._next.write(now + self._interval)
                return True
            rest(wait, halt)


@contextlib.contextmanager
def _explained(path: Path, doing: str) -> Iterator[None]:
    """Say which folder to choose where the system refuses this one."""
    with explained(path, doing, instead="folder by the environment variable XDG_STATE_HOME"):
        yield


def _try_lock(file: Path) -> int | None:
    with _explained(file, "open"):
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


class _Moment:
    """A time (seconds since 1970) in a file, 0 before it is first written."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> float:
        return self._update(None)

    def write(self, moment: float) -> None:
        self._update(lambda _: moment)

    def raise_to(self, moment: float) -> None:
        self._update(lambda old: max(old, moment))

    def _update(self, change: Callable[[float], float] | None) -> float:
        with _explained(self.path, "open"):
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            moment = self._parse(os.pread(descriptor, 64, 0))
            if change is not None:
                moment = change(moment)
                with _explained(self.path, "write"):
                    os.pwrite(descriptor, b"%020.6f" % moment, 0)  # one length: nothing is cut
            return moment
        finally:
            os.close(descriptor)

    def _parse(self, text: bytes) -> float:
        if not text:
            return 0.0
        try:
            return float(text)
        except ValueError:
            raise ToolkitError(
                f"{self.path} holds no time: delete it, with no scraper running"
            ) from None
