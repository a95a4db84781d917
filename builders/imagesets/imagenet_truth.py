"""The ground truth of ImageNet's validation images, from whatever official file lies by them.

The development kit numbers the classes 1 to 1,000 in an order of its own, which meta.mat explains:
taking these numbers for positions in the label order mislabels almost every image.
"""

import csv
import io

from imagewikiqa.builders.imagenet_val import val_labels
from imagewikiqa.builders.imagesets.imagenet_labels import packed_truth
from imagewikiqa.builders.imagesets.matfiles import load_mat, rows_of, whole_numbers
from imagewikiqa.builders.imagesets.root import Found, Root, text_of
from imagewikiqa.core.errors import ToolkitError

DEVKIT = "ILSVRC2012_devkit_t12"
TRUTH = "ILSVRC2012_validation_ground_truth.txt"
SOLUTION = "LOC_val_solution.csv"
SYNSETS = ("imagenet_2012_validation_synset_labels.txt", "synset_labels.txt")
_AGAIN = "put the published file in its place, or take it away to use the packaged labels"


def read_truth(root: Root, wnids: tuple[str, ...]) -> bytes:
    """Return the class of every validation image, empty if no ground truth lies in the folder.

    Raises ToolkitError where a file is incomplete, or speaks against the packaged labels.
    """
    order = {wnid: index for index, wnid in enumerate(wnids)}
    truths: list[list[int]] = []
    for name, labels in (_devkit(root), _solution(root), _synsets(root)):
        if name:
            truths.append(_indices(name, labels, order))
    if any(truth != truths[0] for truth in truths):
        raise ToolkitError(
            f"two files in {root.given} give the validation images different labels; keep one of"
            f" {DEVKIT}, {SOLUTION} and {SYNSETS[0]}"
        )
    return packed_truth(truths[0]) if truths else b""


def _indices(name: str, labels: list[str], order: dict[str, int]) -> list[int]:
    images = val_labels()
    if len(labels) != len(images):
        raise ToolkitError(
            f"{name} labels {len(labels):,} validation images, not {len(images):,}; {_AGAIN}"
        )
    indices = [order.get(label, -1) for label in labels]
    for image, index, label in zip(images, indices, labels, strict=True):
        if index not in image.candidates:
            raise ToolkitError(
                f"{name} calls {image.name} {label!r}, which is not its ImageNet label; {_AGAIN}"
            )
    return indices


def _devkit(root: Root) -> tuple[str, list[str]]:
    folders = (f"{DEVKIT}.tar.gz:{DEVKIT}/data", f"{DEVKIT}/data", "devkit/data")
    found = root.notes(*(f"{folder}/{TRUTH}" for folder in folders), TRUTH)
    if found is None:
        return "", []
    meta = root.notes(*(f"{folder}/meta.mat" for folder in folders), "meta.mat")
    if meta is None:
        raise root.lacks(f"meta.mat for {TRUTH}", f"both in {DEVKIT}.tar.gz or {DEVKIT}/data")
    wnid_of = _wnids_by_id(meta)
    numbers = text_of(found).split()
    return found.name, [wnid_of.get(number, f"class {number}") for number in numbers]


def _wnids_by_id(meta: Found) -> dict[str, str]:
    """Return the WordNet id of each class number; inner nodes of the tree are no classes."""
    rows = rows_of(load_mat(meta), "synsets", ("ILSVRC2012_ID", "WNID", "num_children"))
    if not rows:
        raise ToolkitError(f"{meta.name} holds no list 'synsets' of classes; {_AGAIN}")
    leaves = [row for row in rows if whole_numbers(row["num_children"]) == [0]]
    return {
        str(number): str(row["WNID"])
        for row in leaves
        for number in whole_numbers(row["ILSVRC2012_ID"]) or []
    }


def _solution(root: Root) -> tuple[str, list[str]]:
    """Read "ImageId,PredictionString", where the string begins with the WordNet id."""
    found = root.notes(SOLUTION, f"ILSVRC/{SOLUTION}", f"../../../{SOLUTION}")
    if found is None:
        return "", []
    try:
        rows = list(csv.DictReader(io.StringIO(text_of(found), newline=""), strict=True))
        by_image = {row["ImageId"]: row["PredictionString"].split()[0] for row in rows}
    except (csv.Error, KeyError, IndexError, AttributeError, TypeError) as error:
        raise ToolkitError(
            f"{found.name} is not a table of ImageId and PredictionString; {_AGAIN}"
        ) from error
    known = [by_image.get(image.name.removesuffix(".JPEG")) for image in val_labels()]
    return found.name, [label for label in known if label is not None]


def _synsets(root: Root) -> tuple[str, list[str]]:
    found = root.notes(*SYNSETS)
    return ("", []) if found is None else (found.name, text_of(found).split())
