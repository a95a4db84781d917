"""The samples of a mixture in one global order, shared among ranks and workers, resumed exactly.

The order of an epoch is a shuffle of all places (`order.Shuffle`). At every step the ranks take
the next places in turn, rank 0 first: so what all ranks read together by a step depends on neither
their number nor that of their workers, and every rank has the same number of steps.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from imagewikiqa.core.cache import user_cache
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import Part
from imagewikiqa.mixtures.reader.order import Shuffle, in_order
from imagewikiqa.mixtures.reader.sample import Sample
from imagewikiqa.mixtures.reader.shards import CHECKS, Check, Shards

Tail = Literal["drop", "pad"]
_MARK = 16  # digits of the manifest's sha256 that a state carries


class Options(Part):
    """How a mixture is read; it travels to worker processes."""

    folder: Path
    seed: int
    rank: int = Field(ge=0)
    ranks: int = Field(ge=1)
    shuffle: bool
    tail: Tail
    check: Check
    cache: Path


class State(Part):
    """Where all ranks together stand; the same on each of them after the same step."""

    version: Literal[1] = 1
    mixture: str = Field(min_length=_MARK, max_length=_MARK)
    seed: int
    shuffle: bool
    epoch: int = Field(ge=0)
    place: int = Field(ge=0, description="samples of the epoch that all ranks have read")


def load(
    folder: str | Path,
    *,
    seed: int = 0,
    rank: int = 0,
    ranks: int = 1,
    shuffle: bool = True,
    epoch: int = 0,
    tail: Tail = "drop",
    check: Check = "shard",
    cache: Path | None = None,
) -> "Mixture":
    """Open a mixture for reading.

    What remains when an epoch is shared among `ranks` is left out (`tail="drop"`: fewer than
    `ranks` samples, others in each epoch) or filled up with the epoch's first samples ("pad").
    Receipts and sizes are always checked; `check="shard"` also hashes each shard before its first
    sample, once for every copy of it on this machine, and "sample" each sample each time. What was
    found is kept below `cache` (default: the user's cache folder).

    Raises ToolkitError for a mixture that is unfinished, incomplete or other than its manifest
    says, for ranks that make no sense, and where there is less than one sample for each rank.
    """
    if not 0 <= rank < ranks:
        raise ToolkitError(f"there is no rank {rank} among {ranks}: count ranks from 0")
    if check not in CHECKS or tail not in ("drop", "pad") or epoch < 0:
        raise ToolkitError(
            f"check={check!r}, tail={tail!r}, epoch={epoch} is not possible: check is one of"
            f" {', '.join(CHECKS)}, tail is drop or pad, and epochs count from 0"
        )
    options = Options(
        folder=Path(folder), seed=seed, rank=rank, ranks=ranks, shuffle=shuffle, tail=tail,
        check=check, cache=cache or user_cache() / "mixtures",
    )  # fmt: skip
    return Mixture(options, epoch)


class Mixture:
    """An iterable over the rest of an epoch; after its last sample it stands before the next one.

    Of one thread; it may be forked, or sent to worker processes, where it opens its files anew.
    """

    def __init__(self, options: Options, epoch: int = 0, place: int = 0) -> None:
        """Open the shards; `load` explains the options and what is refused."""
        self._options = options
        self._shards = Shards(options.folder, options.check, options.cache)
        self._epoch, self._place = epoch, place
        if len(self._shards) < options.ranks and options.tail == "drop":
            raise ToolkitError(
                f"{options.folder} has {len(self._shards)} samples for {options.ranks} ranks:"
                " use fewer ranks, or tail='pad'"
            )

    def __len__(self) -> int:
        """Return the steps that remain in this epoch, the same on every rank."""
        left = len(self._shards) - self._place
        ranks = self._options.ranks
        return left // ranks if self._options.tail == "drop" else -(-left // ranks)

    @property
    def folder(self) -> Path:
        """Return where the mixture lies."""
        return self._options.folder

    @property
    def epoch(self) -> int:
        """Return the epoch of the next sample, from 0."""
        return self._epoch

    def __iter__(self) -> Iterator[Sample]:
        """Yield this rank's samples to the end of the epoch, moving the state with each."""
        left, ranks = len(self), self._options.ranks
        for number in self.numbers():
            sample = self._shards.read(number)
            left -= 1
            if left:
                self._place += ranks
            else:
                self._epoch, self._place = self._epoch + 1, 0
            yield sample

    def numbers(self) -> Iterator[int]:
        """Yield the numbers of this rank's samples from here to the end of the epoch, in order.

        The state does not move: who has used samples calls `advance`. So a loader gives numbers to
        worker processes ahead of time, and a kill loses none that was not used.
        """
        count, ranks = len(self._shards), self._options.ranks
        first = self._place + self._options.rank
        shuffle = self._options.shuffle
        number = Shuffle(count, self._options.seed, self._epoch) if shuffle else in_order
        return (number((first + step * ranks) % count) for step in range(len(self)))

    def read(self, number: int) -> Sample:
        """Return a sample by its number; ToolkitError where its shard or itself is bad."""
        return self._shards.read(number)

    def advance(self, steps: int) -> None:
        """Note that this rank, and so every other, has taken that many more samples."""
        if not 0 <= steps <= len(self):
            raise ToolkitError(f"{steps} steps are more than the {len(self)} left in the epoch")
        self._place += steps * self._options.ranks
        if len(self) == 0:
            self._epoch, self._place = self._epoch + 1, 0

    def state_dict(self) -> dict[str, Any]:
        """Return where all ranks stand, as at most 200 bytes of JSON; equal on every rank."""
        state = State(
            mixture=self._shards.sha256[:_MARK], seed=self._options.seed,
            shuffle=self._options.shuffle, epoch=self._epoch, place=self._place,
        )  # fmt: skip
        return state.model_dump()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go to where a state was taken, with whatever ranks and workers are here now.

        Raises ToolkitError for what is no state, and for one of another mixture, seed or order.
        """
        try:
            found = State.model_validate(state)
        except ValidationError as error:
            raise ToolkitError(
                "this is no state of a mixture: give what state_dict gave"
            ) from error
        here = State.model_validate(self.state_dict())
        for name in ("mixture", "seed", "shuffle"):
            then, now = getattr(found, name), getattr(here, name)
            if then != now:
                raise ToolkitError(
                    f"the state is of {name} {then} and {self._options.folder} was opened with"
                    f" {name} {now}: open what the state was taken from"
                )
        if found.place >= len(self._shards):
            raise ToolkitError(f"the state stands at {found.place} of {len(self._shards)} samples")
        self._epoch, self._place = found.epoch, found.place
        self.advance(0)

    def __getstate__(self) -> tuple[Options, int, int]:
        """Return what opens the same mixture at the same place in another process."""
        return self._options, self._epoch, self._place

    def __setstate__(self, state: tuple[Options, int, int]) -> None:
        """Open the files anew."""
        Mixture.__init__(self, *state)
