"""Any folder of class folders: DIR/CLASS/*.jpg, or DIR/train/CLASS/*.jpg and its kin.

Class ids are the folder names, or those of a class list whose ids, names or synonyms they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from imagewikiqa.builders.imagesets.entries import FolderPart, class_folder_parts, names_in
from imagewikiqa.builders.imagesets.naming import ClassNames
from imagewikiqa.builders.imagesets.protocol import Split
from imagewikiqa.builders.imagesets.root import Root
from imagewikiqa.builders.imagesets.units import LayoutSet, notes, units_of
from imagewikiqa.builders.imagesets.verdicts import Place, Refusal, name_problem
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry

EXPECTED = "CLASS/*.jpg, or train/CLASS/*.jpg with val or test beside it"
SPLITS: dict[str, Split] = {
    "train": "train", "training": "train", "trainval": "train",
    "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
# By name alone; whether the bytes are an image is for the decoder to say.
SUFFIXES = frozenset(
    ".jpg .jpeg .jpe .jfif .png .webp .gif .bmp .tif .tiff .ppm .pgm .avif .heic .jp2".split()
)


@dataclass(frozen=True, slots=True)
class FolderLabels:
    """Class by folder, split by the folder above where there is one."""

    split: Split
    names: ClassNames | None  # None: the folder is the class id

    def of(self, name: str) -> Place | Refusal:
        """Return the place of an image file in a class folder."""
        path = PurePosixPath(name)
        if path.suffix.lower() not in SUFFIXES:
            return Refusal("not an image by its suffix", path.suffix)
        folder = path.parts[-2]
        class_id = folder if self.names is None else self.names.id_of(folder)
        if class_id is None:
            return Refusal("no class for this folder", folder)
        return Place(name, class_id, self.split)


def open_image_folder(root: Root, classes: Sequence[ClassEntry] | None = None) -> LayoutSet:
    """Open a folder of class folders; raise ToolkitError if there is none in it."""
    if root.only:
        raise root.lacks("image folder", f"a folder laid out as {EXPECTED}, not an archive")
    names = ClassNames.of(classes) if classes is not None else None
    tops = [top for top in sorted(SPLITS) if _holds_folders(root.folder / top)]
    found = notes("beside", _beside(root, tops))
    folders: set[str] = set()
    for top in tops or [""]:
        prefix = f"{top}/" if top else ""
        parts, strays = class_folder_parts(root.folder / top, prefix)
        labels = FolderLabels(SPLITS.get(top, "all"), names)
        found += [*units_of(parts, labels), *notes(top or ".", strays)]
        folders |= {_class_folder(part) for part in parts}
    if not folders:
        raise root.lacks("class folders", EXPECTED)
    entries = tuple(classes) if classes is not None else _entries(root, sorted(folders))
    return LayoutSet(name="folder", classes=entries, found=tuple(found))


def _holds_folders(folder: Path) -> bool:
    """Say whether a folder holds class folders; one of files alone may be the class "train"."""
    return folder.is_dir() and any((folder / name).is_dir() for name in names_in(folder))


def _beside(root: Root, tops: list[str]) -> list[tuple[str, Refusal]]:
    """Return what lies beside the folders of the splits, where there are any."""
    names = [name for name in names_in(root.folder) if name not in tops] if tops else []
    return [(name, name_problem(name) or Refusal("outside the splits")) for name in names]


def _class_folder(part: FolderPart) -> str:
    return PurePosixPath(part.prefix).name


def _entries(root: Root, folders: list[str]) -> tuple[ClassEntry, ...]:
    """Make a class of each folder, in the order of their names as torchvision numbers them."""
    names = [folder.replace("_", " ").strip() or folder for folder in folders]
    if len({name.casefold() for name in names}) < len(names):
        raise ToolkitError(
            f"two class folders in {root.given} differ only in case or underscores; rename one, or"
            " give a class list"
        )
    pairs = zip(folders, names, strict=True)
    return tuple(ClassEntry(id=f, name=n, index=i) for i, (f, n) in enumerate(pairs))
