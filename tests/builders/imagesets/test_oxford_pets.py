"""Oxford-IIIT Pets takes classes from the annotations and rejects what they leave out."""

from pathlib import Path

import pytest

from imagewikiqa.builders.imagesets.open import open_image_set
from imagewikiqa.core.errors import ToolkitError
from tests.builders.imagesets.layouts import Files, pet_list, picture, pictures, put, read_all, tgz

TRAIN = [("Abyssinian_100", 1), ("american_bulldog_100", 2), ("Egyptian_Mau_14", 12)]
TEST = [("Abyssinian_34", 1), ("yorkshire_terrier_9", 37)]


def notes(train: list[tuple[str, int]] = TRAIN, test: list[tuple[str, int]] = TEST) -> Files:
    return {
        "annotations/README": b"read me",
        "annotations/list.txt": pet_list([*train, *test], header=True),
        "annotations/trainval.txt": pet_list(train),
        "annotations/test.txt": pet_list(test),
        "annotations/trimaps/Abyssinian_100.png": b"x",
    }


def images() -> Files:
    return pictures(f"images/{name}.jpg" for name, _ in [*TRAIN, *TEST])


def test_class_and_split_come_from_the_annotations(tmp_path: Path) -> None:
    whole = read_all(open_image_set(f"oxford_pets:{put(tmp_path, notes() | images())}"), tmp_path)
    assert whole.rejects == []
    assert whole.splits == {"train": 3, "test": 2}
    assert whole.images["images/american_bulldog_100.jpg"] == (
        "american_bulldog",
        "train",
        picture("images/american_bulldog_100.jpg"),
    )
    assert whole.images["images/Egyptian_Mau_14.jpg"][0] == "egyptian_mau"


def test_archives_give_the_same_set_and_the_same_rejects(tmp_path: Path) -> None:
    odd = images() | pictures(["images/Abyssinian_5.jpg", "images/Abyssinian_101.mat"])
    del odd["images/Abyssinian_34.jpg"]
    folder = put(tmp_path / "a", notes() | odd)
    whole = read_all(open_image_set(f"oxford_pets:{folder}"), tmp_path)
    assert whole.reasons == {
        "images/Abyssinian_5.jpg": "no label for this file",
        "images/Abyssinian_101.mat": "not an image of the set",
        "images/Abyssinian_34.jpg": "missing file",
    }
    packed = {"images.tar.gz": tgz(odd, ["images"]), "annotations.tar.gz": tgz(notes())}
    for spec in (
        put(tmp_path / "b", packed),
        put(tmp_path / "c", {"images.tar.gz": packed["images.tar.gz"]} | notes()) / "images.tar.gz",
        put(tmp_path / "d/oxford-iiit-pet", notes() | odd).parent,
    ):
        found = read_all(open_image_set(f"oxford_pets:{spec}"), tmp_path)
        assert (found.images, found.reasons) == (whole.images, whole.reasons)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("trainval.txt", "Abyssinian_100 2 1 1\n", "line 1: the line gives Abyssinian_100 the cla"),
        ("trainval.txt", "Abyssinian_100 99 1 1\n", "gives Abyssinian_100 the class 99"),
        ("test.txt", "\nAbyssinian_100 1 1 1\n", "line 2: the line lists Abyssinian_100 again"),
        ("test.txt", "../../etc/passwd 1 1 1\n", "is not 'IMAGE CLASS-ID SPECIES BREED-ID'"),
        ("test.txt", "\udcff", "is not a text"),
    ],
)
def test_wrong_annotations_are_refused_by_line(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    data = text.encode("utf-8", "surrogateescape")
    put(tmp_path, notes() | images() | {f"annotations/{name}": data})
    with pytest.raises(ToolkitError, match=words):
        open_image_set(f"oxford_pets:{tmp_path}")


def test_missing_parts_are_named_with_the_layout(tmp_path: Path) -> None:
    put(tmp_path / "a", images())
    with pytest.raises(ToolkitError, match=r"holds no trainval.txt of Oxford-IIIT Pets; expected"):
        open_image_set(f"oxford_pets:{tmp_path / 'a'}")
    put(tmp_path / "b", notes())
    with pytest.raises(ToolkitError, match="holds no images of Oxford-IIIT Pets; expected is imag"):
        open_image_set(f"oxford_pets:{tmp_path / 'b'}")
