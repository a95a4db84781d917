"""The labels of the 50,000 ImageNet validation images, and which of them the image bears out."""

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from importlib import resources

import pyarrow.parquet as pq

_NAME = re.compile(r"ILSVRC2012_val_(\d{8})(?:_n\d{8})?\.[A-Za-z]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class ValLabel:
    """What is known of one validation image; classes are indices in ImageNet's label order."""

    number: int  # 1 to 50,000, as in the file name
    candidates: tuple[int, ...]  # two where the source cannot tell two classes of one name apart
    real: tuple[int, ...]  # classes that ReaL's annotators saw; empty when they agreed on none

    @property
    def name(self) -> str:
        """Return the file name, as in 'ILSVRC2012_val_00000001.JPEG'."""
        return f"ILSVRC2012_val_{self.number:08d}.JPEG"

    @property
    def label(self) -> int | None:
        """Return the class; of two candidates the one that ReaL alone supports, else None.

        Where ReaL decides, this is what annotators saw, not always ImageNet's own label.
        """
        if len(self.candidates) == 1:
            return self.candidates[0]
        seen = [index for index in self.candidates if index in self.real]
        return seen[0] if len(seen) == 1 else None

    @property
    def valid(self) -> bool:
        """Say whether the class is known and ReaL's annotators saw it."""
        return self.label is not None and self.label in self.real


@cache
def val_labels() -> tuple[ValLabel, ...]:
    """Return the label of every validation image, in the order of their numbers from 1."""
    table = resources.files("imagewikiqa.builders") / "data" / "imagenet_val.parquet"
    with table.open("rb") as stream:
        columns = pq.read_table(stream).to_pydict()
    rows = zip(columns["image"], columns["candidates"], columns["real"], strict=True)
    return tuple(ValLabel(number=n, candidates=tuple(c), real=tuple(r)) for n, c, r in rows)


def val_label_of(name: str) -> ValLabel | None:
    """Return the label that belongs to a file name; None if it names no validation image."""
    match = _NAME.fullmatch(name)
    number = int(match[1]) if match else 0
    return val_labels()[number - 1] if 1 <= number <= len(val_labels()) else None


def valid_val_images(class_index: int) -> tuple[str, ...]:
    """Return the names of the images of one class whose ReaL labels contain the class, in order.

    An image belongs to one class: those of another label that also show this one stay out.
    """
    return _valid_by_class().get(class_index, ())


def unresolved_val_images() -> tuple[str, ...]:
    """Return the names of the images left out because their label may be either of two classes."""
    return tuple(image.name for image in val_labels() if image.label is None)


@cache
def _valid_by_class() -> dict[int, tuple[str, ...]]:
    groups: dict[int, list[str]] = defaultdict(list)
    for image in val_labels():
        if image.valid and image.label is not None:
            groups[image.label].append(image.name)
    return {index: tuple(names) for index, names in groups.items()}
