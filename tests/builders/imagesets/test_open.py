"""One word opens every set; checksums are verified by name; mistakes are one sentence."""

import hashlib
from pathlib import Path

import pytest

from imagewikiqa.builders.imagesets import checksums
from imagewikiqa.builders.imagesets.naming import ClassNames, folded
from imagewikiqa.builders.imagesets.open import PUBLISHED, open_image_set
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry
from tests.builders.imagesets.layouts import (
    flower_images,
    flower_notes,
    picture,
    put,
    read_all,
    tgz,
)


@pytest.mark.parametrize("spec", ["", "flowers102", "flowers102:", "mnist:/x", "/some/path"])
def test_an_unknown_word_lists_the_sets(spec: str) -> None:
    with pytest.raises(ToolkitError, match="have: caltech101, flowers102, .* datasets:ID_OR_DIR"):
        open_image_set(spec)


@pytest.mark.parametrize("kind", [*PUBLISHED, "folder"])
def test_a_path_that_is_not_there_is_named(kind: str, tmp_path: Path) -> None:
    with pytest.raises(
        ToolkitError, match=r"the image set .*/none does not exist; give its folder"
    ):
        open_image_set(f"{kind}:{tmp_path / 'none'}")


@pytest.mark.parametrize("kind", PUBLISHED)
def test_every_published_set_has_the_class_list_of_its_name(kind: str) -> None:
    assert {"imagenet": 1000, "caltech101": 100}.get(kind, len(load_classes(kind))) == len(
        load_classes(kind)
    )
    assert [entry.index for entry in load_classes(kind)] == list(range(len(load_classes(kind))))


def test_other_classes_than_those_of_the_set_are_refused(tmp_path: Path) -> None:
    put(tmp_path, flower_notes([1], {"trnid": [1], "valid": [1], "tstid": [1]}))
    put(tmp_path, flower_notes([1, 2, 3], {"trnid": [1], "valid": [2], "tstid": [3]}))
    put(tmp_path, flower_images(3))
    spec = f"flowers102:{tmp_path}"
    own = load_classes("flowers102")[:3]
    assert len(read_all(open_image_set(spec, classes=own), tmp_path).images) == 3
    with pytest.raises(ToolkitError, match="flowers102 has no class 'cat'; use its own list"):
        open_image_set(spec, classes=(ClassEntry(id="cat", name="cat"),))


def flowers(folder: Path) -> Path:
    notes = flower_notes([1, 2, 3], {"trnid": [1], "valid": [2], "tstid": [3]})
    return put(folder, notes | {"102flowers.tgz": tgz(flower_images(3))})


def test_verifying_refuses_a_file_that_is_not_the_published_one(tmp_path: Path) -> None:
    folder = flowers(tmp_path)
    assert open_image_set(f"flowers102:{folder}").verified == ()
    with pytest.raises(ToolkitError, match=r"102flowers.tgz is not the published file: its MD5 i"):
        open_image_set(f"flowers102:{folder}", verify=True)


def test_verifying_names_the_files_whose_checksum_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = flowers(tmp_path / "set")
    for name in checksums.PUBLISHED["flowers102"]:
        digest = hashlib.md5((folder / name).read_bytes()).hexdigest()
        monkeypatch.setitem(checksums.MD5, name, digest)
    found = open_image_set(f"flowers102:{folder}", verify=True)
    assert found.verified == ("102flowers.tgz", "imagelabels.mat", "setid.mat")
    folder.rename(tmp_path / "flowers-102")
    under = open_image_set(f"flowers102:{tmp_path}", verify=True)
    assert under.verified[0] == "flowers-102/102flowers.tgz"


def test_verifying_where_nothing_is_published_is_refused(tmp_path: Path) -> None:
    put(tmp_path, {"a/1.jpg": picture("a")})
    for spec in (f"folder:{tmp_path}", f"imagenet:{tmp_path}"):
        with pytest.raises(ToolkitError, match="nothing in .* has a published checksum"):
            open_image_set(spec, verify=True)
    with pytest.raises(ToolkitError, match="no checksum is published for datasets:x/y"):
        open_image_set("datasets:x/y", verify=True)


def test_every_published_sum_is_one_and_belongs_to_a_set() -> None:
    names = [name for names in checksums.PUBLISHED.values() for name in names]
    assert sorted(names) == sorted(checksums.MD5)
    assert all(len(bytes.fromhex(digest)) == 16 for digest in checksums.MD5.values())
    assert len(set(checksums.MD5.values())) == len(checksums.MD5)


def test_names_are_matched_whatever_their_dashes_and_wherever_their_year() -> None:
    names = ClassNames.of(load_classes("stanford_cars"))
    ram = names.id_of("2012 Ram C/V Cargo Van Minivan")
    assert ram is not None
    for name in (
        "Ram C/V Cargo Van Minivan 2012",
        "Ram C-V Cargo Van Minivan 2012",
        "ram_c_v cargo van minivan-2012",
    ):
        assert names.id_of(name) == ram
    assert (
        names.id_of("Ram C/V Cargo Van Minivan") != ram or len(load_classes("stanford_cars")) == 196
    )
    assert folded("2012 Tesla Model S") == folded("Tesla Model-S 2012") == "teslamodels2012"


def test_a_name_that_means_two_classes_means_none_and_an_id_wins() -> None:
    classes = (
        ClassEntry(id="a", name="crane", synonyms=("b", "bird")),
        ClassEntry(id="b", name="Crane!", synonyms=("bird", "lift")),
    )
    names = ClassNames.of(classes)
    assert names.id_of("crane") is None
    assert names.id_of("bird") is None
    assert (names.id_of("B"), names.id_of("lift"), names.id_of("")) == ("b", "b", None)
