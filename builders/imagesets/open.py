"""Opens an image set by one word: KIND:PATH, in whichever of its published layouts it lies."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from imagewikiqa.builders.imagesets.caltech101 import open_caltech101
from imagewikiqa.builders.imagesets.checksums import verify as verify_files
from imagewikiqa.builders.imagesets.flowers102 import open_flowers102
from imagewikiqa.builders.imagesets.food101 import open_food101
from imagewikiqa.builders.imagesets.hub import open_datasets
from imagewikiqa.builders.imagesets.image_folder import open_image_folder
from imagewikiqa.builders.imagesets.imagenet import open_imagenet
from imagewikiqa.builders.imagesets.oxford_pets import open_oxford_pets
from imagewikiqa.builders.imagesets.root import Root, root_of
from imagewikiqa.builders.imagesets.stanford_cars import open_stanford_cars
from imagewikiqa.builders.imagesets.units import LayoutSet
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry

PUBLISHED: dict[str, Callable[[Root], LayoutSet]] = {
    "caltech101": open_caltech101,
    "flowers102": open_flowers102,
    "food101": open_food101,
    "imagenet": open_imagenet,
    "oxford_pets": open_oxford_pets,
    "stanford_cars": open_stanford_cars,
}
HAVE = f"have: {', '.join(sorted(PUBLISHED))}, folder (each KIND:PATH), datasets:ID_OR_DIR[#CONFIG]"


def open_image_set(
    spec: str, *, classes: Sequence[ClassEntry] | None = None, verify: bool = False
) -> LayoutSet:
    """Open "KIND:PATH": list its folders or archive headers, read its annotations, no image yet.

    A path is a folder or, for a published set, also its archive. `classes` gives `folder` and
    `datasets` their ids; a published set has its own and is refused with others. `verify` hashes
    every archive and annotation file with a published checksum. Raises ToolkitError for a layout
    that is not the set's, naming the one expected, and for a file that is not the published one.
    """
    kind, _, place = spec.partition(":")
    if kind not in {*PUBLISHED, "folder", "datasets"} or not place:
        raise ToolkitError(f"there is no image set {spec!r}; {HAVE}")
    if kind == "datasets":
        if verify:
            raise ToolkitError(f"no checksum is published for {spec}; open it without verifying")
        return open_datasets(place, classes)
    root = root_of(Path(place).expanduser())
    verified = verify_files(kind, root.folder) if verify else ()
    if kind == "folder":
        return open_image_folder(root, classes)
    found = PUBLISHED[kind](root)
    _check_classes(found, classes)
    return replace(found, verified=verified)


def _check_classes(found: LayoutSet, classes: Sequence[ClassEntry] | None) -> None:
    strangers = {entry.id for entry in classes or ()} - {entry.id for entry in found.classes}
    if strangers:
        raise ToolkitError(
            f"the image set {found.name} has no class {min(strangers)!r}; use its own list,"
            f" --classes {found.name}"
        )
