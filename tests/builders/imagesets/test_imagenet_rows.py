"""ImageNet's parquet files are read by row groups, and label and file name must agree."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imagewikiqa.builders.imagenet_val import val_labels
from imagewikiqa.builders.imagesets import imagenet_rows
from imagewikiqa.builders.imagesets.open import open_image_set
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.errors import ToolkitError
from tests.builders.imagesets.layouts import picture, put, read_all

WNIDS = [entry.id for entry in load_classes("imagenet")]
SCHEMA = pa.schema(
    [
        ("image", pa.struct([("bytes", pa.binary()), ("path", pa.string())])),
        ("label", pa.int64()),
    ]
)
Row = tuple[str | None, int | None]


def write(path: Path, rows: list[Row], group: int = 2) -> None:
    columns: dict[str, list[Any]] = {
        "image": [{"bytes": picture(name or "-"), "path": name} for name, _ in rows],
        "label": [label for _, label in rows],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns, SCHEMA), path, row_group_size=group)


def train_rows() -> list[Row]:
    return [(f"{WNIDS[n]}_{n}_{WNIDS[n]}.JPEG", n) for n in (0, 1, 5, 134, 517, 999, 998)]


def val_rows() -> list[Row]:
    labels = [image.candidates[0] for image in val_labels()[:3]]
    return [
        (f"ILSVRC2012_val_{number:08d}_{WNIDS[label]}.JPEG", label)
        for number, label in enumerate(labels, 1)
    ]


def test_rows_have_the_addresses_that_the_folders_have(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imagenet_rows, "CHUNK", 3)
    write(tmp_path / "data/train-00000-of-00001.parquet", train_rows())
    write(tmp_path / "data/validation-00000-of-00001.parquet", val_rows())
    found = open_image_set(f"imagenet:{tmp_path}")
    assert [unit.id for unit in found.units()] == [
        "train-00000-of-00001.parquet#0000000",
        "train-00000-of-00001.parquet#0000002",
        "train-00000-of-00001.parquet#0000004",
        "validation-00000-of-00001.parquet#0000000",
    ]
    whole = read_all(found, tmp_path)
    assert whole.rejects == []
    assert whole.splits == {"train": 7, "val": 3}
    name = train_rows()[3][0] or ""
    address = f"train/{WNIDS[134]}/{WNIDS[134]}_134.JPEG"
    assert whole.images[address] == (WNIDS[134], "train", picture(name))
    assert "val/ILSVRC2012_val_00000001.JPEG" in whole.images


def test_rows_that_contradict_themselves_or_have_no_label_are_rejected(tmp_path: Path) -> None:
    good = train_rows()[0]
    rows: list[Row] = [
        good,
        good,
        (f"{WNIDS[3]}_1.JPEG", 4),
        (None, 7),
        ("x.JPEG", 2),
        (good[0], -1),
    ]
    write(tmp_path / "train-00000-of-00001.parquet", [*rows, (good[0], 1000), (None, None)], 100)
    label = val_labels()[0].candidates[0]
    wrong: list[Row] = [("ILSVRC2012_val_00000001.JPEG", (label + 1) % 1000), (None, 3)]
    write(tmp_path / "validation-00000-of-00001.parquet", wrong)
    write(tmp_path / "test-00000-of-00001.parquet", [("ILSVRC2012_test_00000001.JPEG", 3)])
    whole = read_all(open_image_set(f"imagenet:{tmp_path}"), tmp_path)
    assert {name: row[:2] for name, row in whole.images.items()} == {
        f"train/{WNIDS[0]}/{WNIDS[0]}_0.JPEG": (WNIDS[0], "train"),
        "train-00000-of-00001.parquet#0000003": (WNIDS[7], "train"),
        "validation-00000-of-00001.parquet#0000001": (WNIDS[3], "val"),
    }
    assert {
        name.replace("-00000-of-00001.parquet", ""): why for name, why in whole.reasons.items()
    } == {
        "train#0000001": "same name again in the file",
        "train#0000002": "label and file name disagree",
        "train#0000004": "not an image of the set",
        "train#0000005": "no label for this row",
        "train#0000006": "no label for this row",
        "train#0000007": "no label for this row",
        "validation#0000000": "label and ground truth disagree",
        "test#0000000": "no label for this row",
    }


def test_a_row_without_bytes_is_rejected(tmp_path: Path) -> None:
    rows = {"image": [{"bytes": None, "path": None}, None], "label": [1, 1]}
    pq.write_table(pa.table(rows, SCHEMA), tmp_path / "train-00000-of-00001.parquet")
    whole = read_all(open_image_set(f"imagenet:{tmp_path}"), tmp_path)
    assert set(whole.reasons.values()) == {"no bytes in the row"}
    assert len(whole.reasons) == 2


def test_other_columns_and_damage_are_refused(tmp_path: Path) -> None:
    name = "train-00000-of-00001.parquet"
    pq.write_table(pa.table({"image": [b"x"], "label": [1]}), tmp_path / name)
    with pytest.raises(ToolkitError, match=r"has not the columns image .* open it as datasets:DI"):
        open_image_set(f"imagenet:{tmp_path}")
    write(tmp_path / name, train_rows())
    put(tmp_path, {name: (tmp_path / name).read_bytes()[:-40]})
    with pytest.raises(ToolkitError, match=f"the parquet file {name} is cut or damaged"):
        open_image_set(f"imagenet:{tmp_path}")
    write(tmp_path / name, train_rows())
    data = bytearray((tmp_path / name).read_bytes())
    data[10:400] = bytes(390)
    put(tmp_path, {name: bytes(data)})
    with pytest.raises(ToolkitError, match="is cut or damaged"):
        read_all(open_image_set(f"imagenet:{tmp_path}"), tmp_path)
