"""Sets of the `datasets` library are read with their bytes untouched, shard by shard, safely."""

import io
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imagewikiqa.builders.imagesets.open import open_image_set
from imagewikiqa.core.errors import MissingExtraError, ToolkitError
from imagewikiqa.core.records import ClassEntry
from tests.builders.imagesets.layouts import picture, pictures, put, read_all

NAMES = ["Tabby cat", "dog"]
ANIMALS = (ClassEntry(id="c1", name="tabby cat", index=0), ClassEntry(id="d1", name="dog", index=1))


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(cache))
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)


def table(count: int, label: Any = None, start: int = 0) -> Any:
    """Return a set of `count` pictures; labels are the two classes in turn."""
    features = datasets.Features(
        image=datasets.Image(),
        label=label or datasets.ClassLabel(names=NAMES),
        n=datasets.Value("int16"),
    )
    rows = {
        "image": [{"bytes": picture(str(n)), "path": None} for n in range(start, start + count)],
        "label": [NAMES[n % 2] if label else n % 2 for n in range(count)],
        "n": list(range(count)),
    }
    return datasets.Dataset.from_dict(rows, features=features)


def parquet(root: Path) -> Path:
    (root / "data").mkdir(parents=True)
    table(3).to_parquet(root / "data/train-00000-of-00002.parquet")
    table(2, start=3).to_parquet(root / "data/train-00001-of-00002.parquet")
    table(1, start=9).to_parquet(root / "data/validation-00000-of-00001.parquet")
    return root


def test_parquet_files_are_read_one_a_unit_with_their_bytes_untouched(tmp_path: Path) -> None:
    found = open_image_set(f"datasets:{parquet(tmp_path)}")
    assert [unit.id for unit in found.units()] == [
        "train/00000-of-00002",
        "train/00001-of-00002",
        "validation/00000-of-00001",
    ]
    assert [(e.id, e.name, e.index) for e in found.classes] == [
        ("tabby-cat", "Tabby cat", 0),
        ("dog", "dog", 1),
    ]
    whole = read_all(found, tmp_path)
    assert whole.rejects == []
    assert whole.splits == {"train": 5, "val": 1}
    assert whole.images["train/00001-of-00002#0000001"] == ("dog", "train", picture("4"))


def test_a_class_list_gives_the_ids(tmp_path: Path) -> None:
    found = open_image_set(f"datasets:{parquet(tmp_path)}", classes=ANIMALS)
    ids = [row[0] for row in read_all(found, tmp_path).images.values()]
    assert ids == ["c1", "d1", "c1", "c1", "d1", "c1"]
    found = open_image_set(f"datasets:{tmp_path}", classes=ANIMALS[:1])
    whole = read_all(found, tmp_path)
    assert (len(whole.images), set(whole.reasons.values())) == (4, {"no class for this label"})


def test_texts_as_labels_need_a_class_list(tmp_path: Path) -> None:
    table(3, datasets.Value("string")).to_parquet(tmp_path / "train.parquet")
    with pytest.raises(
        ToolkitError, match="labels in the column 'label' of .* are texts; give the"
    ):
        open_image_set(f"datasets:{tmp_path}")
    named = (ANIMALS[1], ClassEntry(id="c", name="Tabby cat"))
    whole = read_all(open_image_set(f"datasets:{tmp_path}", classes=named), tmp_path)
    assert [row[0] for row in whole.images.values()] == ["c", "d1", "c"]


def test_unlabelled_and_empty_rows_are_rejected(tmp_path: Path) -> None:
    rows = table(3).data.table.to_pydict()
    rows["label"][0] = -1
    rows["image"][1] = None
    rows["image"][2] = {"bytes": None, "path": "/etc/hostname"}
    pq.write_table(pa.table(rows, table(3).data.table.schema), tmp_path / "test.parquet")
    whole = read_all(open_image_set(f"datasets:{tmp_path}"), tmp_path)
    assert whole.images == {}
    assert [row.reason for row in whole.rejects] == [
        "no class for this label",
        "no bytes in the row",
        "link out of the folder",
    ]


def test_a_set_saved_to_disk_is_read(tmp_path: Path) -> None:
    both = datasets.DatasetDict(train=table(1200), test=table(2, start=5000))
    both.save_to_disk(tmp_path / "set")
    found = open_image_set(f"datasets:{tmp_path / 'set'}")
    assert len(found.units()) == 3
    whole = read_all(found, tmp_path)
    assert (whole.splits, whole.rejects) == ({"train": 1200, "test": 2}, [])
    assert {row[2] for row in whole.images.values()} >= {picture("0"), picture("1199")}


def test_an_image_folder_is_read_as_datasets_reads_it(tmp_path: Path) -> None:
    put(tmp_path / "set", pictures(["train/cat/1.jpg", "train/dog/2.jpg", "test/dog/3.jpg"]))
    whole = read_all(open_image_set(f"datasets:{tmp_path / 'set'}"), tmp_path)
    assert sorted((row[0], row[1], row[2]) for row in whole.images.values()) == [
        ("cat", "train", picture("train/cat/1.jpg")),
        ("dog", "test", picture("test/dog/3.jpg")),
        ("dog", "train", picture("train/dog/2.jpg")),
    ]


def test_a_configuration_is_named_after_a_hash_sign(tmp_path: Path) -> None:
    for number, name in enumerate(("small", "large")):
        (tmp_path / name).mkdir()
        table(number + 1).to_parquet(tmp_path / name / "train.parquet")
    card = "---\nconfigs:\n" + "".join(
        f"- config_name: {n}\n  data_files: {n}/train.parquet\n" for n in ("small", "large")
    )
    put(tmp_path, {"README.md": f"{card}---\n".encode()})
    assert len(read_all(open_image_set(f"datasets:{tmp_path}#large"), tmp_path).images) == 2
    with pytest.raises(ToolkitError, match="cannot be opened .* datasets:ID_OR_DIR#CONFIG"):
        open_image_set(f"datasets:{tmp_path}#medium")


def test_formats_that_run_code_or_are_not_known_to_be_safe_are_not_opened(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    evil = f"cposix\nsystem\n(S'touch {mark}'\ntR.".encode()
    for name in ("train.pkl", "train.pickle"):
        put(tmp_path / name, {name: evil})
        with pytest.raises(ToolkitError):
            open_image_set(f"datasets:{tmp_path / name}")
    put(tmp_path / "script", {"script.py": f"open({str(mark)!r}, 'w')".encode()})
    with pytest.raises(ToolkitError):
        open_image_set(f"datasets:{tmp_path / 'script'}")
    put(tmp_path / "json", {"train.jsonl": b'{"label": 1}\n'})
    with pytest.raises(ToolkitError, match="is stored as 'json', which is not read for safety"):
        open_image_set(f"datasets:{tmp_path / 'json'}")
    assert not mark.exists()


def test_unclear_columns_are_refused(tmp_path: Path) -> None:
    kind = datasets.ClassLabel(names=NAMES)
    many = datasets.Features(image=datasets.Image(), coarse=kind, fine=kind)
    rows = {"image": [{"bytes": b"x", "path": None}], "coarse": [0], "fine": [1]}
    datasets.Dataset.from_dict(rows, features=many).to_parquet(tmp_path / "train.parquet")
    with pytest.raises(ToolkitError, match="has 2 columns that may be the label column"):
        open_image_set(f"datasets:{tmp_path}")
    stream = io.BytesIO()
    pq.write_table(pa.table({"text": ["a"]}), stream)
    put(tmp_path / "b", {"train.parquet": stream.getvalue()})
    with pytest.raises(ToolkitError, match=r"no column types|has 0 columns that may be the image"):
        open_image_set(f"datasets:{tmp_path / 'b'}")


def test_an_unknown_set_is_refused_in_one_sentence() -> None:
    with pytest.raises(ToolkitError, match="cannot be opened .* give a folder or Hub id"):
        open_image_set("datasets:nobody/no-such-set")


def test_without_the_library_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "datasets", None)
    with pytest.raises(MissingExtraError, match=r"imagewikiqa\[images\]"):
        open_image_set("datasets:x/y")
