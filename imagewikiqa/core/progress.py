"""What long work tells whoever watches; the library reports, the command line draws."""

from typing import Protocol


class Progress(Protocol):
    """A watcher of stages."""

    def begin(self, stage: str, total: int, done: int) -> None:
        """Start showing a stage of `total` inputs, `done` of them finished earlier."""

    def advance(self, count: int) -> None:
        """Say that `count` more inputs are finished."""

    def spend(self, calls: int, usd: float, unknown: bool) -> None:
        """Say what the run has spent on models; `unknown` when some calls have no known price."""

    def end(self) -> None:
        """Stop showing the stage."""


class Silent:
    """A watcher that shows nothing: the default of the library."""

    def begin(self, stage: str, total: int, done: int) -> None:
        """Ignore the start."""

    def advance(self, count: int) -> None:
        """Ignore the step."""

    def spend(self, calls: int, usd: float, unknown: bool) -> None:
        """Ignore the money."""

    def end(self) -> None:
        """Ignore the end."""
