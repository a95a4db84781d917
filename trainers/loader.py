"""Batches of a mixture through torch's DataLoader: the same for any workers, resumed exactly.

The main process decides which samples make which batch and hands their numbers to the workers,
which only read. So no batch depends on how many workers there are, a worker keeps no place of its
own, and the state counts the batches that were handed out, not those that were read ahead.

    batches = Loader(load_share("MIX"), batch_size=32, collate_fn=collate, num_workers=4)
    batches.load_state_dict(checkpoint)  # of any number of ranks and workers
    while batches.epoch < epochs:
        for batch in batches:
            ...
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Generic, NamedTuple, TypedDict, TypeVar, Unpack

import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures import Mixture, Sample
from imagewikiqa.trainers import worker

Batch = TypeVar("Batch")
_WORKER_ENDED = "DataLoader worker"  # how torch begins to say so


class Workers(TypedDict, total=False):
    """Options of torch's DataLoader that change no batch."""

    pin_memory: bool
    prefetch_factor: int
    multiprocessing_context: str


class Loader(Generic[Batch]):
    """An iterable over the batches that are left of an epoch; the next one goes on after it.

    One iteration at a time: a new one, or `load_state_dict`, ends the one before. Every rank has
    as many batches, of as many samples, as every other. Worker processes stay for all epochs.
    """

    def __init__(
        self,
        mixture: Mixture,
        *,
        batch_size: int,
        collate_fn: Callable[[list[Sample]], Batch],
        num_workers: int = 0,
        drop_last: bool = False,
        **workers: Unpack[Workers],
    ) -> None:
        """Take over a mixture; `batch_size` counts the samples of one rank in one batch.

        `collate_fn` makes a batch in the worker, out of the samples alone: chance in it is drawn
        by their keys. The last batch of an epoch may be shorter; `drop_last` leaves it out. Raises
        ToolkitError for numbers that make no sense and where an epoch has no batch.
        """
        if batch_size < 1 or num_workers < 0:
            raise ToolkitError(
                f"batch_size={batch_size}, num_workers={num_workers} is not possible: a batch has"
                " a sample or more, and workers are none or more"
            )
        self._mixture, self._batch_size, self._drop_last = mixture, batch_size, drop_last
        self._options: dict[str, Any] = {
            "dataset": _Reader(mixture, collate_fn),
            "sampler": _Upcoming(mixture, batch_size, drop_last),
            "num_workers": num_workers,
            "persistent_workers": num_workers > 0,
            **workers,
        }
        self._torch = self._prepared()
        self._iteration = 0
        self._pass_short_rest()

    def __len__(self) -> int:
        """Return the batches that are left of this epoch, the same on every rank."""
        steps, size = len(self._mixture), self._batch_size
        return steps // size if self._drop_last else -(-steps // size)

    @property
    def epoch(self) -> int:
        """Return the epoch of the next batch, from 0."""
        return self._mixture.epoch

    def __iter__(self) -> Iterator[Batch]:
        """Yield the batches that are left of this epoch, moving the state with each.

        Raises ToolkitError in place of the first batch with a sample that is not what its receipt
        says, and when a worker process was killed; a new iteration begins at that batch again.
        """
        self._iteration += 1
        return self._batches(self._iteration)

    def state_dict(self) -> dict[str, Any]:
        """Return where all ranks stand after the batches handed out, as `Mixture.state_dict`."""
        return self._mixture.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to where a state was taken, whatever ranks, workers and batches there were.

        Raises ToolkitError as `Mixture.load_state_dict`.
        """
        self._mixture.load_state_dict(state)
        self._iteration += 1
        self._pass_short_rest()

    def _pass_short_rest(self) -> None:
        """Go to the next epoch where what is left of this one fills no batch."""
        if len(self) == 0:
            self._mixture.advance(len(self._mixture))
        if len(self) == 0:
            raise ToolkitError(
                f"a rank has {len(self._mixture)} samples in an epoch, fewer than a batch of"
                f" {self._batch_size}: use smaller batches, fewer ranks, or drop_last=False"
            )

    def _batches(self, iteration: int) -> Iterator[Batch]:
        batches = self._read()
        for left in range(len(self), 0, -1):
            if iteration != self._iteration:  # before a batch of the new iteration is taken away
                raise ToolkitError("the loader went elsewhere meanwhile: iterate over it anew")
            batch = next(batches)
            self._mixture.advance(self._batch_size if left > 1 else len(self._mixture))
            yield batch

    def _read(self) -> Iterator[Any]:
        """Yield what the workers return; after a failure the next iteration has new workers.

        The old ones end before the error is raised: held by its traceback they would be collected
        late, and then torch waits five seconds for each.
        """
        failed = ""
        try:
            for batch in self._torch:
                if isinstance(batch, _Refusal):
                    failed = batch.sentence
                    break
                yield batch
        except KeyboardInterrupt:
            self._torch = self._prepared()  # torch may stand between two of its steps
            raise
        except RuntimeError as error:
            if not str(error).startswith(_WORKER_ENDED):
                raise
            failed = (
                f"a process that reads {self._mixture.folder} ended early: use fewer workers where"
                " memory ran out, or num_workers=0 to see an error of collate_fn"
            )
        if failed:
            self._torch = self._prepared()
            raise ToolkitError(failed)

    def _prepared(self) -> DataLoader[Any]:
        """Return torch's loader, which starts its workers when it is iterated over.

        It takes each list of numbers as one item, and draws nothing from torch's own chance.
        """
        return DataLoader(
            batch_size=None, collate_fn=_as_it_is, worker_init_fn=worker.begin,
            generator=torch.Generator(), in_order=True, **self._options,
        )  # fmt: skip


class _Refusal(NamedTuple):
    """What a worker returns in place of a batch: torch would wrap an exception in its traceback."""

    sentence: str


class _Reader(Dataset[Any]):
    """What worker processes hold: it makes a batch of the samples that have these numbers."""

    def __init__(self, mixture: Mixture, collate_fn: Callable[[list[Sample]], Any]) -> None:
        self._mixture, self._collate = mixture, collate_fn

    def __getitem__(self, numbers: list[int]) -> Any:
        try:
            return self._collate([self._mixture.read(number) for number in numbers])
        except ToolkitError as error:
            return _Refusal(str(error))


class _Upcoming(Sampler[list[int]]):
    """What the main process reads ahead: the numbers of each batch from here to the epoch's end."""

    def __init__(self, mixture: Mixture, batch_size: int, drop_last: bool) -> None:
        self._mixture, self._batch_size, self._drop_last = mixture, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        numbers = self._mixture.numbers()
        while batch := list(islice(numbers, self._batch_size)):
            if len(batch) == self._batch_size or not self._drop_last:
                yield batch


def _as_it_is(batch: Any) -> Any:
    return batch
