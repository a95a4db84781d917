"""Rows and their images become one parquet: every loss named, the same bytes however it ran."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from PIL import Image

from benchmarks._llava_rows import write_rows
from imagewikiqa.builders.llava import index, spool
from imagewikiqa.builders.llava.defects import DefectError
from imagewikiqa.builders.llava.images import ImageFolder
from imagewikiqa.builders.llava.index import LlavaReport, index_rows
from imagewikiqa.builders.llava.mix import MixPart, read_mix
from imagewikiqa.core.digests import text_digest
from imagewikiqa.core.errors import ToolkitError


def row(image: Any, said: str = "A bus.") -> dict[str, Any]:
    """Return a row about one image or several."""
    count = len(image) if isinstance(image, list) else 1
    question = {"from": "human", "value": "<image>\n" * count + "What is it?"}
    return {"id": "1", "image": image, "conversations": [question, {"from": "gpt", "value": said}]}


def picture(path: Path, kind: str = "JPEG", **options: Any) -> Path:
    """Write a small picture of that format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    colour = hashlib.sha256(path.name.encode()).digest()
    Image.new("RGB", (24, 16), (colour[0], colour[1], colour[2])).save(path, kind, **options)
    return path


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Return a folder with good, renamed, animated and broken images."""
    root = tmp_path / "images"
    picture(root / "coco" / "a.jpg")
    picture(root / "ocr_vqa" / "b.png", "PNG")
    picture(root / f"{text_digest('https://a.org/c.png')}.png", "PNG")
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(root / "moving.gif", save_all=True, append_images=frames[1:])
    (root / "cut.jpg").write_bytes((root / "coco" / "a.jpg").read_bytes()[:200])
    (root / "empty.jpg").touch()
    (root / "out.jpg").symlink_to(picture(tmp_path / "elsewhere.jpg"))
    return root


def run(file: Path, out: Path, **options: Any) -> tuple[LlavaReport, list[dict[str, Any]]]:
    """Index a file; return the counts and the rows."""
    report = index_rows(read_mix(file), out, **options)
    return report, pyarrow.parquet.read_table(out / "rows.parquet").to_pylist()


def test_every_image_is_found_looked_at_and_hashed_or_its_row_is_refused(
    tmp_path: Path, images: Path
) -> None:
    file = tmp_path / "mix.json"
    names: list[Any] = [
        "coco/a.jpg",
        "ocr_vqa/b.jpg",
        ["coco/a.jpg", "ocr_vqa/b.png"],
        "https://a.org/c.png",
        "moving.jpg",
        "cut.jpg",
        "empty.jpg",
        "out.jpg",
        "nowhere.jpg",
        "coco",
    ]
    file.write_text(json.dumps([row(name, f"Thing {n}.") for n, name in enumerate(names)]))
    report, rows = run(file, tmp_path / "out", images=images)
    kept = [[image["path"] for image in one["images"]] for one in rows]
    url_file = f"{text_digest('https://a.org/c.png')}.png"
    assert kept == [["coco/a.jpg"], ["ocr_vqa/b.png"], ["coco/a.jpg", "ocr_vqa/b.png"], [url_file]]
    digest = hashlib.sha256((images / "coco" / "a.jpg").read_bytes()).hexdigest()
    assert rows[0]["images"][0]["sha256"] == digest
    assert rows[1]["repairs"] == ["other extension"]
    assert report.rejects == {
        "image unusable": 3,
        "image missing": 2,
        "image path leaves the folder": 1,
    }
    assert (report.read, report.kept, report.multi_image) == (10, 4, 1)


def test_rows_read_without_an_image_folder_keep_the_names_alone(tmp_path: Path) -> None:
    (tmp_path / "mix.json").write_text(json.dumps([row("coco/a.jpg")]))
    report, rows = run(tmp_path / "mix.json", tmp_path / "out")
    assert rows[0]["images"] == [
        dict.fromkeys(("path", "sha256", "format", "disposition")) | {"name": "coco/a.jpg"}
    ]
    assert report.dispositions == {"not looked at": 1}


def test_the_bytes_do_not_depend_on_workers_or_on_a_second_run(
    tmp_path: Path, images: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spool, "PART_ROWS", 16)
    file = tmp_path / "mix.json"
    file.write_text(json.dumps([row("coco/a.jpg", f"Thing {n}.") for n in range(100)]))
    found = set()
    for name, workers in (("one", 1), ("two", 2), ("one", 1)):
        run(file, tmp_path / name, images=images, workers=workers)
        parts = [
            (tmp_path / name / part).read_bytes() for part in ("rows.parquet", "rejects.jsonl")
        ]
        found.add(tuple(map(hash, parts)))
    assert len(found) == 1


def test_injected_defects_are_counted_in_the_report(tmp_path: Path) -> None:
    injected = write_rows(tmp_path / "mix.json", 500, every=5)
    report, rows = run(tmp_path / "mix.json", tmp_path / "out")
    assert report.repairs + report.rejects == injected
    assert report.read == 500 == len(rows) + report.rejects.total()
    assert report.text_only == sum(not one["images"] for one in rows)


def test_a_killed_run_goes_on_from_its_spool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mix.json"
    write_rows(file, 60)
    whole, _ = run(file, tmp_path / "whole")
    with monkeypatch.context() as patched:
        patched.setattr(index, "_look_at", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run(file, tmp_path / "out")
    file.rename(tmp_path / "gone.json")  # the spool alone must be enough
    parts = [MixPart(source="mix", path=tmp_path / "gone.json")]
    monkeypatch.setattr(spool, "iterate_rows", lambda *_: 1 / 0)
    assert index_rows(parts, tmp_path / "out") == whole
    for name in ("rows.parquet", "rejects.jsonl"):
        assert (tmp_path / "out" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_damaged_part_is_refused_and_not_published(tmp_path: Path) -> None:
    file = tmp_path / "mix.json"
    write_rows(file, 20)
    run(file, tmp_path / "out")
    (tmp_path / "out" / "work" / "checked" / "00000.parquet").write_bytes(b"PAR1")
    with pytest.raises(ToolkitError, match=r"00000\.parquet is missing or was changed") as refused:
        run(file, tmp_path / "out")
    named = Path(str(refused.value).partition(" delete ")[2].removesuffix(" and run again"))
    named.unlink()
    assert run(file, tmp_path / "out")[0].kept


@pytest.mark.parametrize("spoiled", ["spool.json", "spool/00000.parquet", "spool.rejects.jsonl"])
@pytest.mark.parametrize("how", ["lost", "cut"])
def test_a_damaged_spool_is_written_again(tmp_path: Path, spoiled: str, how: str) -> None:
    file = tmp_path / "mix.json"
    write_rows(file, 60, every=5)
    whole, rows = run(file, tmp_path / "out")
    spool_file = tmp_path / "out" / "work" / spoiled
    if how == "lost":
        spool_file.unlink()
    else:
        spool_file.write_bytes(spool_file.read_bytes()[:-9])
    assert run(file, tmp_path / "out") == (whole, rows)


def test_the_first_rows_alone_are_read_and_later_the_others(tmp_path: Path) -> None:
    file = tmp_path / "mix.json"
    write_rows(file, 60, every=5)
    whole, rows = run(file, tmp_path / "whole")
    few, first = run(file, tmp_path / "out", limit=20)
    assert (few.read, first) == (20, rows[: few.kept])
    assert run(file, tmp_path / "out") == (whole, rows)


def test_long_rows_are_spooled_before_they_are_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mix.json"
    write_rows(file, 40)
    _, rows = run(file, tmp_path / "whole")
    monkeypatch.setattr(spool, "PART_CHARACTERS", 4000)
    assert run(file, tmp_path / "out")[1] == rows
    assert len(list((tmp_path / "out" / "work" / "spool").iterdir())) > 5


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("[]", r"there is no row in mix\.json"),
        ("", r"there is no row in mix\.json"),
        ("[1, 2]", r"no row of mix\.json can be used \(2 of 2: no conversation\): see .*rejects"),
        ('{"data": []}', r"can be used \(1 of 1: no conversation\)"),
    ],
)
def test_a_file_without_a_row_of_use_is_refused(
    tmp_path: Path, content: str, sentence: str
) -> None:
    file = tmp_path / "mix.json"
    file.write_text(content)
    with pytest.raises(ToolkitError, match=sentence) as refused:
        run(file, tmp_path / "out")
    if "see " in str(refused.value):
        assert Path(str(refused.value).partition("see ")[2]).read_text().count("\n")


def test_rows_that_all_lose_their_images_are_no_result(tmp_path: Path) -> None:
    (tmp_path / "mix.json").write_text(json.dumps([row("a.jpg"), row(".", "A cat.")]))
    (tmp_path / "images").mkdir()
    with pytest.raises(ToolkitError, match=r"\(2 of 2: image missing\): see .*out/rejects\.jsonl"):
        run(tmp_path / "mix.json", tmp_path / "out", images=tmp_path / "images")


def test_the_folder_itself_is_no_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, images: Path
) -> None:
    monkeypatch.chdir(images)
    with pytest.raises(DefectError, match="image missing"):
        ImageFolder(Path()).find(["."])
