"""Rows and images of an export are the mixture's, whoever reads or writes them."""

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures import load
from imagewikiqa.mixtures.exports import rows
from imagewikiqa.mixtures.exports.forms import FORMS
from imagewikiqa.mixtures.exports.rows import export_rows
from imagewikiqa.mixtures.exports.shards import contents_of
from tests.mixtures.reader.made import make_mixture as make_plain

LISTED = ("sharegpt", "messages", "chat")


def export(mixture: Path, out: Path, form: str = "llava", workers: int = 1) -> list[dict[str, Any]]:
    """Export a mixture and return the rows of the data file."""
    made = FORMS[form]
    export_rows(contents_of(mixture), out, made, work=out / "work", workers=workers)
    return read(out / made.data)


def read(path: Path) -> list[dict[str, Any]]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".json":
        return list(json.loads(text))
    return [json.loads(line) for line in text.splitlines()]


def tree(out: Path) -> dict[str, bytes]:
    """Return the files of an export, without those of unfinished work."""
    files = [file for file in out.rglob("*") if file.is_file()]
    inside = {file.relative_to(out).as_posix(): file.read_bytes() for file in files}
    return {name: content for name, content in inside.items() if not name.startswith("work/")}


@pytest.mark.parametrize("form", FORMS)
def test_every_sample_is_a_row_in_the_order_of_the_shards_with_its_own_image(
    form: str, mixture: Path, tmp_path: Path
) -> None:
    made = export(mixture, tmp_path, form)
    samples = list(load(mixture, shuffle=False))
    assert [row["id"] for row in made] == [sample.key for sample in samples]
    assert len({row["id"] for row in made}) == len(made) == 24
    for row, sample in zip(made, samples, strict=True):
        named = row.get("images", [row["image"]] if "image" in row else [])
        assert len(named) == len(sample.files)
        for name, (extension, content) in zip(named, sample.files.items(), strict=True):
            assert name.endswith(f"/{sample.key}.{extension}")
            assert (tmp_path / FORMS[form].below / name).read_bytes() == content
    assert sum(not sample.files for sample in samples) == 2


def test_llavas_rows_say_image_only_where_there_is_one(mixture: Path, tmp_path: Path) -> None:
    made = export(mixture, tmp_path)
    assert sum("image" in row for row in made) == 22
    for row in made:
        assert all(isinstance(turn["value"], str) for turn in row["conversations"])
        assert ("image" in row) == ("<image>" in row["conversations"][0]["value"])


@pytest.mark.parametrize("form", LISTED)
def test_every_line_has_fields_of_one_type_for_loaders_that_make_a_table(
    form: str, mixture: Path, tmp_path: Path
) -> None:
    made = export(mixture, tmp_path, form)
    assert all(isinstance(row["images"], list) for row in made)
    column = "conversations" if form == "sharegpt" else "messages"
    turns = [turn for row in made for turn in row[column]]
    assert len({frozenset(turn) for turn in turns}) == 1
    contents = [turn.get("content", turn.get("value")) for turn in turns]
    assert {type(one) for one in contents} == {list if form == "chat" else str}


def test_as_many_image_parts_as_images_and_no_token_in_a_text(
    mixture: Path, tmp_path: Path
) -> None:
    for row in export(mixture, tmp_path, "chat"):
        parts = [part for turn in row["messages"] for part in turn["content"]]
        assert sum(part == {"type": "image"} for part in parts) == len(row["images"])
        assert not any("<image>" in part.get("text", "") for part in parts)


@pytest.mark.parametrize("form", ["sharegpt", "messages"])
def test_llama_factory_is_told_which_columns_and_tags_the_rows_have(
    form: str, mixture: Path, tmp_path: Path
) -> None:
    made = export(mixture, tmp_path, form)
    ((name, said),) = json.loads((tmp_path / "dataset_info.json").read_text()).items()
    assert name == "small" and (tmp_path / said["file_name"]).is_file()
    usual = {"role_tag": "from", "content_tag": "value", "user_tag": "human"}
    tags = usual | {"assistant_tag": "gpt"} | said.get("tags", {})
    for row in made:
        for place, turn in enumerate(row[said["columns"]["messages"]]):
            asked = tags["assistant_tag" if place % 2 else "user_tag"]
            assert turn[tags["role_tag"]] == asked and turn[tags["content_tag"]]
        for image in row[said["columns"]["images"]]:
            assert (tmp_path / image).is_file()


def test_the_sums_are_those_of_the_files_and_of_no_other(mixture: Path, tmp_path: Path) -> None:
    export(mixture, tmp_path)
    lines = [line.split("  ") for line in (tmp_path / "images.sha256").read_text().splitlines()]
    there = {p.relative_to(tmp_path).as_posix() for p in tmp_path.glob("images/*/*")}
    assert {name for _, name in lines} == there and len(lines) == 22
    for digest, name in lines:
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == digest


def test_any_number_of_workers_writes_the_same_bytes(mixture: Path, tmp_path: Path) -> None:
    for workers in (1, 3):
        export(mixture, tmp_path / str(workers), "messages", workers)
    assert tree(tmp_path / "1") == tree(tmp_path / "3")


def test_what_is_finished_is_not_written_again_and_what_is_gone_is(
    mixture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    export(mixture, tmp_path)
    before = tree(tmp_path)
    written: list[str] = []
    real = rows._write_synced

    def noted(path: Path, content: bytes) -> None:
        written.append(path.parent.name)
        real(path, content)

    monkeypatch.setattr(rows, "_write_synced", noted)
    export(mixture, tmp_path)
    assert written == []
    shutil.rmtree(tmp_path / "images/small-000001")
    (tmp_path / "data.json").unlink()
    export(mixture, tmp_path)
    assert set(written) == {"small-000001.images"} and tree(tmp_path) == before
    written.clear()
    next((tmp_path / "images/small-000002").iterdir()).unlink()
    export(mixture, tmp_path)
    assert set(written) == {"small-000002.images"} and tree(tmp_path) == before


@pytest.mark.parametrize("spoilt", ["small-000003.tar", "small-000003.receipt.json"])
def test_a_bad_shard_is_one_sentence_and_there_is_no_data_file(
    spoilt: str, mixture: Path, tmp_path: Path
) -> None:
    cut = Path(shutil.copytree(mixture, tmp_path / "cut"))
    content = bytearray((cut / spoilt).read_bytes())
    content[100] ^= 1
    (cut / spoilt).write_bytes(content)
    with pytest.raises(ToolkitError, match=r"small-000003.*(build it or fetch it again)"):
        export(cut, tmp_path / "out")
    assert not (tmp_path / "out/data.json").exists()


def test_a_mixture_without_conversations_is_refused(tmp_path: Path) -> None:
    make_plain(tmp_path / "plain", [3])
    with pytest.raises(
        ToolkitError, match=r"sample 'k000000' of the shard made-000000.tar holds no"
    ):
        export(tmp_path / "plain", tmp_path / "out")
    assert not (tmp_path / "out/data.json").exists()


@pytest.mark.parametrize("form", FORMS)
def test_datasets_opens_the_rows(
    form: str, mixture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets", reason="needs datasets, a peer")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    made = export(mixture, tmp_path, form)
    loaded = datasets.load_dataset(
        "json", data_files=str(tmp_path / FORMS[form].data), split="train",
        cache_dir=str(tmp_path / "cache"),
    )  # fmt: skip
    assert loaded["id"][:] == [row["id"] for row in made]
    for row, found in zip(made, loaded, strict=True):
        assert {name: value for name, value in found.items() if value is not None} == row


def test_the_images_of_typed_parts_open_as_trl_asks_for_them(
    mixture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    datasets = pytest.importorskip("datasets", reason="needs datasets, a peer")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    export(mixture, tmp_path, "chat")
    monkeypatch.chdir(tmp_path)
    loaded = datasets.load_dataset(
        "json", data_files="data.jsonl", split="train", cache_dir=str(tmp_path / "cache")
    ).cast_column("images", datasets.List(datasets.Image()))
    assert [len(one) for one in loaded["images"]].count(0) == 2
    assert all(image.size[1] == 16 for one in loaded["images"] for image in one)
