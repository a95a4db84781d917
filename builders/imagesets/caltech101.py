"""Caltech101: 101_ObjectCategories/FOLDER/image_0001.jpg, its .tar.gz, or caltech-101.zip.

The release has 9,144 images in 102 folders. BACKGROUND_Google is no class. Faces and Faces_easy
are the same 435 photographs, whole and cropped: one class, of which Faces is read and Faces_easy
rejected, so that no photograph counts twice. 8,242 images of 100 classes are left (the paper's
list keeps both and has 8,677). There is no official split: every image is in "all".
"""

import re
from dataclasses import dataclass

from imagewikiqa.builders.imagesets.archives import Packed, TarPart, zip_names
from imagewikiqa.builders.imagesets.entries import class_folder_parts
from imagewikiqa.builders.imagesets.protocol import Unit
from imagewikiqa.builders.imagesets.root import Root
from imagewikiqa.builders.imagesets.units import LayoutSet, notes, units_of
from imagewikiqa.builders.imagesets.verdicts import Place, Refusal
from imagewikiqa.core.classes import load_classes

TOP = "101_ObjectCategories"
TWIN, KEPT = "Faces_easy", "Faces"
BACKGROUND = "BACKGROUND_Google"
EXPECTED = f"{TOP}/accordion/image_0001.jpg ..., {TOP}.tar.gz or caltech-101.zip"
_NAME = re.compile(rf"{TOP}/([^/]+)/(image_[0-9]{{4}}\.jpg)")


@dataclass(frozen=True, slots=True)
class CaltechLabels:
    """Class by folder."""

    class_ids: frozenset[str]

    def of(self, name: str) -> Place | Refusal:
        """Return the place of "101_ObjectCategories/FOLDER/image_NNNN.jpg"."""
        match = _NAME.fullmatch(name)
        folder = name.split("/")[1] if name.count("/") > 1 else ""
        if folder == BACKGROUND:
            return Refusal("background, no class", f"{BACKGROUND} holds pictures of no class")
        if match is None:
            return Refusal("not an image of the set", f"images are {TOP}/FOLDER/image_NNNN.jpg")
        if folder == TWIN:
            return Refusal("same photograph in another folder", f"{TOP}/{KEPT}/{match[2]}")
        if folder not in self.class_ids:
            return Refusal("no class for this folder", folder)
        return Place(name, folder, "all")


def open_caltech101(root: Root) -> LayoutSet:
    """Open Caltech101 as a folder or an archive; raise ToolkitError for any other layout."""
    marks = (TOP, f"{TOP}.tar.gz", "caltech-101.zip")
    root = root.below("caltech101", marks)
    classes = load_classes("caltech101")
    labels = CaltechLabels(frozenset(entry.id for entry in classes))
    return LayoutSet(name="caltech101", classes=classes, found=tuple(_units(root, labels)))


def _units(root: Root, labels: CaltechLabels) -> list[Unit]:
    folder = root.images(TOP)
    if folder is None and not root.only and (root.folder / KEPT).is_dir():
        folder = root.folder  # the user named the folder of the class folders itself
    if folder is not None:
        parts, strays = class_folder_parts(folder, f"{TOP}/")
        unused = root.unused(f"{TOP}.tar.gz", "caltech-101.zip")
        return [*units_of(parts, labels), *notes(TOP, [*strays, *unused])]
    packed = _packed(root)
    return units_of([TarPart(id=packed.name, archive=packed)], labels)


def _packed(root: Root) -> Packed:
    tar = root.archive(f"{TOP}.tar.gz")
    if tar is not None:
        return Packed(path=tar)
    outer = root.archive("caltech-101.zip")
    names = zip_names(outer) if outer else []
    inner = next((n for n in names if n.rpartition("/")[2] == f"{TOP}.tar.gz"), None)
    if outer is None or inner is None:
        raise root.lacks("images of Caltech101", EXPECTED)
    return Packed(path=outer, inner=inner)
