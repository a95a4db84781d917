"""Food-101: images/CLASS/ID.jpg with meta/train and meta/test, or food-101.tar.gz.

The official split has 750 train and 250 test images of each of the 101 classes.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from imagewikiqa.builders.imagesets.archives import Packed, TarPart, read_members
from imagewikiqa.builders.imagesets.entries import class_folder_parts, names_of
from imagewikiqa.builders.imagesets.protocol import Split, Unit
from imagewikiqa.builders.imagesets.root import MOST_NOTES, Found, Root, text_of
from imagewikiqa.builders.imagesets.units import LayoutSet, missing, notes, units_of
from imagewikiqa.builders.imagesets.verdicts import Place, Refusal
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.errors import ToolkitError

EXPECTED = (
    "images/apple_pie/1005649.jpg ... with meta/train.txt and meta/test.txt (or .json), or"
    " food-101.tar.gz"
)
TOP = "food-101"
SPLITS: tuple[Split, ...] = ("train", "test")
_ENTRY = re.compile(r"([a-z_]+)/([0-9]+)")


@dataclass(frozen=True, slots=True)
class FoodLabels:
    """Split by address, as in "images/apple_pie/1005649.jpg"; the class is the folder."""

    splits: Mapping[str, Split]

    def of(self, name: str) -> Place | Refusal:
        """Return the place of an image that train or test lists."""
        split = self.splits.get(name)
        if split is not None:
            return Place(name, name.split("/")[1], split)
        if name.startswith("images/") and name.endswith(".jpg"):
            return Refusal("no label for this file", "meta/train and meta/test do not list it")
        return Refusal("not an image of the set", "the images are images/CLASS/NUMBER.jpg")


def open_food101(root: Root) -> LayoutSet:
    """Open Food-101 in its official layout; raise ToolkitError for any other."""
    root = root.below("food101", ("images", "food-101.tar.gz"))
    classes = load_classes("food101")
    archive = root.archive(f"{TOP}.tar.gz")
    folder = root.images("images")
    if folder is None and archive is None:
        raise root.lacks("images of Food-101", EXPECTED)
    splits: dict[str, Split] = {}
    lists = _lists(root)
    for split in SPLITS:
        _read_list(lists[split], split, splits)
    strangers = {name.split("/")[1] for name in splits} - {entry.id for entry in classes}
    if strangers:
        raise ToolkitError(
            f"meta/train or meta/test of Food-101 names the class {min(strangers)!r}, which is"
            " none of the 101; put the published files in their place"
        )
    units = _units(root, FoodLabels(splits))
    return LayoutSet(name="food101", classes=classes, found=tuple(units))


def _units(root: Root, labels: FoodLabels) -> list[Unit]:
    folder, archive = root.images("images"), root.archive(f"{TOP}.tar.gz")
    if folder is None and archive is not None:
        packed = TarPart(id=archive.name, archive=Packed(path=archive), below=f"{TOP}/")
        return units_of([packed], labels, frozenset(labels.splits))
    parts, strays = class_folder_parts(folder or root.folder, "images/")
    units: list[Unit] = []
    for part in parts:  # each carries the labels of its own folder, a hundredth of them all
        own = {n: s for n, s in labels.splits.items() if n.startswith(part.prefix)}
        units += units_of([part], FoodLabels(own))
    absent = missing(labels.splits, names_of(parts))
    return [*units, *notes("images", [*strays, *absent, *root.unused(f"{TOP}.tar.gz")])]


def _lists(root: Root) -> dict[str, Found]:
    """Return the lists of both splits; an archive is passed over once for all of them."""
    kinds = {split: (f"meta/{split}.txt", f"meta/{split}.json") for split in SPLITS}
    archive = root.archive(f"{TOP}.tar.gz")
    inside: dict[str, bytes] = {}
    if archive is not None and root.images("images") is None:
        wanted = {f"{TOP}/{name}" for names in kinds.values() for name in names}
        inside = read_members(Packed(path=archive), wanted, most=MOST_NOTES)
    lists: dict[str, Found] = {}
    for split, names in kinds.items():
        packed = [Found(name=n, data=inside[f"{TOP}/{n}"]) for n in names if f"{TOP}/{n}" in inside]
        found = packed[0] if packed else root.notes(*names)
        if found is None:
            raise root.lacks(f"meta/{split}.txt or meta/{split}.json of Food-101", EXPECTED)
        lists[split] = found
    return lists


def _read_list(found: Found, split: Split, splits: dict[str, Split]) -> None:
    """Add the entries "CLASS/NUMBER" of a list, which is a text or {"CLASS": [entries]}."""
    for entry in _entries(found):
        name = f"images/{entry}.jpg"
        if not _ENTRY.fullmatch(entry) or name in splits:
            what = "twice" if name in splits else "which is not CLASS/NUMBER"
            raise ToolkitError(
                f"{found.name} of Food-101 lists {entry[:100]!r}, {what}; put the published file"
                " in its place"
            )
        splits[name] = split


def _entries(found: Found) -> list[str]:
    text = text_of(found)
    if found.name.endswith(".txt"):
        return text.split()
    try:
        lists = json.loads(text)
        return [str(entry) for entries in lists.values() for entry in entries]
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise ToolkitError(
            f"{found.name} of Food-101 is not an object of lists ({error}); put the published"
            " file in its place"
        ) from error
