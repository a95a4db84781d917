"""Stanford Cars: cars_train and cars_test, car_ims, or one folder for each class, as published.

The official numbers 1 to 196 are the order of the class list; where a file gives class names, they
must be the names of the list, so that a mirror in another order is refused and not mislabelled.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from imagewikiqa.builders.imagesets.archives import Packed, TarPart
from imagewikiqa.builders.imagesets.entries import class_folder_parts, folder_parts, names_of
from imagewikiqa.builders.imagesets.matfiles import load_mat, rows_of, whole_numbers
from imagewikiqa.builders.imagesets.naming import ClassNames
from imagewikiqa.builders.imagesets.protocol import Split, Unit
from imagewikiqa.builders.imagesets.root import Found, Root
from imagewikiqa.builders.imagesets.units import LayoutSet, missing, notes, units_of
from imagewikiqa.builders.imagesets.verdicts import Labels, Place, Refusal
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry

EXPECTED = (
    "cars_train/00001.jpg with devkit/cars_train_annos.mat, cars_test/00001.jpg with"
    " cars_test_annos_withlabels.mat, car_ims/000001.jpg with cars_annos.mat, their .tgz archives,"
    " or train/CLASS NAME/*.jpg and test/CLASS NAME/*.jpg"
)
_AGAIN = "put the published file in its place"
_HALVES: tuple[tuple[Split, tuple[str, ...]], ...] = (
    ("train", ("cars_train_annos.mat",)),
    ("test", ("cars_test_annos_withlabels.mat",)),
)


@dataclass(frozen=True, slots=True)
class CarLabels:
    """Class and split of each image by its annotated name, as in "cars_train/00001.jpg"."""

    places: Mapping[str, tuple[str, Split]]

    def of(self, name: str) -> Place | Refusal:
        """Return the place of a listed image."""
        place = self.places.get(name)
        if place is None:
            return Refusal("no label for this file", "the annotations do not list it")
        return Place(name, *place)


@dataclass(frozen=True, slots=True)
class FolderLabels:
    """Class by the folder of an image, split by the folder above: "train/CLASS NAME/x.jpg"."""

    names: ClassNames

    def of(self, name: str) -> Place | Refusal:
        """Return the place of a .jpg in the folder of a class."""
        split, folder, file = name.split("/", 2)
        class_id = self.names.id_of(folder)
        if class_id is None:
            return Refusal("no class for this folder", folder)
        if not re.fullmatch(r"[^/]+\.jpe?g", file, re.I):
            return Refusal("not an image of the set", "the images are .jpg files")
        return Place(name, class_id, "train" if split == "train" else "test")


def open_stanford_cars(root: Root) -> LayoutSet:
    """Open Stanford Cars in any of its layouts; raise ToolkitError for another."""
    folders = ("cars_train", "cars_test", "car_ims")
    marks = ("train", "devkit", *folders, *(f"{folder}.tgz" for folder in folders))
    root = root.below("stanford_cars", marks)
    classes = load_classes("stanford_cars")
    units = _by_annotations(root, classes) or _by_folders(root, classes)
    if not units:
        raise root.lacks("images of Stanford Cars", EXPECTED)
    return LayoutSet(name="stanford_cars", classes=classes, found=tuple(units))


def _by_annotations(root: Root, classes: tuple[ClassEntry, ...]) -> list[Unit]:
    ids = tuple(entry.id for entry in classes)
    meta = root.notes(*_everywhere("cars_meta.mat"))
    if meta is not None:
        _check_names(meta, load_mat(meta), classes)
    units: list[Unit] = []
    for split, names in _HALVES:
        folder = f"cars_{split}"
        if root.images(folder) or root.archive(f"{folder}.tgz"):
            places = _half(root, names, folder, split, ids)
            units += _read(root, folder, CarLabels(places))
    if root.images("car_ims") or root.archive("car_ims.tgz"):
        units += _read(root, "car_ims", CarLabels(_whole(root, classes)))
    return units


def _everywhere(*names: str) -> list[str]:
    places = (
        "",
        "devkit/",
        "car_devkit/devkit/",
        "car_devkit.tgz:devkit/",
        "cars_devkit.tgz:devkit/",
    )
    return [f"{place}{name}" for name in names for place in places]


def _half(
    root: Root, names: tuple[str, ...], folder: str, split: Split, ids: tuple[str, ...]
) -> dict[str, tuple[str, Split]]:
    """Return the labels of one half; of a test half without its labels none, so it is rejected."""
    found = root.notes(*_everywhere(*names))
    if found is None and split == "test" and root.notes(*_everywhere("cars_test_annos.mat")):
        return {}
    if found is None:
        raise root.lacks(f"{names[0]} for the images in {folder}", EXPECTED)
    rows = _annotations(found, load_mat(found), ("fname", "class"))
    return _distinct(found, [(f"{folder}/{row['fname']}", split, row) for row in rows], ids)


def _whole(root: Root, classes: tuple[ClassEntry, ...]) -> dict[str, tuple[str, Split]]:
    found = root.notes(*_everywhere("cars_annos.mat"))
    if found is None:
        raise root.lacks("cars_annos.mat for the images in car_ims", EXPECTED)
    variables = load_mat(found)
    _check_names(found, variables, classes)
    ids = tuple(entry.id for entry in classes)
    rows = _annotations(found, variables, ("relative_im_path", "class", "test"))
    listed: list[tuple[str, Split, dict[str, Any]]] = [
        (
            str(row["relative_im_path"]),
            _split(row["test"]),
            row,
        )
        for row in rows
    ]
    return _distinct(found, listed, ids)


def _split(flag: Any) -> Split:
    return "test" if whole_numbers(flag) == [1] else "train"


def _distinct(
    found: Found, listed: list[tuple[str, Split, dict[str, Any]]], ids: tuple[str, ...]
) -> dict[str, tuple[str, Split]]:
    places = {name: (_class_of(found, row, ids), split) for name, split, row in listed}
    if len(places) < len(listed):
        raise ToolkitError(f"{found.name} lists an image twice; {_AGAIN}")
    return places


def _annotations(
    found: Found, variables: dict[str, Any], fields: tuple[str, ...]
) -> list[dict[str, Any]]:
    rows = rows_of(variables, "annotations", fields)
    if not rows:
        raise ToolkitError(
            f"{found.name} holds no list 'annotations' with {', '.join(fields)}; {_AGAIN}"
        )
    return rows


def _class_of(found: Found, row: dict[str, Any], ids: tuple[str, ...]) -> str:
    number = (whole_numbers(row["class"]) or [0])[0]
    if not 1 <= number <= len(ids):
        raise ToolkitError(f"{found.name} has a class that is not from 1 to {len(ids)}; {_AGAIN}")
    return ids[number - 1]


def _check_names(found: Found, variables: dict[str, Any], classes: tuple[ClassEntry, ...]) -> None:
    """Refuse class names in another order than that of the class list."""
    names = [str(name) for name in variables.get("class_names", [])]
    known = ClassNames.of(classes)
    wrong = [n for n, entry in zip(names, classes, strict=False) if known.id_of(n) != entry.id]
    if len(names) != len(classes) or wrong:
        what = f"{wrong[0]!r} at another place" if wrong else f"{len(names)} class names"
        raise ToolkitError(
            f"{found.name} has {what}, where Stanford Cars has {len(classes)} in a fixed order;"
            f" {_AGAIN}"
        )


def _read(root: Root, folder: str, labels: CarLabels) -> list[Unit]:
    # Some mirrors unpack each archive into a folder of its own name.
    path = root.images(f"{folder}/{folder}", folder)
    if path is not None:
        parts = folder_parts(path, f"{folder}/")
        absent = missing(labels.places, names_of(parts))
        found = [*absent, *root.unused(f"{folder}.tgz")]
        return [*units_of(parts, labels), *notes(folder, found)]
    archive = root.archive(f"{folder}.tgz")
    if archive is None:
        raise root.lacks(f"images in {folder}", EXPECTED)
    part = TarPart(id=archive.name, archive=Packed(path=archive))
    return units_of([part], labels, frozenset(labels.places))


def _by_folders(root: Root, classes: tuple[ClassEntry, ...]) -> list[Unit]:
    labels: Labels = FolderLabels(ClassNames.of(classes))
    units: list[Unit] = []
    for split in ("train", "test"):
        folder = root.images(split)
        if folder is not None:
            parts, strays = class_folder_parts(folder, f"{split}/")
            units += [*units_of(parts, labels), *notes(split, strays)]
    return units
