"""Units are known by what they read, and an index over any layout is the same table."""

import os
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from imagewikiqa.builders.imagesets.index import build_index
from imagewikiqa.builders.imagesets.open import open_image_set
from tests.builders.imagesets.layouts import (
    Files,
    car_half,
    flower_images,
    flower_notes,
    picture,
    pictures,
    put,
    tgz,
)

COUNT = 12
NOTES = flower_notes([1, 2, 3] * 4, {"trnid": [1, 2], "valid": [3], "tstid": range(4, COUNT + 1)})


def index_of(spec: str, out: Path, workers: int = 1) -> tuple[bytes, str]:
    build_index(open_image_set(spec), out, workers=workers)
    return (out / "images.parquet").read_bytes(), (out / "rejects.jsonl").read_text()


def test_the_index_of_a_folder_and_of_its_archive_are_the_same_bytes(tmp_path: Path) -> None:
    images = flower_images(COUNT + 1)
    folder = put(tmp_path / "a", NOTES | images)
    packed = put(tmp_path / "b", NOTES | {"102flowers.tgz": tgz(images)})
    first = index_of(f"flowers102:{folder}", tmp_path / "out-a")
    assert first == index_of(f"flowers102:{packed}", tmp_path / "out-b")
    table = pq.read_table(tmp_path / "out-a/images.parquet")
    assert table.num_rows == COUNT
    assert set(table["disposition"].to_pylist()) == {"ok"}
    assert "no label for this file" in first[1]


def test_workers_read_the_units_of_every_kind(tmp_path: Path) -> None:
    files: Files = {
        "devkit/cars_train_annos.mat": car_half([5, 7]),
        "cars_test_annos_withlabels.mat": car_half([9]),
        "cars_test.tgz": tgz(pictures(["cars_test/00001.jpg"])),
    }
    files |= pictures(["cars_train/00001.jpg", "cars_train/extra.jpg"])
    spec = f"stanford_cars:{put(tmp_path / 'set', files)}"
    assert len(open_image_set(spec).units()) == 3  # a folder, what it lacks, an archive
    one = index_of(spec, tmp_path / "one")
    assert index_of(spec, tmp_path / "two", workers=2) == one


def stamps(spec: str) -> dict[str, str]:
    return {unit.id: str(getattr(unit, "stamp", "")) for unit in open_image_set(spec).units()}


@pytest.mark.parametrize("packed", [False, True])
def test_a_unit_has_another_stamp_when_its_files_or_labels_change(
    tmp_path: Path, packed: bool
) -> None:
    images = flower_images(COUNT)
    archive = {"102flowers.tgz": tgz(images)}
    put(tmp_path, NOTES | (archive if packed else images))
    spec = f"flowers102:{tmp_path}"
    first = stamps(spec)
    assert len(first) == 1
    assert stamps(spec) == first
    put(tmp_path, flower_notes([1] * COUNT, {"trnid": [1], "valid": [2], "tstid": [3]}))
    relabelled = stamps(spec)
    assert relabelled.keys() == first.keys()
    assert relabelled != first
    touched = tmp_path / ("102flowers.tgz" if packed else "jpg/image_00001.jpg")
    os.utime(touched, ns=(1, 1))
    assert stamps(spec) != relabelled


def test_a_changed_picture_is_indexed_again_and_the_rest_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "set", pictures(["a/1.jpg", "b/1.jpg"]))
    spec, out = f"folder:{tmp_path / 'set'}", tmp_path / "out"
    first = index_of(spec, out)
    put(tmp_path / "set", {"b/1.jpg": picture("another, longer than before")})
    read: list[str] = []
    original = Path.read_bytes

    def watched(path: Path) -> bytes:
        read.append(path.as_posix())
        return original(path)

    monkeypatch.setattr(Path, "read_bytes", watched)
    second = index_of(spec, out)
    assert second[0] != first[0]
    assert [name[-7:] for name in read if name.endswith(".jpg")] == ["b/1.jpg"]
    monkeypatch.undo()
    assert second == index_of(spec, tmp_path / "fresh")
