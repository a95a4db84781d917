"""ImageNet is read alike from folders, tars within tars, Kaggle's tree and class folders."""

from collections import Counter
from pathlib import Path

import pytest

from imagewikiqa.builders.imagenet_val import val_labels
from imagewikiqa.builders.imagesets.open import open_image_set
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.errors import ToolkitError
from tests.builders.imagesets.layouts import (
    DEVKIT,
    Files,
    devkit,
    devkit_ids,
    picture,
    pictures,
    put,
    read_all,
    solution,
    tarred,
    tgz,
)

WNIDS = [entry.id for entry in load_classes("imagenet")]
# The packaged labels leave 200 images open between two classes of one name: 50 go to each.
OPEN = sorted((i.candidates, i.number) for i in val_labels() if len(i.candidates) > 1)
CHOSEN = {n: pair[rank % 100 // 50] for rank, (pair, n) in enumerate(OPEN)}
TRUTH = [WNIDS[CHOSEN.get(i.number, i.candidates[0])] for i in val_labels()]
CRANES = ("n01440764", "n02012849", "n03126707")
AMBIGUOUS = next(image for image in val_labels() if image.label is None)
NUMBERS = [1, 2, 293, AMBIGUOUS.number]
TRAIN = [f"{wnid}/{wnid}_{number}.JPEG" for wnid in CRANES for number in (36, 1009)]
VAL = [f"ILSVRC2012_val_{number:08d}.JPEG" for number in NUMBERS]
FOUND = {f"train/{name}": name[:9] for name in TRAIN} | {
    f"val/{name}": TRUTH[number - 1] for name, number in zip(VAL, NUMBERS, strict=True)
}


def train(prefix: str = "train/", names: list[str] = TRAIN) -> Files:
    return {f"{prefix}{name}": picture(f"train/{name}") for name in names}


def val(prefix: str = "val/") -> Files:
    return {f"{prefix}{name}": picture(f"val/{name}") for name in VAL}


def class_tars(prefix: str = "") -> Files:
    inside = {wnid: train("", [n for n in TRAIN if n.startswith(wnid)]) for wnid in CRANES}
    return {
        f"{prefix}{wnid}.tar": tarred({name[10:]: data for name, data in files.items()})
        for wnid, files in inside.items()
    }


def train_tar() -> Files:
    return {"ILSVRC2012_img_train.tar": tarred(class_tars())}


def val_tar() -> Files:
    return {"ILSVRC2012_img_val.tar": tarred(val(""))}


def kit() -> Files:
    return {f"{DEVKIT}.tar.gz": tgz(devkit(TRUTH))}


def by_class(prefix: str = "val/") -> Files:
    files = zip(VAL, NUMBERS, strict=True)
    return {f"{prefix}{TRUTH[n - 1]}/{name}": picture(f"val/{name}") for name, n in files}


KAGGLE = "ILSVRC/Data/CLS-LOC/"
LAYOUTS = {
    "folders": train() | val() | kit(),
    "unpacked kit": train() | val() | devkit(TRUTH),
    "tars": train_tar() | val_tar() | kit(),
    "class tars in a folder": class_tars("train/") | val() | kit(),
    "class tars and folders": train(names=TRAIN[:2])
    | {n: d for n, d in class_tars("train/").items() if "n01440764" not in n}
    | val()
    | kit(),
    "Kaggle": train(f"{KAGGLE}train/")
    | val(f"{KAGGLE}val/")
    | {"LOC_val_solution.csv": solution(TRUTH)},
    "class folders": train() | by_class(),
    "synset labels": train()
    | val()
    | {"imagenet_2012_validation_synset_labels.txt": "\n".join(TRUTH).encode()},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_gives_the_same_addresses_classes_and_bytes(
    tmp_path: Path, layout: str
) -> None:
    whole = read_all(open_image_set(f"imagenet:{put(tmp_path, LAYOUTS[layout])}"), tmp_path)
    assert whole.rejects == []
    assert {name: row[0] for name, row in whole.images.items()} == FOUND
    for name, (_, split, data) in whole.images.items():
        assert (split, data) == (name.split("/")[0], picture(name))


def test_the_class_numbers_of_the_development_kit_are_not_taken_for_label_order() -> None:
    ids = devkit_ids()
    assert sum(ids[wnid] != index + 1 for index, wnid in enumerate(WNIDS)) > 990


def test_a_ground_truth_in_the_wrong_order_is_refused(tmp_path: Path) -> None:
    # What a reader does that takes the numbers of the kit for positions in the label order.
    ids = devkit_ids()
    trap = [WNIDS[ids[wnid] - 1] for wnid in TRUTH]
    put(tmp_path, val() | {"LOC_val_solution.csv": solution(trap)})
    with pytest.raises(ToolkitError, match=r"calls ILSVRC2012_val_00000001.JPEG 'n\d+', which is"):
        open_image_set(f"imagenet:{tmp_path}")


def test_without_a_ground_truth_the_packaged_labels_decide_all_but_168(tmp_path: Path) -> None:
    whole = read_all(open_image_set(f"imagenet:{put(tmp_path, val())}"), tmp_path)
    assert whole.reasons == {f"val/{AMBIGUOUS.name}": "ambiguous label"}
    assert whole.images[f"val/{VAL[0]}"][0] == TRUTH[0] == "n01751748"
    assert sum(image.label is None for image in val_labels()) == 168


def test_the_whole_validation_set_has_fifty_images_of_each_class(tmp_path: Path) -> None:
    names = [image.name for image in val_labels()]
    put(tmp_path, {"ILSVRC2012_img_val.tar": tarred(dict.fromkeys(names, b""))} | kit())
    found = open_image_set(f"imagenet:{tmp_path}")
    whole = read_all(found, tmp_path)
    assert len(found.units()) == 50
    counts = Counter(class_id for class_id, _, _ in whole.images.values())
    assert (len(counts), set(counts.values()), whole.rejects) == (1000, {50}, [])


def test_parts_alone_are_enough(tmp_path: Path) -> None:
    only = put(tmp_path / "a", val_tar() | train_tar())
    whole = read_all(open_image_set(f"imagenet:{only / 'ILSVRC2012_img_train.tar'}"), tmp_path)
    assert whole.splits == {"train": 6}
    whole = read_all(open_image_set(f"imagenet:{only / 'ILSVRC2012_img_val.tar'}"), tmp_path)
    assert whole.splits == {"val": 3}
    folder = put(tmp_path / "b", train(""))
    assert read_all(open_image_set(f"imagenet:{folder}"), tmp_path).splits == {"train": 6}
    tars = put(tmp_path / "c", class_tars())
    assert read_all(open_image_set(f"imagenet:{tars}"), tmp_path).splits == {"train": 6}


def test_whatever_is_no_labelled_image_is_rejected(tmp_path: Path) -> None:
    odd = pictures(
        [
            "train/n01440764/n02012849_7.JPEG",
            "train/n01440764/readme.txt",
            "train/n99999999/n99999999_1.JPEG",
            "train/stray.JPEG",
            "test/ILSVRC2012_test_00000001.JPEG",
            "val/ILSVRC2012_val_00050001.JPEG",
            "val/cat.JPEG",
        ]
    )
    odd |= {"ILSVRC2012_img_train.tar": b"", "train/n01440764.tar": b""}
    whole = read_all(
        open_image_set(f"imagenet:{put(tmp_path, train() | val() | kit() | odd)}"), tmp_path
    )
    assert len(whole.images) == len(FOUND)
    assert whole.reasons == {
        "ILSVRC2012_img_train.tar": "same images in a folder beside it",
        "train/n01440764.tar": "same images in a folder beside it",
        "train/n01440764/n02012849_7.JPEG": "label and file name disagree",
        "train/n01440764/readme.txt": "not an image of the set",
        "train/n99999999/n99999999_1.JPEG": "no class for this folder",
        "train/stray.JPEG": "file outside a class folder",
        "test": "test images have no labels",
        "val/ILSVRC2012_val_00050001.JPEG": "not an image of the set",
        "val/cat.JPEG": "not an image of the set",
    }


def test_validation_folders_that_speak_against_the_ground_truth_are_rejected(
    tmp_path: Path,
) -> None:
    files = by_class()
    files[f"val/n01440764/{VAL[1]}"] = b"sorted by the wrong numbers"
    files[f"val/n02012849/{VAL[0]}"] = b"again"
    files[f"val/{VAL[2]}"] = b"loose"
    whole = read_all(open_image_set(f"imagenet:{put(tmp_path, files)}"), tmp_path)
    assert whole.splits == {"val": 3}  # the copy in the wrong folder came first
    assert whole.reasons == {
        f"val/n01440764/{VAL[1]}": "label and ground truth disagree",
        f"val/{TRUTH[1]}/{VAL[1]}": "same name in another class folder",
        f"val/n02012849/{VAL[0]}": "same name in another class folder",
        f"val/{VAL[2]}": "file outside a class folder",
    }


def test_strange_members_of_the_training_tar_are_rejected(tmp_path: Path) -> None:
    inside = class_tars() | {"readme.txt": b"x", "n01440764x.tar": b"x"}
    put(tmp_path, {"ILSVRC2012_img_train.tar": tarred(inside)})
    whole = read_all(open_image_set(f"imagenet:{tmp_path}"), tmp_path)
    assert whole.splits == {"train": 6}
    assert set(whole.reasons.values()) == {"not the tar of a class"}


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({f"{DEVKIT}/data/ILSVRC2012_validation_ground_truth.txt": b"1\n"}, "holds no meta.mat"),
        ({"LOC_val_solution.csv": solution(TRUTH[:9])}, "labels 9 validation images, not 50,000"),
        ({"LOC_val_solution.csv": b"a,b\n1,2\n"}, "is not a table of ImageId and PredictionStri"),
        ({"synset_labels.txt": b"n01440764 " * 50_000}, "which is not its ImageNet label"),
        ({f"{DEVKIT}.tar.gz": b"x"}, "tar.gz is no tar|is cut"),
    ],
)
def test_a_broken_ground_truth_is_refused(tmp_path: Path, files: Files, words: str) -> None:
    with pytest.raises(ToolkitError, match=words):
        open_image_set(f"imagenet:{put(tmp_path, val() | files)}")


def test_two_ground_truths_that_differ_are_refused(tmp_path: Path) -> None:
    image = AMBIGUOUS
    other = list(TRUTH)
    other[image.number - 1] = next(
        WNIDS[index] for index in image.candidates if WNIDS[index] != TRUTH[image.number - 1]
    )
    put(tmp_path, val() | kit() | {"LOC_val_solution.csv": solution(other)})
    with pytest.raises(ToolkitError, match="give the validation images different labels; keep on"):
        open_image_set(f"imagenet:{tmp_path}")


def test_another_layout_is_refused_with_the_expected_ones(tmp_path: Path) -> None:
    put(tmp_path, {"a/b.JPEG": b"x"})
    with pytest.raises(ToolkitError, match=r"holds no images of ImageNet; expected is train/n0144"):
        open_image_set(f"imagenet:{tmp_path}")


def test_a_cut_tar_is_refused_when_the_set_is_opened(tmp_path: Path) -> None:
    for name, data in (train_tar() | val_tar()).items():
        put(tmp_path / name[:-4], {name: data[:-12_000]})
        with pytest.raises(ToolkitError, match=f"the archive {name} is cut after .* download it a"):
            open_image_set(f"imagenet:{tmp_path / name[:-4]}")
