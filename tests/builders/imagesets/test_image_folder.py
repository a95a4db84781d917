"""Any folder of class folders is a set: by folder name or by a class list, split or not."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.builders.imagesets import entries
from imagewikiqa.builders.imagesets.open import open_image_set
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry
from tests.builders.imagesets.layouts import picture, pictures, put, read_all

ANIMALS = (
    ClassEntry(id="n1", name="house cat", synonyms=("moggy",), index=0),
    ClassEntry(id="n2", name="dog", index=1),
)


def test_folders_become_classes_in_the_order_of_their_names(tmp_path: Path) -> None:
    put(tmp_path, pictures(["dog/1.jpg", "house_cat/a b.PNG", "house_cat/b.webp"]))
    found = open_image_set(f"folder:{tmp_path}")
    assert [(e.id, e.name, e.index) for e in found.classes] == [
        ("dog", "dog", 0),
        ("house_cat", "house cat", 1),
    ]
    whole = read_all(found, tmp_path)
    assert whole.images["house_cat/a b.PNG"] == ("house_cat", "all", picture("house_cat/a b.PNG"))
    assert (len(whole.images), whole.rejects) == (3, [])


def test_folders_of_splits_are_read_one_by_one(tmp_path: Path) -> None:
    names = [
        "train/dog/1.jpg",
        "validation/dog/1.jpg",
        "test/cat/1.jpg",
        "README.md",
        "old/dog/2.jpg",
    ]
    whole = read_all(open_image_set(f"folder:{put(tmp_path, pictures(names))}"), tmp_path)
    assert {name: row[1] for name, row in whole.images.items()} == {
        "train/dog/1.jpg": "train",
        "validation/dog/1.jpg": "val",
        "test/cat/1.jpg": "test",
    }
    assert whole.reasons == {"README.md": "outside the splits", "old": "outside the splits"}


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    whole = read_all(
        open_image_set(f"folder:{put(tmp_path, pictures(['bus/1.jpg', 'train/1.jpg']))}"), tmp_path
    )
    assert {row[:2] for row in whole.images.values()} == {("bus", "all"), ("train", "all")}


def test_a_class_list_gives_the_ids_by_id_name_or_synonym(tmp_path: Path) -> None:
    files = pictures(["n1/1.jpg", "House_Cat/2.jpg", "moggy/3.jpg", "dog/4.jpg", "cow/5.jpg"])
    found = open_image_set(f"folder:{put(tmp_path, files)}", classes=ANIMALS)
    whole = read_all(found, tmp_path)
    assert found.classes == ANIMALS
    assert {name: row[0] for name, row in whole.images.items()} == {
        "n1/1.jpg": "n1",
        "House_Cat/2.jpg": "n1",
        "moggy/3.jpg": "n1",
        "dog/4.jpg": "n2",
    }
    assert whole.reasons == {"cow/5.jpg": "no class for this folder"}


def test_entries_that_are_no_image_files_are_rejected(tmp_path: Path) -> None:
    root = put(tmp_path / "set", pictures(["a/1.jpg", "a/notes.txt", "a/.DS_Store", "a/in/2.jpg"]))
    put(tmp_path, {"secret.jpg": b"secret"})
    put(root, {".git/config": b"x", "__MACOSX/a.jpg": b"x", "loose.jpg": b"x"})
    (root / "a/inside.jpg").symlink_to("1.jpg")
    (root / "a/outside.jpg").symlink_to(tmp_path / "secret.jpg")
    (root / "a/dangling.jpg").symlink_to("nothing.jpg")
    (root / "a/loop.jpg").symlink_to("loop.jpg")
    (root / "b").symlink_to(tmp_path)
    os.mkfifo(root / "a/pipe.jpg")
    (root / "a").joinpath(os.fsdecode(b"caf\xe9.jpg")).write_bytes(b"x")
    (root / "a/line\nbreak.jpg").write_bytes(b"x")
    whole = read_all(open_image_set(f"folder:{root}"), tmp_path)
    assert set(whole.images) == {"a/1.jpg", "a/inside.jpg"}
    assert whole.reasons == {
        ".git": "system file",
        "__MACOSX": "system file",
        "a/.DS_Store": "system file",
        "a/caf\\udce9.jpg": "file name is not UTF-8",
        "a/dangling.jpg": "unreadable file",
        "a/in": "folder inside a class folder",
        "a/line\nbreak.jpg": "control character in the name",
        "a/loop.jpg": "link out of the folder",
        "a/notes.txt": "not an image by its suffix",
        "a/outside.jpg": "link out of the folder",
        "a/pipe.jpg": "not a file",
        "b": "link out of the folder",
        "loose.jpg": "file outside a class folder",
    }


def test_a_file_of_too_many_bytes_is_rejected_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "MAX_BYTES", 5)
    put(tmp_path, {"a/1.jpg": b"12345", "a/2.jpg": b"123456"})
    whole = read_all(open_image_set(f"folder:{tmp_path}"), tmp_path)
    assert (set(whole.images), whole.reasons) == ({"a/1.jpg"}, {"a/2.jpg": "too many bytes"})


@given(st.dictionaries(st.sampled_from("abc"), st.integers(1, 9), min_size=1), st.integers(1, 5))
def test_units_partition_the_set_whatever_their_size(
    tmp_path_factory: pytest.TempPathFactory, counts: dict[str, int], chunk: int
) -> None:
    root = tmp_path_factory.mktemp("set")
    names = [f"{folder}/{n:02d}.jpg" for folder, count in counts.items() for n in range(count)]
    put(root, pictures(names))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entries, "CHUNK", chunk)
        found = open_image_set(f"folder:{root}")
        whole = read_all(found, root)
        assert all(sum(1 for _ in unit.read()) <= chunk for unit in found.units())
    assert (sorted(whole.images), whole.rejects) == (sorted(names), [])
    assert list(whole.images) == sorted(names)


def test_what_cannot_be_a_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match="holds no class folders; expected is CLASS/"):
        open_image_set(f"folder:{tmp_path}")
    put(tmp_path, {"archive.zip": b"x"})
    with pytest.raises(ToolkitError, match="holds no image folder; expected is a folder laid out"):
        open_image_set(f"folder:{tmp_path / 'archive.zip'}")
    put(tmp_path / "b", pictures(["red_car/1.jpg", "red car/1.jpg"]))
    with pytest.raises(ToolkitError, match="two class folders in .* differ only in case or under"):
        open_image_set(f"folder:{tmp_path / 'b'}")


def test_a_published_list_names_the_folders_of_a_mirror(tmp_path: Path) -> None:
    put(tmp_path, pictures(["train/Apple pie/1.jpg", "train/french-fries/2.jpg"]))
    found = open_image_set(f"folder:{tmp_path}", classes=load_classes("food101"))
    ids = {row[0] for row in read_all(found, tmp_path).images.values()}
    assert ids == {"apple_pie", "french_fries"}
