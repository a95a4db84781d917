"""Tasks over worker processes: results in order, a bounded number ahead, nothing kept on disk."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Protocol, TypeVar

from imagewikiqa.core.errors import ToolkitError

T = TypeVar("T")
R = TypeVar("R")
C = TypeVar("C", covariant=True)
AHEAD = 2  # tasks per worker whose results may wait


def spread(
    function: Callable[[T], R],
    tasks: Iterable[T],
    workers: int,
    begin: Callable[[], None] | None = None,
) -> Generator[R]:
    """Yield the result of each task, in order, from worker processes, or from here when `workers`
    is 1.

    `begin` is called once in every process. What must survive a kill is a stage. The functions and
    the tasks travel to the processes. Raises what the function raises, and ToolkitError when a
    process dies.
    """
    if workers <= 1:
        if begin is not None:
            begin()
        yield from map(function, tasks)
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(begin,)) as pool:

        def submit(task: T) -> Future[R]:
            with _interrupts_held():  # a process that starts now is not yet deaf to them
                return pool.submit(function, task)

        try:
            yield from in_turn(submit, tasks, workers * AHEAD)
        except BrokenProcessPool as error:
            raise ToolkitError(
                "a worker process ended before its work did, perhaps for want of memory: "
                "run the same command with fewer --workers"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


class Coming(Protocol[C]):
    """What a task will give, as a future."""

    def result(self) -> C:
        """Wait for it; raise what the task raises."""


def in_turn(submit: Callable[[T], Coming[R]], tasks: Iterable[T], most: int) -> Generator[R]:
    """Yield the results of tasks in their order; at most so many are submitted and not yielded."""
    waiting: deque[Coming[R]] = deque()
    for task in tasks:
        if len(waiting) >= most:
            yield waiting.popleft().result()
        waiting.append(submit(task))
    while waiting:
        yield waiting.popleft().result()


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Hold SIGINT back; processes started meanwhile begin with it held and then ignore it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(begin: Callable[[], None] | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides how an interrupt ends
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})  # held since before the start
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if begin is not None:
        begin()


def _end_with_parent() -> None:
    """End this worker when the parent is killed: it would wait for work forever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
