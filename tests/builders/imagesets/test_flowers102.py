"""Flowers102 is read from its folder and its archive alike, with the official three splits."""

import json
from collections import Counter
from pathlib import Path

import pytest

from imagewikiqa.builders.imagesets.open import open_image_set
from imagewikiqa.core.errors import ToolkitError
from tests.builders.imagesets.layouts import (
    Files,
    flower_images,
    flower_notes,
    mat,
    picture,
    put,
    read_all,
    tgz,
)

LABELS = [77, 77, 1, 102, 5, 5, 5, 60, 61, 62]
SPLITS = {"trnid": [2, 4], "valid": [6, 1], "tstid": [3, 5, 7, 8, 9, 10]}


def notes() -> Files:
    return flower_notes(LABELS, SPLITS)


def test_a_folder_gives_class_and_split_of_every_image(tmp_path: Path) -> None:
    put(tmp_path, notes() | flower_images(10))
    found = open_image_set(f"flowers102:{tmp_path}")
    whole = read_all(found, tmp_path)
    assert (found.name, len(found.classes), whole.rejects) == ("flowers102", 102, [])
    assert whole.images["jpg/image_00004.jpg"] == (
        "flower-102",
        "train",
        picture("jpg/image_00004.jpg"),
    )
    assert whole.images["jpg/image_00001.jpg"][:2] == ("flower-077", "val")
    assert whole.splits == {"train": 2, "val": 2, "test": 6}


def test_the_archive_gives_the_same_images(tmp_path: Path) -> None:
    folder = put(tmp_path / "folder", notes() | flower_images(10))
    packed = put(tmp_path / "packed", notes() | {"102flowers.tgz": tgz(flower_images(10), ["jpg"])})
    torchvision = put(tmp_path / "up/flowers-102", notes() | flower_images(10)).parent
    first = read_all(open_image_set(f"flowers102:{folder}"), tmp_path)
    for spec in (packed, packed / "102flowers.tgz", torchvision):
        assert read_all(open_image_set(f"flowers102:{spec}"), tmp_path) == first


def test_an_archive_beside_its_folder_is_not_read_but_named(tmp_path: Path) -> None:
    images = flower_images(10)
    put(tmp_path, notes() | images | {"102flowers.tgz": tgz(images)})
    whole = read_all(open_image_set(f"flowers102:{tmp_path}"), tmp_path)
    assert len(whole.images) == 10
    assert whole.reasons == {"102flowers.tgz": "same images in a folder beside it"}


def test_whatever_is_no_image_of_the_set_is_rejected_in_both_forms(tmp_path: Path) -> None:
    images = flower_images(12)
    del images["jpg/image_00003.jpg"]
    images |= {"jpg/notes.txt": b"x", "jpg/.DS_Store": b"x", "jpg/image_1.jpg": b"x"}
    wrong = flower_notes([*LABELS, 9], SPLITS)
    folder = put(tmp_path / "folder", wrong | images)
    packed = put(tmp_path / "packed", wrong | {"102flowers.tgz": tgz(images)})
    reasons = {
        "jpg/.DS_Store": "system file",
        "jpg/notes.txt": "not an image of the set",
        "jpg/image_1.jpg": "not an image of the set",
        "jpg/image_00003.jpg": "missing file",
        "jpg/image_00011.jpg": "no split for this file",
        "jpg/image_00012.jpg": "no label for this file",
    }
    for spec in (folder, packed):
        whole = read_all(open_image_set(f"flowers102:{spec}"), tmp_path)
        assert whole.reasons == reasons
        assert len(whole.images) == 9


def test_a_missing_file_is_named_with_the_layout(tmp_path: Path) -> None:
    put(tmp_path, flower_images(1))
    with pytest.raises(ToolkitError, match=r"holds no imagelabels.mat .* expected is jpg/image_0"):
        open_image_set(f"flowers102:{tmp_path}")
    put(tmp_path / "b", notes())
    with pytest.raises(ToolkitError, match=r"holds no images of Flowers102; expected is jpg/"):
        open_image_set(f"flowers102:{tmp_path / 'b'}")


@pytest.mark.parametrize(
    ("name", "variables", "words"),
    [
        ("imagelabels.mat", {"labels": [[1, 103]]}, "'labels' of whole numbers from 1 to 102"),
        ("imagelabels.mat", {"labels": [[0, 1]]}, "'labels' of whole numbers"),
        ("imagelabels.mat", {"labels": [[1.5]]}, "'labels' of whole numbers"),
        ("imagelabels.mat", {"labels": [[1, 2], [3, 4]]}, "'labels' of whole numbers"),
        ("imagelabels.mat", {"labels": "roses"}, "'labels' of whole numbers"),
        ("imagelabels.mat", {"other": [[1]]}, "'labels' of whole numbers"),
        ("setid.mat", {**SPLITS, "tstid": [11]}, "'tstid' of whole numbers from 1 to 10"),
        ("setid.mat", {**SPLITS, "tstid": [2]}, "puts image 2 in two splits"),
    ],
)
def test_annotations_of_another_shape_are_refused(
    tmp_path: Path, name: str, variables: dict[str, object], words: str
) -> None:
    put(tmp_path, notes() | flower_images(10) | {name: mat(variables)})
    with pytest.raises(ToolkitError, match=words):
        open_image_set(f"flowers102:{tmp_path}")


def test_the_whole_set_has_the_split_of_the_papers_list(tmp_path: Path, shared_data: Path) -> None:
    lines = (shared_data / "vlmclassifier_lists/flowers.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    names = json.loads((shared_data / "vlmclassifier_lists/flowers_classes.json").read_text())
    number_of = {name: number for number, name in enumerate(names, 1)}
    train = [n for n, row in enumerate(rows, 1) if row["split"] == "train"]
    test = [n for n, row in enumerate(rows, 1) if row["split"] == "test"]
    splits = {"trnid": train[::2], "valid": train[1::2], "tstid": test}
    labels = [number_of[row["label"]] for row in rows]
    put(tmp_path, flower_notes(labels, splits))
    put(tmp_path, {row["image"].partition("Flowers102/")[2]: b"pixels" for row in rows})
    whole = read_all(open_image_set(f"flowers102:{tmp_path}"), tmp_path)
    assert whole.splits == {"train": 1020, "val": 1020, "test": 6149}
    assert whole.rejects == []
    classes = Counter(class_id for class_id, _, _ in whole.images.values())
    assert len(classes) == 102
    for row in rows[::500]:
        class_id, split, _ = whole.images[row["image"].partition("Flowers102/")[2]]
        assert class_id == f"flower-{number_of[row['label']]:03d}"
        assert (split == "test") == (row["split"] == "test")
