"""Work that waits for a wiki, a few pieces at a time, its results in order."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import TypeVar

from imagewikiqa.builders.wiki.transport import PoliteTransport
from imagewikiqa.core.errors import ToolkitError

T = TypeVar("T")
U = TypeVar("U")


def side_by_side(
    work: Callable[[U], T], parts: Sequence[U], transport: PoliteTransport
) -> Iterator[T]:
    """Yield the results of work on parts, in order; the first failure ends all of it.

    The transport's limiter decides how many requests are in flight, whatever the threads.
    """
    results: list[Future[T]] = [Future() for _ in parts]
    todo = iter([*zip(parts, results, strict=True)])
    stop, turn = threading.Event(), threading.Lock()

    def serve() -> None:
        while not stop.is_set():
            with turn:
                part, result = next(todo, (None, None))
            if part is None or result is None:
                return
            try:
                result.set_result(work(part))
            except BaseException as error:  # noqa: BLE001 - it is raised where the result is read
                result.set_exception(error)

    # Not a pool of concurrent.futures: the interpreter waits for its threads when it ends, and one
    # that listens to a silent server would hold an interrupted command for a minute.
    count = min(len(parts), transport.site.limits.in_flight)
    threads = [threading.Thread(target=serve, name="wiki", daemon=True) for _ in range(count)]
    try:
        for thread in threads:
            thread.start()
        for result in results:
            yield result.result()
    except ToolkitError:
        raise
    except GeneratorExit:
        threads.clear()  # nobody reads on: what is on its way is stored when it comes
        raise
    except BaseException:
        transport.halt()  # an interrupt waits neither for a pause of an hour nor for an answer
        threads.clear()
        raise
    finally:
        stop.set()
        for thread in threads:
            thread.join()
