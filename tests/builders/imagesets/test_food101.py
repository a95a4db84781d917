"""Food-101 is read from its folder and its archive, with the split of its lists."""

import json
from pathlib import Path

import pytest

from imagewikiqa.builders.imagesets.open import open_image_set
from imagewikiqa.core.errors import ToolkitError
from tests.builders.imagesets.layouts import Files, picture, pictures, put, read_all, tgz

TRAIN = ["apple_pie/1005649", "apple_pie/1014775", "waffles/1"]
TEST = ["apple_pie/1011328", "waffles/22", "macarons/3"]


def meta(train: list[str] = TRAIN, test: list[str] = TEST, kinds: str = "both") -> Files:
    files: Files = {"meta/classes.txt": b"apple_pie\nwaffles\n", "README.txt": b"x"}
    for split, entries in (("train", train), ("test", test)):
        lists: dict[str, list[str]] = {}
        for entry in entries:
            lists.setdefault(entry.split("/")[0], []).append(entry)
        if kinds in ("both", "txt"):
            files[f"meta/{split}.txt"] = "\n".join([*entries, ""]).encode()
        if kinds in ("both", "json"):
            files[f"meta/{split}.json"] = json.dumps(lists).encode()
    return files


def images() -> Files:
    return pictures(f"images/{entry}.jpg" for entry in [*TRAIN, *TEST])


@pytest.mark.parametrize("kinds", ["txt", "json", "both"])
def test_class_is_the_folder_and_split_the_list(tmp_path: Path, kinds: str) -> None:
    folder = put(tmp_path, meta(kinds=kinds) | images())
    whole = read_all(open_image_set(f"food101:{folder}"), tmp_path)
    assert whole.rejects == []
    assert whole.splits == {"train": 3, "test": 3}
    name = "images/apple_pie/1011328.jpg"
    assert whole.images[name] == ("apple_pie", "test", picture(name))


def test_the_archive_gives_the_same_images_wherever_its_lists_lie(tmp_path: Path) -> None:
    put(tmp_path / "a/food-101", meta() | images())
    first = read_all(open_image_set(f"food101:{tmp_path / 'a'}"), tmp_path)
    for number, files in enumerate((meta() | images(), images() | meta())):
        inside = {f"food-101/{name}": data for name, data in files.items()}
        spec = put(tmp_path / str(number), {"food-101.tar.gz": tgz(inside, ["food-101"])})
        whole = read_all(open_image_set(f"food101:{spec}"), tmp_path)
        assert whole.images == first.images
        assert set(whole.reasons.values()) == {"not an image of the set"}
        assert set(whole.reasons) == set(meta())  # the lists and the read-me, named one by one


def test_unlisted_missing_and_strange_files_are_rejected_alike(tmp_path: Path) -> None:
    files = images() | pictures(["images/waffles/9.jpg", "images/waffles/9.png"])
    del files["images/macarons/3.jpg"]
    expected = {
        "images/waffles/9.jpg": "no label for this file",
        "images/waffles/9.png": "not an image of the set",
        "images/macarons/3.jpg": "missing file",
    }
    folder = put(tmp_path / "a", meta() | files)
    assert read_all(open_image_set(f"food101:{folder}"), tmp_path).reasons == expected
    inside = {f"food-101/{name}": data for name, data in (meta() | files).items()}
    packed = put(tmp_path / "b", {"food-101.tar.gz": tgz(inside)})
    reasons = read_all(open_image_set(f"food101:{packed}"), tmp_path).reasons
    assert {name: why for name, why in reasons.items() if name.startswith("images/")} == expected


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("meta/train.txt", "apple_pie/../../x\n", "which is not CLASS/NUMBER"),
        ("meta/test.txt", "apple_pie/1005649\n", "lists 'apple_pie/1005649', twice"),
        ("meta/test.txt", "gruel/1\n", "names the class 'gruel', which is none of the 101"),
    ],
)
def test_wrong_lists_are_refused(tmp_path: Path, name: str, text: str, words: str) -> None:
    put(tmp_path, meta() | images() | {name: text.encode()})
    with pytest.raises(ToolkitError, match=words):
        open_image_set(f"food101:{tmp_path}")


@pytest.mark.parametrize("text", ["[1, 2]", "{", '{"a": 3}', "[" * 100_000])
def test_a_list_that_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    put(tmp_path, meta(kinds="json") | images() | {"meta/test.json": text.encode()})
    with pytest.raises(ToolkitError, match="test.json of Food-101 is not an object of lists"):
        open_image_set(f"food101:{tmp_path}")


def test_missing_parts_are_named_with_the_layout(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match="holds no images of Food-101; expected is images/apple"):
        open_image_set(f"food101:{tmp_path}")
    put(tmp_path, images())
    with pytest.raises(ToolkitError, match=r"holds no meta/train.txt or meta/train.json of Food-1"):
        open_image_set(f"food101:{tmp_path}")
