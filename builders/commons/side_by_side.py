"""Work that waits for a wiki, a few at a time, with results in order."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol, TypeVar

from imagewikiqa.builders.wiki.transport import PoliteTransport
from imagewikiqa.core.errors import ToolkitError

T = TypeVar("T")
U = TypeVar("U")


class Asks(Protocol):
    """Anything that sends its requests through a polite transport."""

    @property
    def transport(self) -> PoliteTransport:
        """Return the transport."""


def side_by_side(work: Callable[[U], T], parts: Sequence[U], asks: Asks) -> Generator[T]:
    """Yield the results of work on parts, in order; the first failure ends all of it.

    The transport's limiter decides how many requests are in flight, whatever the threads.
    """
    pool = ThreadPoolExecutor(asks.transport.site.limits.in_flight, thread_name_prefix="commons")
    try:
        yield from pool.map(work, parts)
    except ToolkitError:
        raise
    except BaseException:
        asks.transport.halt()  # an interrupt must not wait for a pause of an hour
        raise
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
