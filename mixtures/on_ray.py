"""Shards made on a Ray cluster that is there already: the same function, the same bytes.

Ray carries the number of a shard to a worker and a count back. All else lies in the folder of the
mixture, which every node must see, so that a killed driver, worker or node costs no finished shard.
"""

import logging
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from imagewikiqa import __version__
from imagewikiqa.core.code import code_digest
from imagewikiqa.core.errors import MissingExtraError, ToolkitError
from imagewikiqa.core.files import explained
from imagewikiqa.core.spread import AHEAD, in_turn
from imagewikiqa.mixtures.build import APART, Builder
from imagewikiqa.mixtures.recipe_files import rooted

_AGAIN = 3  # times that a shard is begun again whose worker or node died
_LOOK = 5.0  # seconds between looks at the head
_PATIENCE = 120.0  # seconds that the nodes have to start a worker
_HOW = "give its head as --ray-address HOST:PORT, or set RAY_ADDRESS"
Fault = Callable[[], str]


@dataclass(frozen=True, slots=True)
class OnRay:
    """Makes shards on the cluster at `address`, of which this machine is a node.

    `workers` is how many shards are made at once; None for as many as the cluster has CPUs.
    """

    address: str
    workers: int | None = None

    def __call__(self, builder: Builder, numbers: Iterable[int]) -> Iterator[int]:
        """Make the shards; yield how many samples each holds, in the order of the numbers.

        Raises ToolkitError when the cluster cannot be joined, a node has other code or does not
        see the folder, or Ray gives a shard up; and what a worker refuses.
        """
        with _apart(builder.work) as apart, _joined(self.address):
            fault = fault_of_node(apart)
            _refuse_unfit_nodes(fault)
            yield from _results(_travelling(builder, apart), fault, numbers, self._most())

    def _most(self) -> int:
        """Return how many shards are in Ray's hands at once."""
        import ray

        cpus = int(ray.cluster_resources().get("CPU", 0))
        if not (most := self.workers or cpus * AHEAD):
            raise ToolkitError(
                f"the Ray cluster at {self.address} has no CPU: add a node, or say with --workers"
                " how many shards to make at once when it has some"
            )
        return most


def open_cluster(address: str | None, workers: int | None = None) -> OnRay:
    """Return an engine for the cluster at HOST:PORT, or for the one of this machine ("auto").

    Never starts a cluster. Raises ToolkitError when nothing answers there, MissingExtraError when
    Ray is not installed.
    """
    if find_spec("ray") is None:
        raise MissingExtraError("ray", "ray")
    if not address:
        raise ToolkitError(f"there is no Ray cluster to build on: {_HOW}")
    if address != "auto":
        _refuse_silent(address)
    return OnRay(address, workers)


def _refuse_silent(address: str) -> None:
    """Raise ToolkitError where nobody listens; Ray itself would try for two minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or "/" in host:
        raise ToolkitError(f"{address[:80]!r} is no address of a Ray cluster: {_HOW}")
    try:
        socket.create_connection((host.strip("[]"), int(port)), 5).close()
    except (OSError, OverflowError) as error:
        raise ToolkitError(f"no Ray cluster answers at {address} ({error}): {_HOW}") from error


@contextmanager
def _apart(work: Path) -> Iterator[Path]:
    """Make a folder for unfinished shards, which no other build has; remove it at the end."""
    with explained(work, "write in"):
        (work / APART).mkdir(parents=True, exist_ok=True)
        apart = Path(tempfile.mkdtemp(dir=work / APART)).absolute()
    try:
        yield apart
    finally:
        shutil.rmtree(apart, ignore_errors=True)


@contextmanager
def _joined(address: str) -> Iterator[None]:
    """Join a cluster; when this ends, so do the workers that it lent."""
    import ray
    from ray.exceptions import RayError

    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError, RayError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ToolkitError(
            f"this machine cannot join the Ray cluster at {address} ({reason}): build on one of its"
            " nodes, with its versions of Python and Ray"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def fault_of_node(apart: Path) -> Fault:
    """Return a function that says what makes the node it runs on unfit; "" when nothing does.

    A function in a function travels as its code, so that it runs where the toolkit is another one.
    """
    code, folder, version = code_digest(("imagewikiqa",)), str(apart), __version__

    def fault() -> str:
        from pathlib import Path

        from ray.util import get_node_ip_address

        node = f"the Ray node {get_node_ip_address()}"
        try:
            from imagewikiqa.core.code import code_digest

            same = code_digest(("imagewikiqa",)) == code
        except ImportError:
            same = False
        if not same:
            return (
                f"{node} has other code than this machine: install the same imagewikiqa, here"
                f" {version}, and the same packages on all nodes"
            )
        if not Path(folder).is_dir():
            return (
                f"{node} does not see {Path(folder).parents[2]}: choose an --out in a file system"
                " that all nodes share"
            )
        return ""

    return fault


def _refuse_unfit_nodes(fault: Fault) -> None:
    """Raise ToolkitError unless every node that takes shards has our code and sees the folder."""
    import ray
    from ray.exceptions import RayError, RayTaskError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    ask = ray.remote(num_cpus=0, max_retries=0)(fault)
    nodes = [n["NodeID"] for n in ray.nodes() if n["Alive"] and n["Resources"].get("CPU")]
    strategies = [NodeAffinitySchedulingStrategy(node, soft=False) for node in nodes]
    asked = [ask.options(scheduling_strategy=one).remote() for one in strategies]
    answered, silent = ray.wait(asked, num_returns=len(asked), timeout=_PATIENCE)
    if silent:
        raise ToolkitError(
            f"{len(silent)} of {len(asked)} Ray nodes start no worker: look at their logs with"
            " ray status, then run the same command again"
        )
    for answer in answered:
        try:
            found = ray.get(answer)
        except RayTaskError:
            raise
        except RayError:
            continue  # it died just now: no shard will come to it
        if found:
            raise ToolkitError(found)


def _travelling(builder: Builder, apart: Path) -> Builder:
    """Return a builder that works in any folder of any node."""
    return replace(
        builder,
        recipe=rooted(builder.recipe, Path.cwd()),
        plan=builder.plan.absolute(),
        out=builder.out.absolute(),
        work=builder.work.absolute(),
        apart=apart,
    )


def _results(builder: Builder, fault: Fault, numbers: Iterable[int], most: int) -> Iterator[int]:
    """Yield counts in order; a worker's ToolkitError is raised as it was there."""
    import ray
    from ray.exceptions import RayError, RayTaskError

    make = ray.remote(num_cpus=1, max_retries=_AGAIN)(_make)
    given, head = ray.put(builder), ray.get_runtime_context().gcs_address

    def submit(number: int) -> _Watched:
        return _Watched(make.remote(fault, given, number).future(), head)

    try:
        yield from in_turn(submit, numbers, most)
    except RayTaskError as error:
        if isinstance(error.cause, ToolkitError):
            raise error.cause from None  # without what it looked like inside the worker
        raise
    except RayError as error:
        raise ToolkitError(
            f"Ray gave a shard up ({type(error).__name__}), perhaps for want of memory on a node:"
            " look at ray status, then run the same command again; finished shards stay"
        ) from error


@dataclass(frozen=True, slots=True)
class _Watched:
    """What a shard's task will give, while the head lives: Ray itself would wait for a minute and
    then end this process."""

    future: Future[int]
    head: str

    def result(self) -> int:
        """Wait for the count; ToolkitError when nothing listens at the head any more."""
        while not wait([self.future], _LOOK).done:
            _refuse_silent(self.head)
        return self.future.result()


def _make(fault: Fault, builder: Builder, number: int) -> int:
    """Make a shard on a node, which may have joined after the others were asked."""
    if found := fault():
        raise ToolkitError(found)
    return builder(number)
