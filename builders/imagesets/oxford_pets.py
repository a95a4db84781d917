"""Oxford-IIIT Pets: images/*.jpg with annotations/, or images.tar.gz with annotations.tar.gz.

The class is the one of the annotations, which must agree with the file name. The official split
has 3,680 trainval images ("train" here) and 3,669 test images; 41 pictures that the annotations
leave out, and MATLAB files among the images, are rejected.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from imagewikiqa.builders.imagesets.archives import Packed, TarPart
from imagewikiqa.builders.imagesets.entries import folder_parts, names_of
from imagewikiqa.builders.imagesets.protocol import Split, Unit
from imagewikiqa.builders.imagesets.root import Found, Root, text_of
from imagewikiqa.builders.imagesets.units import LayoutSet, missing, notes, units_of
from imagewikiqa.builders.imagesets.verdicts import Place, Refusal
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.errors import ToolkitError

EXPECTED = (
    "images/Abyssinian_1.jpg ... or images.tar.gz, beside annotations/trainval.txt and"
    " annotations/test.txt or annotations.tar.gz"
)
LISTS: tuple[tuple[str, Split], ...] = (("trainval.txt", "train"), ("test.txt", "test"))
_LINE = re.compile(r"((\S+)_[0-9]+) ([0-9]+) [12] [0-9]+")


@dataclass(frozen=True, slots=True)
class PetLabels:
    """Class and split by file name, as in "images/Abyssinian_1.jpg"."""

    places: Mapping[str, tuple[str, Split]]

    def of(self, name: str) -> Place | Refusal:
        """Return the place of a listed image."""
        place = self.places.get(name)
        if place is not None:
            return Place(name, *place)
        if re.fullmatch(r"images/[^/]+\.jpg", name):
            return Refusal("no label for this file", "trainval.txt and test.txt do not list it")
        return Refusal("not an image of the set", "the images are images/BREED_NUMBER.jpg")


def open_oxford_pets(root: Root) -> LayoutSet:
    """Open Oxford-IIIT Pets in its official layout; raise ToolkitError for any other."""
    root = root.below("oxford_pets", ("images", "images.tar.gz"))
    classes = load_classes("oxford_pets")
    ids = tuple(entry.id for entry in classes)
    places: dict[str, tuple[str, Split]] = {}
    for name, split in LISTS:
        found = root.notes(f"annotations/{name}", f"annotations.tar.gz:annotations/{name}", name)
        if found is None:
            raise root.lacks(f"{name} of Oxford-IIIT Pets", EXPECTED)
        _read_list(found, ids, split, places)
    labels = PetLabels(places)
    return LayoutSet(name="oxford_pets", classes=classes, found=tuple(_units(root, labels)))


def _units(root: Root, labels: PetLabels) -> list[Unit]:
    folder = root.images("images")
    if folder is not None:
        parts = folder_parts(folder, "images/")
        absent = missing(labels.places, names_of(parts))
        return [
            *units_of(parts, labels),
            *notes("images", [*absent, *root.unused("images.tar.gz")]),
        ]
    archive = root.archive("images.tar.gz")
    if archive is None:
        raise root.lacks("images of Oxford-IIIT Pets", EXPECTED)
    part = TarPart(id=archive.name, archive=Packed(path=archive))
    return units_of([part], labels, frozenset(labels.places))


def _read_list(
    found: Found, ids: tuple[str, ...], split: Split, places: dict[str, tuple[str, Split]]
) -> None:
    """Add the lines "IMAGE CLASS-ID SPECIES BREED-ID" of a list, each image once."""
    for number, line in enumerate(text_of(found).splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise _wrong(found, number, "is not 'IMAGE CLASS-ID SPECIES BREED-ID'")
        class_id = ids[int(match[3]) - 1] if 1 <= int(match[3]) <= len(ids) else ""
        if class_id != match[2].lower():
            raise _wrong(found, number, f"gives {match[1]} the class {match[3]}")
        name = f"images/{match[1]}.jpg"
        if name in places:
            raise _wrong(found, number, f"lists {match[1]} again")
        places[name] = class_id, split


def _wrong(found: Found, line: int, what: str) -> ToolkitError:
    return ToolkitError(
        f"{found.name}, line {line}: the line {what[:200]}; put the published file in its place"
    )
