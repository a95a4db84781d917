"""Objects that are closed at the end of a `with` block."""

from types import TracebackType
from typing import Self


class Closing:
    """Gives a class with `close` the two methods of a `with` block."""

    def close(self) -> None:
        """Let go of what is held; each class says what that is."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
