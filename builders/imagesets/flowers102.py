"""Flowers102: jpg/image_00001.jpg ... or 102flowers.tgz, with imagelabels.mat and setid.mat.

The official split has 1,020 train, 1,020 val and 6,149 test images; the paper's training images
are train and val together.
"""

import re
from dataclasses import dataclass
from typing import Any

from imagewikiqa.builders.imagesets.archives import Packed, TarPart
from imagewikiqa.builders.imagesets.entries import folder_parts, names_of
from imagewikiqa.builders.imagesets.matfiles import load_mat, whole_numbers
from imagewikiqa.builders.imagesets.protocol import Split, Unit
from imagewikiqa.builders.imagesets.root import Found, Root
from imagewikiqa.builders.imagesets.units import LayoutSet, missing, notes, units_of
from imagewikiqa.builders.imagesets.verdicts import Place, Refusal
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.errors import ToolkitError

EXPECTED = "jpg/image_00001.jpg ... or 102flowers.tgz, beside imagelabels.mat and setid.mat"
SPLITS: dict[str, Split] = {"trnid": "train", "valid": "val", "tstid": "test"}
_ARCHIVES = ("102flowers.tgz", "102flowers.tar.gz")
_NAME = re.compile(r"jpg/image_([0-9]{5})\.jpg")


@dataclass(frozen=True, slots=True)
class FlowerLabels:
    """Class and split of every image, by its number from 1."""

    class_ids: tuple[str, ...]
    splits: tuple[Split | None, ...]

    def of(self, name: str) -> Place | Refusal:
        """Return the place of "jpg/image_NNNNN.jpg"."""
        match = _NAME.fullmatch(name)
        if match is None:
            return Refusal("not an image of the set", "the images are jpg/image_NNNNN.jpg")
        number = int(match[1])
        if not 1 <= number <= len(self.class_ids):
            return Refusal("no label for this file", f"imagelabels.mat has {len(self.class_ids):,}")
        split = self.splits[number - 1]
        if split is None:
            return Refusal("no split for this file", "setid.mat does not list it")
        return Place(name, self.class_ids[number - 1], split)

    def listed(self) -> frozenset[str]:
        """Return the address of every image with a label."""
        return frozenset(f"jpg/image_{n:05d}.jpg" for n in range(1, len(self.class_ids) + 1))


def open_flowers102(root: Root) -> LayoutSet:
    """Open Flowers102 in its official layout; raise ToolkitError for any other."""
    root = root.below("flowers102", ("imagelabels.mat", "jpg"))
    classes = load_classes("flowers102")
    labels = _labels(root, tuple(entry.id for entry in classes))
    return LayoutSet(name="flowers102", classes=classes, found=tuple(_units(root, labels)))


def _units(root: Root, labels: FlowerLabels) -> list[Unit]:
    folder = root.images("jpg")
    if folder is not None:
        parts = folder_parts(folder, "jpg/")
        absent = missing(labels.listed(), names_of(parts))
        return [*units_of(parts, labels), *notes("jpg", [*absent, *root.unused(*_ARCHIVES)])]
    archive = root.archive(*_ARCHIVES)
    if archive is None:
        raise root.lacks("images of Flowers102", EXPECTED)
    part = TarPart(id=archive.name, archive=Packed(path=archive))
    return units_of([part], labels, labels.listed())


def _labels(root: Root, ids: tuple[str, ...]) -> FlowerLabels:
    found = root.notes("imagelabels.mat")
    split_file = root.notes("setid.mat")
    if found is None or split_file is None:
        name = "setid.mat" if found else "imagelabels.mat"
        raise root.lacks(f"{name} of Flowers102", EXPECTED)
    labels = numbers(found, load_mat(found), "labels", len(ids))
    splits: list[Split | None] = [None] * len(labels)
    sets = load_mat(split_file)
    for key, split in SPLITS.items():
        for number in numbers(split_file, sets, key, len(labels)):
            if splits[number - 1] is not None:
                raise ToolkitError(f"{split_file.name} puts image {number} in two splits; {_AGAIN}")
            splits[number - 1] = split
    return FlowerLabels(tuple(ids[label - 1] for label in labels), tuple(splits))


_AGAIN = "put the published file in its place"


def numbers(found: Found, variables: dict[str, Any], key: str, most: int) -> list[int]:
    """Return a variable as whole numbers from 1 to `most`; raise ToolkitError for any other."""
    values = whole_numbers(variables.get(key))
    if not values or not (1 <= min(values) and max(values) <= most):
        raise ToolkitError(
            f"{found.name} holds no list {key!r} of whole numbers from 1 to {most:,}; {_AGAIN}"
        )
    return values
