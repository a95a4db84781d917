"""What a batch is: many requests handed over at once, answered within a day, at half the price."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.llm.client import Reply, Request

SLACK = 3600.0  # seconds that the clocks of two machines may differ
Fault = Exception  # a CallError about one request, or a ToolkitError about all of them


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long a batch is waited for, in seconds, and how often something is tried again.

    None of it changes an answer. The waits between two looks at a batch grow by half each time.
    """

    quiet: float = 2.0  # without a new request, before those that came are submitted
    first: float = 5.0  # until the first look at a batch
    longest: float = 60.0  # between two looks
    tries: int = 8  # of one call about batches, before the command is given up
    rounds: int = 5  # batches that may leave a request unanswered
    most_requests: int | None = None  # in one batch; None is the limit of the service
    most_bytes: int | None = None

    def waits(self, number: int) -> float:
        """Return the wait before look or try `number`, from 0."""
        return min(self.longest, self.first * 1.5 ** min(number, 64))


class NotEndedError(Exception):
    """Whether a batch is ours cannot be seen before it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A batch as the ledger tells it; `tag` is our name for it and `remote` the service's."""

    id: int
    tag: str
    remote: str | None
    requests: int
    started_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchState:
    """What a service says of a batch.

    `left` is why requests without a result have none, `by_line` the same by number of the request
    in the batch, from 0, and `files` is where a service keeps results apart from the batch.
    """

    status: str
    ended: bool
    left: Fault
    by_line: Mapping[int, Fault] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    crowded: bool = False  # refused only because too much is waiting there already


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of one request: the raw answer, as without a batch, or why there is none."""

    key: str
    body: bytes | None = None
    request_id: str | None = None
    fault: Fault | None = None


class BatchService(Protocol):
    """One service that takes batches. Every method raises CallError or ToolkitError as `send`."""

    name: str
    model: str
    most_requests: int
    most_bytes: int

    def line(self, key: str, request: Request) -> bytes:
        """Return a request as one line of a batch; the service gives `key` back with the result."""

    async def submit(self, tag: str, lines: Sequence[bytes]) -> str:
        """Hand a batch over; return the service's name for it. After a CallError it may exist."""

    async def find(self, batch: Batch, keys: Collection[str], known: Collection[str]) -> str | None:
        """Return the service's name for a batch whose hand-over was never confirmed, or None.

        `known` are the batches that the ledger knows already. Raises NotEndedError while this
        cannot be told.
        """

    async def look(self, remote: str) -> BatchState:
        """Return how a batch stands."""

    async def results(self, remote: str, state: BatchState) -> Sequence[Result]:
        """Return all results of a batch that ended, in any order."""

    def read(self, body: bytes) -> Reply:
        """Return what raw bytes say; raise ShapeError when they say nothing."""


def no_batches(service: str, words: str) -> ToolkitError:
    """Return that a service has no batches at all."""
    return ToolkitError(f"{service} has no batches ({words}): leave out --batch")


def unknown_batch(service: str, remote: str, variable: str) -> ToolkitError:
    """Return that a service does not know a batch that it took."""
    return ToolkitError(
        f"{service} knows no batch {remote}, which the ledger waits for: give the key it was "
        f"submitted with in {variable}"
    )
