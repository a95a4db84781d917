"""The folder or archive that a user names, and what of a published layout lies in it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from imagewikiqa.builders.imagesets.archives import Packed, read_members
from imagewikiqa.builders.imagesets.verdicts import Refusal
from imagewikiqa.core.errors import ToolkitError

MOST_NOTES = 64_000_000  # bytes of one annotation file; the largest published has 8 MB

# Folders that archives and torchvision make around a set.
STEPS = {
    "caltech101": ("caltech101", "caltech-101"),
    "flowers102": ("flowers-102", "102flowers"),
    "food101": ("food-101", "food101"),
    "imagenet": (),
    "oxford_pets": ("oxford-iiit-pet",),
    "stanford_cars": ("stanford_cars", "car_data/car_data", "car_data"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An annotation file: its name, for error sentences, and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """Where a set lies: a folder, and the one archive in it if the user named a file."""

    given: Path
    folder: Path
    only: str = ""

    def below(self, kind: str, marks: Sequence[str]) -> "Root":
        """Return the first folder of the kind's STEPS that holds one of the `marks`, else this one.

        Archives unpack into folders of their own, so a set often lies one step further down.
        """
        for step in STEPS[kind]:
            folder = self.folder / step
            if any((folder / mark).exists() for mark in marks):
                return Root(given=self.given, folder=folder, only=self.only)
        return self

    def images(self, *names: str) -> Path | None:
        """Return the first image folder of these names, unless the user named an archive."""
        folders = (self.folder / name for name in names if not self.only)
        return next((folder for folder in folders if folder.is_dir()), None)

    def unused(self, *names: str) -> list[tuple[str, Refusal]]:
        """Return a note for each archive of these names that lies beside its unpacked folder."""
        beside = Refusal("same images in a folder beside it")
        return [(name, beside) for name in names if (self.folder / name).is_file()]

    def archive(self, *names: str) -> Path | None:
        """Return the first archive of these names, or none but the one that the user named."""
        for name in names:
            if name == (self.only or name) and (self.folder / name).is_file():
                return self.folder / name
        return None

    def notes(self, *places: str) -> Found | None:
        """Return the first annotation file found; "A.tgz:x/y.mat" is a member of an archive."""
        for place in places:
            archive, _, member = place.rpartition(":")
            path = self.folder / (archive or member)
            if path.is_file():
                found = _member(path, member) if archive else _bytes(path)
                if found is not None:
                    return Found(name=member.rpartition("/")[2], data=found)
        return None

    def lacks(self, what: str, expected: str) -> ToolkitError:
        """Return the error that says what is not there, and which layout would hold it."""
        return ToolkitError(f"{self.given} holds no {what}; expected is {expected}")


def root_of(path: Path) -> Root:
    """Return the root of a folder, or of the folder around an archive; refuse a missing path."""
    if path.is_dir():
        return Root(given=path, folder=path)
    if path.is_file():
        return Root(given=path, folder=path.parent, only=path.name)
    raise ToolkitError(f"the image set {path} does not exist; give its folder or its archive")


def _bytes(path: Path) -> bytes:
    try:
        size = path.stat().st_size
        if size > MOST_NOTES:
            raise ToolkitError(
                f"the annotation file {path.name} has {size:,} bytes, far more than any published"
                " one; put the file of the set in its place"
            )
        return path.read_bytes()
    except OSError as error:
        raise ToolkitError(
            f"the annotation file {path} cannot be read ({error.strerror}); give a readable file"
        ) from error


def _member(path: Path, name: str) -> bytes | None:
    found = read_members(Packed(path=path), {name}, most=MOST_NOTES)
    return found.get(name)


def text_of(found: Found) -> str:
    """Return an annotation file as text; raise ToolkitError if it is none."""
    try:
        return found.data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ToolkitError(
            f"the annotation file {found.name} is not a text (byte {error.start:,}); put the"
            " published file in its place"
        ) from error
