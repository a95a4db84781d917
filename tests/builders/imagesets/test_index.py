"""An index tells of every image what it is, once, in the order of the set, whatever happened."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imagewikiqa.builders.images import load_images
from imagewikiqa.builders.imagesets import index as index_module
from imagewikiqa.builders.imagesets import parts
from imagewikiqa.builders.imagesets.dispositions import USABLE, reason_of
from imagewikiqa.builders.imagesets.index import build_index
from imagewikiqa.builders.imagesets.indexed import indexed_images, read_report
from imagewikiqa.builders.imagesets.open import open_image_set
from imagewikiqa.builders.imagesets.protocol import ImageSample, Split
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.digests import file_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry, Reject
from imagewikiqa.core.tables import read_table

from .bad_images import write_corpus
from .fake_set import FakeSet, FakeUnit, ListedUnit, fake_set, photo
from .layouts import flower_images, flower_notes, put, tgz

FILES = ("images.parquet", "rejects.jsonl", "index.json")


def sample(address: str, class_id: str, data: bytes, split: Split = "train") -> ImageSample:
    return ImageSample(source_id=address, class_id=class_id, split=split, data=data)


def listed(*samples: ImageSample | Reject, fails: bool = False, name: str = "fake") -> FakeSet:
    ids = sorted({one.class_id for one in samples if isinstance(one, ImageSample)})
    return FakeSet((ListedUnit("all", samples, fails),), tuple(ids), name)


def rows(folder: Path) -> list[dict[str, Any]]:
    return list(pq.read_table(folder / "images.parquet").to_pylist())


def whole(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def test_every_file_of_the_corpus_gets_its_disposition_through_a_reader(tmp_path: Path) -> None:
    table = write_corpus(tmp_path / "set")
    report = build_index(open_image_set(f"folder:{tmp_path / 'set'}"), tmp_path / "out", workers=2)
    found = {row["source_id"]: row["disposition"] for row in rows(tmp_path / "out")}
    rejects = list(read_table(tmp_path / "out/rejects.jsonl", Reject))
    reasons = {reject.input: reject.reason for reject in rejects}
    no_files = {name: word for name, word in table.items() if name.startswith("no_file/")}
    assert found == {name: word for name, word in table.items() if name not in no_files}
    told = {name: reasons[name].replace("folder inside a class folder", "not a file")
            for name in no_files}  # fmt: skip
    assert told == {name: reason_of(word) for name, word in no_files.items()}
    assert reasons.keys() == {name for name, word in table.items() if word not in USABLE}
    assert report.images + sum(report.not_images.values()) == len(table)
    assert report.usable + len(rejects) == len(table)


def test_a_row_says_what_the_image_is(tmp_path: Path) -> None:
    build_index(fake_set(2, 8), tmp_path)
    found = rows(tmp_path)
    assert [row["source_id"] for row in found[7:9]] == ["train/c00000/7.jpg", "train/c00001/0.jpg"]
    data = photo("0-4")
    assert found[4] == {
        "source_id": "train/c00000/4.jpg", "class_id": "c00000", "split": "val",
        "sha256": hashlib.sha256(data).digest(), "bytes": len(data), "width": 16, "height": 12,
        "format": "JPEG", "mode": "RGB", "disposition": "ok", "also": "", "orientation": None,
        "duplicate": "", "same_as": None,
    }  # fmt: skip
    assert found[6]["disposition"] == "truncated" and found[6]["width"] is None


def test_the_report_counts_by_disposition_class_and_split(tmp_path: Path) -> None:
    made = fake_set(3, 20)
    empty = FakeSet(made.found, (*made.class_ids, "nothing"))
    report = build_index(empty, tmp_path)
    assert report == read_report(tmp_path)
    assert report.dispositions == {"ok": 54, "truncated": 6}
    assert (report.images, report.usable, report.units) == (60, 54, 3)
    assert report.splits == {"train": 42, "val": 12}
    assert report.classes == {"c00000": 18, "c00001": 18, "c00002": 18, "nothing": 0}
    assert (report.repeated, report.conflicting) == (6, 0)
    assert report.not_images == {"system file": 3}
    reasons = [one.reason for one in read_table(tmp_path / "rejects.jsonl", Reject)]
    assert sorted(reasons) == ["system file"] * 3 + ["truncated"] * 6


def test_workers_and_the_size_of_row_groups_in_parts_change_no_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_index(fake_set(9, 7), tmp_path / "one")
    build_index(fake_set(9, 7), tmp_path / "three", workers=3)
    assert whole(tmp_path / "one") == whole(tmp_path / "three")
    monkeypatch.setattr(parts, "ROW_GROUP", 10)
    report = build_index(fake_set(9, 7), tmp_path / "small")
    assert [report.images, report.usable] == [63, 54]
    assert rows(tmp_path / "small") == rows(tmp_path / "one")
    file = pq.ParquetFile(tmp_path / "small/images.parquet")
    sizes = [file.metadata.row_group(at).num_rows for at in range(file.num_row_groups)]
    assert sizes == [10] * 6 + [3]


def test_a_second_run_reads_nothing_again_and_changes_no_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_index(fake_set(4, 7), tmp_path)
    before = whole(tmp_path)

    def fail(unit: FakeUnit) -> None:
        raise AssertionError(f"{unit.id} was read again")

    monkeypatch.setattr(FakeUnit, "read", fail)
    build_index(fake_set(4, 7), tmp_path)
    assert whole(tmp_path) == before


def test_a_unit_whose_stamp_changed_is_read_again(tmp_path: Path) -> None:
    build_index(fake_set(2, 5), tmp_path / "a")
    changed = FakeSet((FakeUnit(0, 5), FakeUnit(1, 5, "new")), ("c00000", "c00001"))
    build_index(changed, tmp_path / "a")
    build_index(changed, tmp_path / "b")
    assert whole(tmp_path / "a") == whole(tmp_path / "b")


def test_a_file_that_joins_a_folder_joins_its_index(tmp_path: Path) -> None:
    put(tmp_path / "set", {"cat/a.jpg": photo("a"), "dog/a.jpg": photo("b")})
    build_index(open_image_set(f"folder:{tmp_path / 'set'}"), tmp_path / "out")
    put(tmp_path / "set", {"cat/b.jpg": photo("c")})
    build_index(open_image_set(f"folder:{tmp_path / 'set'}"), tmp_path / "out")
    found = [row["source_id"] for row in rows(tmp_path / "out")]
    assert found == ["cat/a.jpg", "cat/b.jpg", "dog/a.jpg"]


def test_the_same_bytes_are_told_within_a_class_and_across_classes(tmp_path: Path) -> None:
    red, blue, green = photo("red"), photo("blue"), photo("green")
    report = build_index(
        listed(
            sample("cat/1", "cat", red), sample("cat/2", "cat", red), sample("cat/3", "cat", blue),
            sample("dog/1", "dog", blue), sample("dog/2", "dog", green),
            sample("cat/4", "cat", red),
            sample("dog/3", "dog", red[:-9]), sample("cat/5", "cat", red[:-9]),
        ),
        tmp_path,
    )  # fmt: skip
    found = {row["source_id"]: (row["duplicate"], row["same_as"]) for row in rows(tmp_path)}
    assert found == {
        "cat/1": ("", None), "cat/2": ("repeated", 0), "cat/3": ("conflicting", None),
        "dog/1": ("conflicting", 2), "dog/2": ("", None), "cat/4": ("repeated", 0),
        "dog/3": ("", None), "cat/5": ("", None),
    }  # fmt: skip
    assert (report.repeated, report.conflicting) == (2, 2)
    cats = (ClassEntry(id="cat", name="cat"),)
    refs, rejects = load_images(f"index:{tmp_path}", cats)
    assert [(ref.id, ref.class_id) for ref in refs] == [("cat/1", "cat")]
    assert refs[0].sha256 == hashlib.sha256(red).hexdigest()
    assert [(one.input, one.reason, one.detail) for one in rejects] == [
        ("cat/2", "same picture again", "cat/1"),
        ("cat/3", "same picture in two classes", "the first of them"),
        ("cat/4", "same picture again", "cat/1"),
        ("cat/5", "truncated", ""),
        ("dog", "class not asked for", "3 images"),
    ]
    both, _ = load_images(f"index:{tmp_path}", (*cats, ClassEntry(id="dog", name="dog")))
    assert [ref.id for ref in both] == ["cat/1", "dog/2"]  # an image stays when classes are added


def test_an_index_gives_the_images_that_its_folder_gives(tmp_path: Path) -> None:
    classes = (ClassEntry(id="cat", name="cat"), ClassEntry(id="dog", name="dog"))
    for name, mark in {"cat/a": "1", "cat/b": "1", "cat/c": "2", "dog/a": "3", "dog/b": "2",
                       "dog/c": "4"}.items():  # fmt: skip
        path = tmp_path / "set" / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo(mark))
    (tmp_path / "set/dog/d.jpg").write_bytes(photo("5")[:-5])
    build_index(open_image_set(f"folder:{tmp_path / 'set'}"), tmp_path / "out")
    refs, rejects = load_images(f"index:{tmp_path / 'out'}", classes)
    folder_refs, folder_rejects = load_images(f"folder:{tmp_path / 'set'}", classes)
    assert refs == folder_refs
    assert [(one.id, one.reason) for one in rejects] == [
        (one.id, one.reason) for one in folder_rejects
    ]


def test_validation_images_are_held_to_the_label_table(tmp_path: Path) -> None:
    tiger, tench = load_classes("imagenet")[292], load_classes("imagenet")[0]
    names = [ref.id.removeprefix("images/") for ref in load_images("imagenet-val", [tench])[0][:2]]
    build_index(
        listed(sample(f"val/{names[0]}", tench.id, photo("a")),
               sample(f"val/{names[1]}", tiger.id, photo("b")),
               sample("train/x.JPEG", tiger.id, photo("c"))),
        tmp_path,
    )  # fmt: skip
    refs, rejects = load_images(f"index:{tmp_path}", [tiger, tench])
    assert [ref.id for ref in refs] == ["train/x.JPEG", f"val/{names[0]}"]
    assert [(one.input, one.reason) for one in rejects] == [(f"val/{names[1]}", "disputed label")]


def test_a_published_set_has_one_index_as_a_folder_and_as_its_archive(tmp_path: Path) -> None:
    notes = flower_notes([77, 1, 102], {"trnid": [2], "valid": [1], "tstid": [3]})
    folder = put(tmp_path / "folder", notes | flower_images(3))
    packed = put(tmp_path / "packed", notes | {"102flowers.tgz": tgz(flower_images(3), ["jpg"])})
    for place, workers in ((folder, 1), (packed, 2)):
        out = tmp_path / f"{place.name}.index"
        report = build_index(open_image_set(f"flowers102:{place}"), out, workers=workers)
        assert report.splits == {"test": 1, "train": 1, "val": 1}
        assert [row["class_id"] for row in rows(out)] == ["flower-077", "flower-001", "flower-102"]
    assert rows(tmp_path / "folder.index") == rows(tmp_path / "packed.index")


def test_an_index_without_the_classes_asked_for_is_refused(tmp_path: Path) -> None:
    build_index(fake_set(1, 3), tmp_path)
    with pytest.raises(ToolkitError, match="holds no usable image of the 1 classes asked for"):
        load_images(f"index:{tmp_path}", [ClassEntry(id="bird", name="bird")])


def test_an_empty_set_has_an_empty_index(tmp_path: Path) -> None:
    report = build_index(FakeSet((), ()), tmp_path)
    assert (report.images, report.units, rows(tmp_path)) == (0, 0, [])
    assert indexed_images(tmp_path, {"cat"}) == ([], [])


def test_a_missing_unfinished_or_changed_index_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match="no finished index of images in .*/out"):
        read_report(tmp_path / "out")
    build_index(fake_set(1, 3), tmp_path)
    table = tmp_path / "images.parquet"
    table.write_bytes(table.read_bytes() + b"\0")
    with pytest.raises(ToolkitError, match="is not the table that .*index.json counts"):
        read_report(tmp_path)
    (tmp_path / "index.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ToolkitError, match="index.json is damaged: make the index again"):
        read_report(tmp_path)


def test_a_folder_holds_the_index_of_one_set(tmp_path: Path) -> None:
    build_index(fake_set(1, 3), tmp_path)
    with pytest.raises(ToolkitError, match="holds an index of 'fake', .*: choose another --out"):
        build_index(listed(sample("a", "cat", photo("a")), name="other"), tmp_path)
    with pytest.raises(ToolkitError, match="class list or version than 'fake' now"):
        build_index(fake_set(2, 3), tmp_path)


def test_a_unit_that_the_system_refuses_stops_the_run_and_is_read_again_later(
    tmp_path: Path,
) -> None:
    one = sample("a", "cat", photo("a"))
    with pytest.raises(ToolkitError, match="^all of the image set cannot be read .Permission"):
        build_index(listed(one, fails=True), tmp_path)
    assert not (tmp_path / "index.json").exists()
    build_index(listed(one), tmp_path)
    assert len(rows(tmp_path)) == 1


def test_a_changed_or_lost_part_is_named(tmp_path: Path) -> None:
    build_index(fake_set(2, 3), tmp_path)
    part = sorted((tmp_path / "work/parts").iterdir())[0]
    part.write_bytes(b"other")
    with pytest.raises(ToolkitError, match="missing or was changed: delete .*work and run the"):
        build_index(fake_set(2, 3), tmp_path)
    assert not (tmp_path / "index.json").exists()  # an old report never vouches for new files


def test_two_images_with_one_address_are_refused(tmp_path: Path) -> None:
    twice = [sample("a", "cat", photo(mark)) for mark in ("1", "2")]
    with pytest.raises(ToolkitError, match="two images of the set have the same address"):
        build_index(listed(*twice), tmp_path)


def test_twenty_large_units_without_a_usable_image_stop_the_run(tmp_path: Path) -> None:
    units = tuple(
        ListedUnit(f"u{n}", tuple(sample(f"{n}/{i}", "cat", b"<html>") for i in range(20)))
        for n in range(20)
    )
    with pytest.raises(ToolkitError, match="20 inputs of stage index in a row failed"):
        build_index(FakeSet(units, ("cat",)), tmp_path)


def test_the_version_decides_whether_images_are_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_index(fake_set(1, 3), tmp_path)
    monkeypatch.setattr(index_module, "VERSION", 2)
    with pytest.raises(ToolkitError, match="made from another set, class list or version"):
        build_index(fake_set(1, 3), tmp_path)


def forged(folder: Path, table: pa.Table) -> Path:
    """Put another table into an index, with its digest, as a stranger may."""
    pq.write_table(table, folder / "images.parquet")
    report = json.loads((folder / "index.json").read_text(encoding="utf-8"))
    report["files"]["images.parquet"] = file_digest(folder / "images.parquet")
    (folder / "index.json").write_text(json.dumps(report), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("column", "value", "told"),
    [
        ("disposition", "fine", "holds 'fine', which no index does"),
        ("source_id", "../a.jpg", "holds '../a.jpg', which no index does"),
        ("source_id", "/etc/a.jpg", "holds '/etc/a.jpg', which no index does"),
    ],
)
def test_an_index_with_rows_of_a_stranger_is_refused(
    tmp_path: Path, column: str, value: str, told: str
) -> None:
    build_index(fake_set(1, 5), tmp_path)
    changed = rows(tmp_path)
    changed[2][column] = value
    forged(tmp_path, pa.Table.from_pylist(changed, parts.COLUMNS))
    with pytest.raises(ToolkitError, match=told):
        indexed_images(tmp_path, ["c00000"])


def test_an_index_with_other_columns_is_refused(tmp_path: Path) -> None:
    build_index(fake_set(1, 5), tmp_path)
    with pytest.raises(ToolkitError, match="is not the table that"):
        read_report(forged(tmp_path, pa.table({"a": [1]})))
    (tmp_path / "images.parquet").write_bytes(b"PAR1")
    with pytest.raises(ToolkitError, match="is not the table that"):
        read_report(tmp_path)


def test_a_mark_of_another_set_may_be_any_bytes(tmp_path: Path) -> None:
    build_index(fake_set(1, 5), tmp_path)
    (tmp_path / "work/index.set").write_bytes(b"x \xff")
    with pytest.raises(ToolkitError, match="choose another --out"):
        build_index(fake_set(1, 5), tmp_path)


def test_index_json_is_readable_by_people_and_programs(tmp_path: Path) -> None:
    build_index(fake_set(1, 3), tmp_path)
    found = json.loads((tmp_path / "index.json").read_text(encoding="utf-8"))
    assert list(found) == sorted(found) and found["set_name"] == "fake"
    assert set(found["files"]) == {"images.parquet", "rejects.jsonl"}
