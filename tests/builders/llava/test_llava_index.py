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
        {"name": "coco/a.jpg", "path": None, "sha256": None, "disposition": None}
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
    with pytest.raises(ToolkitError, match=r"00000\.parquet is missing or was changed"):
        run(file, tmp_path / "out")


def mix(folder: Path, *entries: tuple[str, str]) -> Path:
    """Write a mix file over data files of 10 rows each, and return it."""
    lines = ["datasets:"]
    for path, strategy in entries:
        lines += [f"  - json_path: {path}", f'    sampling_strategy: "{strategy}"']
        rows = [row("a.jpg", f"{Path(path).stem} {n}") for n in range(10)]
        (folder / Path(path).name).write_text(json.dumps(rows))
    file = folder / "mix.yaml"
    file.write_text("\n".join(lines))
    return file


def said(rows: list[dict[str, Any]]) -> list[str]:
    """Return the answers."""
    return [one["conversations"][1]["value"] for one in rows]


def test_a_mix_takes_rows_by_its_strategies_from_files_found_by_their_tails(
    tmp_path: Path,
) -> None:
    file = mix(
        tmp_path,
        ("/mnt/authors/one.json", "first:25%"),
        ("/mnt/authors/two.json", "end:2"),
        ("/mnt/authors/three.json", "random:4"),
        ("four.json", "all"),
    )
    report, rows = run(file, tmp_path / "out", seed=3)
    assert said(rows)[:5] == ["one 0", "one 1", "one 2", "two 8", "two 9"]
    assert report.sources == {"one": 3, "two": 2, "three": 4, "four": 10}
    _, again = run(file, tmp_path / "again", seed=4)
    assert said(again)[5:9] != said(rows)[5:9]


def test_a_file_listed_twice_gives_distinct_ids_and_counts_its_repeats(tmp_path: Path) -> None:
    file = mix(tmp_path, ("one.json", "first:3"), ("one.json", "first:4"))
    report, rows = run(file, tmp_path / "out")
    assert [one["id"][:6] for one in rows] == ["one#00", "one#00", "one#00", "one~2#"]
    assert report.rejects == {"duplicate row": 3}


def test_the_published_mixes_are_read_and_their_missing_files_counted(shared_data: Path) -> None:
    for name, files in (("onevision", 82), ("single_image", 90), ("mid_stage", 8)):
        file = shared_data / "llava_samples" / f"llava_next_mix_{name}.yaml"
        with pytest.raises(ToolkitError, match=rf"names (\d+) of {files} files"):
            read_mix(file)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("datasets: []", "lists no datasets"),
        ("a: 1", "no mix in YAML"),
        ("datasets: [{json_path: x.json, sampling_strategy: 'first:101%'}]", "unknown sampling"),
        ("datasets: [{json_path: x.json, sampling_strategy: some}]", "unknown sampling"),
        ("datasets: [{sampling_strategy: all}]", "a dataset of the mix is wrong"),
        ("datasets: [1", "no mix in YAML"),
    ],
)
def test_a_wrong_mix_is_one_sentence(tmp_path: Path, content: str, sentence: str) -> None:
    (tmp_path / "mix.yaml").write_text(content)
    with pytest.raises(ToolkitError, match=sentence):
        read_mix(tmp_path / "mix.yaml")
