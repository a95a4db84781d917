"""ImageNet (ILSVRC2012): folders, the published tars, Kaggle's tree, or `datasets` parquet.

The development kit or Kaggle's solution file gives the labels of the validation images where it
lies in the folder, the packaged table where not. Test images have no published labels.
"""

import re
from collections import Counter
from pathlib import Path

from imagewikiqa.builders.imagesets.archives import Packed, TarPart, plain, tar_parts, tars_within
from imagewikiqa.builders.imagesets.entries import (
    Part,
    class_folder_parts,
    folder_parts,
    names_in,
    names_of,
)
from imagewikiqa.builders.imagesets.imagenet_labels import TrainLabels, ValLabels
from imagewikiqa.builders.imagesets.imagenet_rows import parquet_units
from imagewikiqa.builders.imagesets.imagenet_truth import read_truth
from imagewikiqa.builders.imagesets.protocol import Unit
from imagewikiqa.builders.imagesets.root import Root
from imagewikiqa.builders.imagesets.units import LayoutSet, notes, units_of
from imagewikiqa.builders.imagesets.verdicts import Refusal
from imagewikiqa.core.classes import load_classes

TRAIN_TAR, VAL_TAR = "ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar"
EXPECTED = (
    f"train/n01440764/*.JPEG or {TRAIN_TAR}, val/*.JPEG or {VAL_TAR}, Kaggle's"
    " ILSVRC/Data/CLS-LOC, or data/train-*.parquet"
)
_KAGGLE = ("ILSVRC/Data/CLS-LOC", "Data/CLS-LOC")
_CLASS_TAR = re.compile(r"(n[0-9]{8})\.tar")
_UNLABELLED = Refusal("test images have no labels", "none were published")
_Note = tuple[str, Refusal]


def open_imagenet(root: Root) -> LayoutSet:
    """Open ImageNet in any of its layouts, train or val or both; raise ToolkitError for another."""
    classes = load_classes("imagenet")
    wnids = tuple(entry.id for entry in classes)
    labels = ValLabels(wnids, read_truth(root, wnids))
    units = [*_train(root, TrainLabels(frozenset(wnids))), *_val(root, labels)]
    if not root.only:
        units += parquet_units(root, labels)
    if not units:
        raise root.lacks("images of ImageNet", EXPECTED)
    found = (*units, *notes("test", _test(root)))
    return LayoutSet(name="imagenet", classes=classes, found=found)


def _folder(root: Root, name: str, *others: str) -> Path | None:
    return root.images(name, *others, *(f"{tree}/{name}" for tree in _KAGGLE))


def _train(root: Root, labels: TrainLabels) -> list[Unit]:
    folder, tar = _folder(root, "train"), root.archive(TRAIN_TAR)
    if folder is None and not root.only and any(map(_is_class, names_in(root.folder))):
        folder = root.folder  # the user named the training folder itself
    if folder is not None:
        parts, found = _class_folders(folder)
        if tar is not None:
            found.append((tar.name, Refusal("same images in a folder beside it", "train")))
        return [*units_of(parts, labels), *notes("train", found)]
    if tar is None:
        return []
    parts, found = [], []
    for member, part in tars_within(tar):
        match = _CLASS_TAR.fullmatch(plain(member.name))
        if match is None or member.problem:
            found.append((member.name, Refusal(member.problem or "not the tar of a class")))
        else:
            parts.append(_of_class(part, match[1]))
    return [*units_of(parts, labels), *notes("train", found)]


def _is_class(name: str) -> bool:
    return re.fullmatch(r"n[0-9]{8}(\.tar)?", name) is not None


def _of_class(part: TarPart, wnid: str) -> TarPart:
    return TarPart(
        id=f"train/{wnid}.tar",
        archive=part.archive,
        prefix=f"train/{wnid}/",
        start=part.start,
        limit=part.limit,
    )


def _class_folders(folder: Path) -> tuple[list[Part], list[_Note]]:
    """Return the class folders of a training folder, and the class tars that lie packed in it."""
    parts: list[Part] = []
    folders, strays = class_folder_parts(folder, "train/")
    parts += folders
    unpacked = {part.prefix.split("/")[1] for part in folders}
    found: list[_Note] = []
    for name, refusal in strays:
        file = name.removeprefix("train/")
        match = _CLASS_TAR.fullmatch(file)
        if match and match[1] in unpacked:
            found.append((name, Refusal("same images in a folder beside it", match[1])))
        elif match and (folder / file).is_file():
            packed = Packed(path=folder / file)
            parts.append(_of_class(TarPart(id="", archive=packed), match[1]))
        else:
            found.append((name, refusal))
    return parts, found


def _val(root: Root, labels: ValLabels) -> list[Unit]:
    folder, tar = _folder(root, "val", "validation"), root.archive(VAL_TAR)
    if folder is None:
        return units_of(tar_parts(tar, "val/"), labels) if tar else []
    beside = [(VAL_TAR, Refusal("same images in a folder beside it", "val"))] if tar else []
    if not any(_is_class(name) for name in names_in(folder)):
        return [*units_of(folder_parts(folder, "val/"), labels), *notes("val", beside)]
    parts, strays = class_folder_parts(folder, "val/")
    first: Counter[str] = Counter()
    repeated = set()
    for name in names_of(parts):
        file = name.rpartition("/")[2]
        first[file] += 1
        if first[file] > 1:
            repeated.add(name)
    labels = ValLabels(labels.wnids, labels.truth, frozenset(repeated))
    return [*units_of(parts, labels), *notes("val", [*strays, *beside])]


def _test(root: Root) -> list[_Note]:
    if root.only:
        return []
    names = ["test", *(f"{tree}/test" for tree in _KAGGLE)]
    names += ["ILSVRC2012_img_test.tar", "ILSVRC2012_img_test_v10102019.tar"]
    return [(name, _UNLABELLED) for name in names if (root.folder / name).exists()]
