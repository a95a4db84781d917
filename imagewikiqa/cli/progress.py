"""Progress on stderr: a live bar with rate and ETA on a terminal, plain lines elsewhere."""

import logging
import sys
import time

from imagewikiqa.core.progress import Progress, Silent

_EVERY = 10.0  # seconds between plain lines


def _speed(count: int, seconds: float) -> float:
    return count / max(seconds, 1e-6)


def _rate(speed: float) -> str:
    """Return how many a second: two digits for slow work, such as asking a wiki."""
    return f"{speed:.0f}/s" if speed >= 10 else f"{speed:.2g}/s"


def _time(seconds: float) -> str:
    """Return a time as a person says it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _money(calls: int, usd: float, unknown: bool) -> str:
    """Return what was spent, as in ', 1,234 calls, 0.42 usd'; the unknown is not nothing."""
    if not calls:
        return ""
    price = f"{usd:.2f} usd" if usd or not unknown else "price unknown"
    more = " and more, at unknown prices" if usd and unknown else ""
    return f", {calls:,} call{'s' if calls > 1 else ''}, {price}{more}"


class PlainProgress:
    """A line about a stage every ten seconds while it moves, and one at its end."""

    def __init__(self) -> None:
        self._stage, self._total, self._done = "", 0, 0
        self._fresh = 0
        self._began = self._said = 0.0
        self._spent = (0, 0.0, False)

    def begin(self, stage: str, total: int, done: int) -> None:
        """Start a stage."""
        self._stage, self._total, self._done, self._fresh = stage, total, done, 0
        self._began = self._said = time.monotonic()

    def advance(self, count: int) -> None:
        """Count finished inputs; say so when the last line is old."""
        self._done += count
        self._fresh += count
        if time.monotonic() - self._said >= _EVERY:
            self._say()

    def spend(self, calls: int, usd: float, unknown: bool) -> None:
        """Keep what was spent for the next line."""
        self._spent = (calls, usd, unknown)

    def end(self) -> None:
        """Say how the stage ended, unless nothing of it was done."""
        if self._done:
            self._say()

    def _say(self) -> None:
        self._said = time.monotonic()
        speed = _speed(self._fresh, self._said - self._began)
        told = ""
        if speed:
            left = (self._total - self._done) / speed
            told = f" ({_rate(speed)}{f', {_time(left)} left' if self._left() else ''})"
        sys.stderr.write(
            f"{self._stage}: {self._done} of {self._total}{told}{_money(*self._spent)}\n"
        )

    def _left(self) -> bool:
        return self._done < self._total


class LiveProgress:
    """A bar per stage, with rate and time left."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TextColumn,
            TimeElapsedColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as Bars

        self._bars = Bars(
            TextColumn("{task.description:>9}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}{task.fields[spent]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._bars.add_task("", visible=False, rate="", spent="")
        self._fresh = 0
        self._began = 0.0
        self._spent = (0, 0.0, False)

    def begin(self, stage: str, total: int, done: int) -> None:
        """Start a stage."""
        self._fresh, self._began = 0, time.monotonic()
        self._bars.start()
        self._task = self._bars.add_task(stage, total=total, completed=done, rate="", spent="")

    def advance(self, count: int) -> None:
        """Move the bar."""
        self._fresh += count
        speed = _speed(self._fresh, time.monotonic() - self._began)
        spent = _money(*self._spent)
        self._bars.update(self._task, advance=count, rate=_rate(speed), spent=spent)

    def spend(self, calls: int, usd: float, unknown: bool) -> None:
        """Keep what was spent for the next move of the bar: calls end far more often."""
        self._spent = (calls, usd, unknown)

    def end(self) -> None:
        """Leave the finished bar on the screen."""
        self._bars.stop()
        self._bars.remove_task(self._task)  # it would be drawn again above the next one


class _Notes(logging.Handler):
    """Writes what the library notes, as why it waits, where stderr is at that moment."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        sys.stderr.write(f"{record.getMessage()}\n")


def watcher(quiet: bool) -> Progress:
    """Return what fits the place: nothing, a live bar, or plain lines; let notes be heard."""
    log = logging.getLogger("imagewikiqa")
    if not any(isinstance(handler, _Notes) for handler in log.handlers):
        log.addHandler(_Notes())
    log.setLevel(logging.INFO)
    if quiet:
        return Silent()
    return LiveProgress() if sys.stderr.isatty() else PlainProgress()
