"""Stanford Cars is read in both official layouts, from archives, and from the mirrors' folders."""

import json
from pathlib import Path

import pytest

from imagewikiqa.builders.imagesets.open import open_image_set
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.errors import ToolkitError
from tests.builders.imagesets.layouts import (
    Files,
    car_half,
    car_meta,
    car_names,
    car_whole,
    picture,
    pictures,
    put,
    read_all,
    tgz,
)

TRAIN = [14, 3, 91, 196, 1]
TEST = [181, 103, 145]


def images(folder: str, count: int, digits: int = 5) -> Files:
    return pictures(f"{folder}/{number:0{digits}d}.jpg" for number in range(1, count + 1))


def annotations() -> Files:
    return {
        "devkit/cars_train_annos.mat": car_half(TRAIN),
        "devkit/cars_test_annos.mat": car_half(None, len(TEST)),
        "devkit/cars_meta.mat": car_meta(car_names()),
        "cars_test_annos_withlabels.mat": car_half(TEST),
    }


def official() -> Files:
    return annotations() | images("cars_train", len(TRAIN)) | images("cars_test", len(TEST))


def test_the_official_halves_are_read_with_their_labels(tmp_path: Path) -> None:
    whole = read_all(open_image_set(f"stanford_cars:{put(tmp_path, official())}"), tmp_path)
    assert whole.rejects == []
    assert whole.splits == {"train": 5, "test": 3}
    assert whole.images["cars_train/00004.jpg"] == (
        "car-196",
        "train",
        picture("cars_train/00004.jpg"),
    )
    assert whole.images["cars_test/00001.jpg"][:2] == ("car-181", "test")


def test_archives_and_mirrors_of_the_halves_give_the_same_images(tmp_path: Path) -> None:
    first = read_all(open_image_set(f"stanford_cars:{put(tmp_path / 'a', official())}"), tmp_path)
    notes = annotations()
    packed = {
        "cars_train.tgz": tgz(images("cars_train", len(TRAIN)), ["cars_train"]),
        "cars_test.tgz": tgz(images("cars_test", len(TEST)), ["cars_test"]),
        "car_devkit.tgz": tgz({n: d for n, d in notes.items() if n.startswith("devkit/")}),
        "cars_test_annos_withlabels.mat": notes["cars_test_annos_withlabels.mat"],
    }
    nested = notes | {
        f"{name.split('/')[0]}/{name}": data
        for name, data in official().items()
        if name.endswith(".jpg")
    }
    for number, files in enumerate((packed, nested)):
        folder = put(tmp_path / str(number), files)
        assert read_all(open_image_set(f"stanford_cars:{folder}"), tmp_path) == first
    under = put(tmp_path / "up/stanford_cars", official()).parent
    assert read_all(open_image_set(f"stanford_cars:{under}"), tmp_path) == first


def test_the_single_list_gives_class_and_split(tmp_path: Path) -> None:
    rows = [(14, False), (3, True), (196, False)]
    notes = {"cars_annos.mat": car_whole(rows, car_names())}
    folder = put(tmp_path / "a", notes | images("car_ims", 3, 6))
    packed = put(tmp_path / "b", notes | {"car_ims.tgz": tgz(images("car_ims", 3, 6))})
    whole = read_all(open_image_set(f"stanford_cars:{folder}"), tmp_path)
    assert whole.rejects == []
    assert [row[:2] for row in whole.images.values()] == [
        ("car-014", "train"),
        ("car-003", "test"),
        ("car-196", "train"),
    ]
    assert read_all(open_image_set(f"stanford_cars:{packed}"), tmp_path) == whole


@pytest.mark.parametrize("top", ["", "car_data/car_data/"])
def test_folders_by_class_name_are_read_and_the_slash_in_a_name_is_no_trap(
    tmp_path: Path, top: str
) -> None:
    ids = {entry.id for entry in load_classes("stanford_cars")}
    on_disk = [name.replace("/", "-") for name in car_names()]
    assert "Ram C-V Cargo Van Minivan 2012" in on_disk
    files = pictures(f"{top}train/{name}/00001.jpg" for name in on_disk)
    files |= pictures([f"{top}test/Ram C_V Cargo Van Minivan 2012/00002.jpg"])
    files |= pictures([f"{top}test/Ram CV Cargo Van/00003.jpg", f"{top}test/readme.txt"])
    whole = read_all(open_image_set(f"stanford_cars:{put(tmp_path, files)}"), tmp_path)
    train = [class_id for class_id, split, _ in whole.images.values() if split == "train"]
    assert (len(train), set(train)) == (196, ids)
    ram = whole.images["train/Ram C-V Cargo Van Minivan 2012/00001.jpg"][0]
    assert whole.images["test/Ram C_V Cargo Van Minivan 2012/00002.jpg"][0] == ram
    assert whole.reasons == {
        "test/Ram CV Cargo Van/00003.jpg": "no class for this folder",
        "test/readme.txt": "file outside a class folder",
    }


def test_test_images_without_published_labels_are_rejected_one_by_one(tmp_path: Path) -> None:
    files = official()
    del files["cars_test_annos_withlabels.mat"]
    whole = read_all(open_image_set(f"stanford_cars:{put(tmp_path, files)}"), tmp_path)
    assert whole.splits == {"train": 5}
    assert whole.reasons == {f"cars_test/{n:05d}.jpg": "no label for this file" for n in (1, 2, 3)}


def test_missing_and_unlisted_images_are_rejected(tmp_path: Path) -> None:
    files = official()
    del files["cars_train/00002.jpg"]
    files |= {"cars_train/00009.jpg": b"x"}
    whole = read_all(open_image_set(f"stanford_cars:{put(tmp_path, files)}"), tmp_path)
    assert whole.reasons == {
        "cars_train/00002.jpg": "missing file",
        "cars_train/00009.jpg": "no label for this file",
    }


def test_classes_in_another_order_are_refused(tmp_path: Path) -> None:
    names = car_names()
    names[3], names[4] = names[4], names[3]
    files = official() | {"devkit/cars_meta.mat": car_meta(names)}
    with pytest.raises(ToolkitError, match=r"'Acura TSX Sedan 2012' at another place"):
        open_image_set(f"stanford_cars:{put(tmp_path, files)}")
    files["devkit/cars_meta.mat"] = car_meta(names[:195])
    with pytest.raises(ToolkitError, match="has 195 class names|at another place"):
        open_image_set(f"stanford_cars:{put(tmp_path, files)}")


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("devkit/cars_train_annos.mat", car_half([0, 1]), "a class that is not from 1 to 196"),
        ("devkit/cars_train_annos.mat", car_half([197]), "a class that is not from 1 to 196"),
        ("devkit/cars_train_annos.mat", car_half(None, 3), "no list 'annotations' with fname, cl"),
        ("cars_test_annos_withlabels.mat", b"no mat", "is no usable MATLAB 5 file"),
    ],
)
def test_annotations_of_another_shape_are_refused(
    tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    folder = put(tmp_path, official() | {name: data})
    with pytest.raises(ToolkitError, match=words):
        open_image_set(f"stanford_cars:{folder}")


def test_missing_files_are_named_with_the_layout(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match=r"holds no images of Stanford Cars; expected is cars_t"):
        open_image_set(f"stanford_cars:{tmp_path}")
    put(tmp_path / "a", images("cars_train", 1))
    with pytest.raises(ToolkitError, match=r"holds no cars_train_annos.mat for the images in car"):
        open_image_set(f"stanford_cars:{tmp_path / 'a'}")
    put(tmp_path / "b", images("car_ims", 1))
    with pytest.raises(ToolkitError, match=r"holds no cars_annos.mat for the images in car_ims"):
        open_image_set(f"stanford_cars:{tmp_path / 'b'}")


def test_the_whole_set_has_the_split_of_the_papers_list(tmp_path: Path, shared_data: Path) -> None:
    lines = (shared_data / "vlmclassifier_lists/cars.jsonl").read_text().splitlines()
    rows = sorted((json.loads(line) for line in lines), key=lambda row: row["image"])
    names = json.loads((shared_data / "vlmclassifier_lists/cars_classes.json").read_text())
    number_of = {name: number for number, name in enumerate(names, 1)}
    halves = {
        s: [number_of[r["label"]] for r in rows if r["split"] == s] for s in ("train", "test")
    }
    put(tmp_path, {"cars_train_annos.mat": car_half(halves["train"])})
    put(tmp_path, {"cars_test_annos_withlabels.mat": car_half(halves["test"])})
    put(tmp_path, {row["image"].partition("StanfordCars/")[2]: b"pixels" for row in rows})
    whole = read_all(open_image_set(f"stanford_cars:{tmp_path}"), tmp_path)
    assert whole.splits == {"train": 8144, "test": 8041}
    assert whole.rejects == []
    for row in rows[::700]:
        class_id, split, _ = whole.images[row["image"].partition("StanfordCars/")[2]]
        assert (class_id, split) == (f"car-{number_of[row['label']]:03d}", row["split"])
