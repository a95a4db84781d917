"""Progress on stderr: a live bar with rate and ETA on a terminal, plain lines elsewhere."""

import sys
import time

from imagewikiqa.core.progress import Progress, Silent

_EVERY = 10.0  # seconds between plain lines


class PlainProgress:
    """One line at the start of a stage, one every ten seconds, one at its end."""

    def __init__(self) -> None:
        self._stage, self._total, self._done = "", 0, 0
        self._fresh = 0
        self._began = self._said = 0.0

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

    def end(self) -> None:
        """Say how the stage ended."""
        self._say()

    def _say(self) -> None:
        self._said = time.monotonic()
        seconds = max(self._said - self._began, 1e-6)
        rate = self._fresh / seconds
        left = f", {(self._total - self._done) / rate:.0f} s left" if rate and self._left() else ""
        line = f"{self._stage}: {self._done} of {self._total} ({rate:.0f}/s{left})"
        sys.stderr.write(line + "\n")

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
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._bars.add_task("", visible=False, rate="")
        self._fresh = 0
        self._began = 0.0

    def begin(self, stage: str, total: int, done: int) -> None:
        """Start a stage."""
        self._fresh, self._began = 0, time.monotonic()
        self._bars.start()
        self._task = self._bars.add_task(stage, total=total, completed=done, rate="")

    def advance(self, count: int) -> None:
        """Move the bar."""
        self._fresh += count
        rate = self._fresh / max(time.monotonic() - self._began, 1e-6)
        self._bars.update(self._task, advance=count, rate=f"{rate:.0f}/s")

    def end(self) -> None:
        """Leave the finished bar on the screen."""
        self._bars.stop()


def watcher(quiet: bool) -> Progress:
    """Return what fits the place: nothing, a live bar, or plain lines."""
    if quiet:
        return Silent()
    return LiveProgress() if sys.stderr.isatty() else PlainProgress()
