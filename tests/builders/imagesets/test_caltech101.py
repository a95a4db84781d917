"""Caltech101 is read from folder, tar and zip; the twin face folder is rejected, photo by photo."""

import json
from pathlib import Path

import pytest

from imagewikiqa.builders.imagesets.open import open_image_set
from imagewikiqa.core.errors import ToolkitError
from tests.builders.imagesets.layouts import picture, pictures, put, read_all, tarred, tgz, zipped

TOP = "101_ObjectCategories"
NAMES = [
    f"{TOP}/{folder}/image_{number:04d}.jpg"
    for folder in ("Faces", "Faces_easy", "accordion", "yin_yang")
    for number in (1, 2)
]
FILES = pictures(
    [*NAMES, f"{TOP}/BACKGROUND_Google/image_0001.jpg", f"{TOP}/BACKGROUND_Google/tmp"]
)


def test_faces_are_one_class_and_every_photograph_counts_once(tmp_path: Path) -> None:
    whole = read_all(open_image_set(f"caltech101:{put(tmp_path, FILES)}"), tmp_path)
    assert whole.splits == {"all": 6}
    face = f"{TOP}/Faces/image_0002.jpg"
    assert whole.images[face] == ("Faces", "all", picture(face))
    assert whole.reasons == {
        f"{TOP}/BACKGROUND_Google/image_0001.jpg": "background, no class",
        f"{TOP}/BACKGROUND_Google/tmp": "background, no class",
        f"{TOP}/Faces_easy/image_0001.jpg": "same photograph in another folder",
        f"{TOP}/Faces_easy/image_0002.jpg": "same photograph in another folder",
    }
    twin = next(row for row in whole.rejects if row.input == f"{TOP}/Faces_easy/image_0002.jpg")
    assert twin.detail == face


def test_every_published_form_gives_the_same_set(tmp_path: Path) -> None:
    first = read_all(open_image_set(f"caltech101:{put(tmp_path / 'a', FILES)}"), tmp_path)
    folders = [TOP, *sorted({name.rpartition("/")[0] for name in FILES})]
    tar = tgz(FILES, folders)
    inside = {
        "__MACOSX/caltech-101/._101_ObjectCategories.tar.gz": b"x",
        "caltech-101/101_ObjectCategories.tar.gz": tar,
        "caltech-101/Annotations.tar": tarred({"Annotations/ant/annotation_0001.mat": b"x"}),
    }
    specs = [
        put(tmp_path / "b", {f"{TOP}.tar.gz": tar}),
        put(tmp_path / "c", {"caltech-101.zip": zipped(inside)}),
        put(tmp_path / "c", {}) / "caltech-101.zip",
        put(tmp_path / "d/caltech101", FILES).parent,
        put(tmp_path / "e/caltech-101", FILES).parent,
        tmp_path / "a" / TOP,
        put(tmp_path / "f", {f"{TOP}.tar.gz": tarred(FILES)}),  # a client unpacked it in passing
    ]
    for spec in specs:
        assert read_all(open_image_set(f"caltech101:{spec}"), tmp_path) == first


def test_strange_folders_and_files_are_rejected(tmp_path: Path) -> None:
    strange = pictures(
        [f"{TOP}/ant/image_0001.jpg", f"{TOP}/ant/ant.jpg", f"{TOP}/cow/image_0001.jpg"]
    )
    strange[f"{TOP}/README"] = b"x"
    whole = read_all(open_image_set(f"caltech101:{put(tmp_path, strange)}"), tmp_path)
    assert len(whole.images) == 1
    assert whole.reasons == {
        f"{TOP}/README": "file outside a class folder",
        f"{TOP}/ant/ant.jpg": "not an image of the set",
        f"{TOP}/cow/image_0001.jpg": "no class for this folder",
    }


def test_another_layout_is_refused_with_the_expected_one(tmp_path: Path) -> None:
    put(tmp_path, {"caltech-101.zip": zipped({"caltech-101/Annotations.tar": b""})})
    with pytest.raises(ToolkitError, match=r"holds no images of Caltech101; expected is 101_Obj"):
        open_image_set(f"caltech101:{tmp_path}")
    put(tmp_path, {"caltech-101.zip": b"<html>not found</html>"})
    with pytest.raises(ToolkitError, match=r"caltech-101.zip is cut or damaged .* download it aga"):
        open_image_set(f"caltech101:{tmp_path}")


def test_the_papers_list_less_the_twin_faces_is_the_set(tmp_path: Path, shared_data: Path) -> None:
    lines = (shared_data / "vlmclassifier_lists/caltech.jsonl").read_text().splitlines()
    names = [json.loads(line)["image"].partition("Caltech101/")[2] for line in lines]
    put(tmp_path, {f"{TOP}.tar.gz": tgz(dict.fromkeys(names, b"pixels"))})
    whole = read_all(open_image_set(f"caltech101:{tmp_path}"), tmp_path)
    assert len(names) == 8677
    assert (len(whole.images), len(whole.rejects)) == (8242, 435)
    assert set(whole.reasons.values()) == {"same photograph in another folder"}
    assert len({class_id for class_id, _, _ in whole.images.values()}) == 100
