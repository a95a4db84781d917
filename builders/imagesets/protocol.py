"""What a reader of an image set gives: units of work, and images with their class and address."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from imagewikiqa.core.records import ClassEntry, Reject

Split = Literal["train", "val", "test", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageSample:
    """One image as its set stores it: bytes untouched, class by id, an address within the set."""

    source_id: str  # stable and unique in the set, as in "train/n01440764/n01440764_36.JPEG"
    class_id: str
    split: Split
    data: bytes

    @property
    def sha256(self) -> str:
        """Return the digest of the bytes as stored."""
        return hashlib.sha256(self.data).hexdigest()


class Unit(Protocol):
    """A part of a set that one worker reads in a stable order: a folder, a tar, a parquet file.

    Units are picklable, so that they can go to worker processes, and small: they hold paths.
    """

    @property
    def id(self) -> str:
        """Return the address of the unit in its set, unique and without a path of this machine."""

    def read(self) -> Iterator[ImageSample | Reject]:
        """Yield every image of the unit, and a Reject for each entry that cannot be one."""


class ImageSet(Protocol):
    """An image set opened in one of its layouts."""

    @property
    def name(self) -> str:
        """Return the name of the set, as in "flowers102"."""

    @property
    def classes(self) -> Sequence[ClassEntry]:
        """Return the classes that the set's labels point to."""

    def units(self) -> Sequence[Unit]:
        """Return the parts of the set, in a stable order."""
