"""A folder for a hub opens as it is, holds what may be published, and says whose it is."""

import errno
import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.runs import verify_manifest
from imagewikiqa.mixtures import load
from imagewikiqa.mixtures.exports.hub import HubReport, write_hub
from imagewikiqa.mixtures.exports.shards import contents_of
from imagewikiqa.mixtures.recipe_kept import kept_recipe
from imagewikiqa.mixtures.shards.verify import verify_mixture
from tests.mixtures.exports.made import RECIPE, make_mixture, make_sources, picture

WNIDS = ("n01440764", "n01443537", "n01484850")
NAMED = RECIPE.replace("    images: pics\n", "    images: pics\n    classes: imagenet\n")
SAID = ("epochs: 1}", "epochs: 1, license: mit}")  # of the conversations
OPEN = NAMED.replace("    license: cc-by-4.0\n", "")


def export(mixture: Path, out: Path, pixels: bool | None = True, workers: int = 1) -> HubReport:
    return write_hub(contents_of(mixture), out, pixels=pixels, workers=workers)


def files(folder: Path) -> dict[str, bytes]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def metadata(out: Path) -> dict[str, Any]:
    head = (out / "README.md").read_text(encoding="utf-8").split("---\n")[1]
    return dict(yaml.safe_load(head))


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return `datasets`, cut off from the network and caching in the test's own folder."""
    datasets = pytest.importorskip("datasets", reason="needs datasets, a peer")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "datasets")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)

    def refuse(*_: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    return datasets


def test_load_dataset_opens_shards_with_images_of_three_kinds_and_text_alone(
    mixture: Path, tmp_path: Path, offline: Any
) -> None:
    export(mixture, tmp_path / "hub")
    rows = offline.load_dataset(str(tmp_path / "hub"), split="train")
    samples = list(load(mixture, shuffle=False))
    assert rows["__key__"][:] == [sample.key for sample in samples]
    for row, sample in zip(rows, samples, strict=True):
        shown = {name for name in ("jpg", "png", "webp") if row[name] is not None}
        assert shown == sample.files.keys()
        assert all(row[name].size[1] == 16 for name in shown)
        assert row["json"]["conversations"] == sample.record["conversations"]
        assert row["json"]["class_id"] == sample.record.get("class_id")


def test_load_dataset_opens_the_release_without_pixels(
    mixture: Path, tmp_path: Path, offline: Any
) -> None:
    export(mixture, tmp_path / "hub", pixels=False)
    rows = offline.load_dataset(str(tmp_path / "hub"), split="train")
    samples = {sample.key: sample for sample in load(mixture, shuffle=False)}
    assert rows["key"][:] == [*samples]
    for row in rows:
        assert row["conversations"] == samples[row["key"]].record["conversations"]
        assert (row["image_sha256"] is None) == (not samples[row["key"]].files)


def test_the_package_webdataset_opens_the_shards_that_the_card_names(
    mixture: Path, tmp_path: Path
) -> None:
    webdataset = pytest.importorskip("webdataset", reason="needs webdataset, a peer")
    export(mixture, tmp_path)
    (line,) = [one for one in (tmp_path / "README.md").read_text().splitlines() if "PATH/" in one]
    shards = line.split('"')[1].replace("PATH", str(tmp_path))
    found = list(webdataset.WebDataset(shards, shardshuffle=False).decode("pil"))
    assert [one["__key__"] for one in found] == [one.key for one in load(mixture, shuffle=False)]


def test_the_hub_reads_the_cards_metadata(mixture: Path, tmp_path: Path) -> None:
    hub = pytest.importorskip("huggingface_hub", reason="needs huggingface_hub, a peer")
    export(mixture, tmp_path)
    said = hub.DatasetCard.load(tmp_path / "README.md").data.to_dict()
    assert said["size_categories"] == ["n<1K"]
    assert said["license"] == "other" and said["license_name"] == "by-source"
    assert "extra_gated_prompt" not in said
    assert [one["name"] for one in said["dataset_info"]["features"]][:3] == ["jpg", "png", "webp"]


def test_an_export_is_the_mixture_itself_verified_and_loaded(mixture: Path, tmp_path: Path) -> None:
    told = export(mixture, tmp_path)
    assert verify_mixture(tmp_path) == []
    here, there = (list(load(folder, seed=2)) for folder in (tmp_path, mixture))
    assert here == there and told.samples == len(here) == 24
    assert told.files == len(files(tmp_path)) and not (tmp_path / "work").exists()
    assert told.unlicensed == ("talk",) and told.imagenet == ()


def test_shards_take_no_room_twice_where_links_are_possible(mixture: Path, tmp_path: Path) -> None:
    export(mixture, tmp_path)
    assert (tmp_path / "small-000000.tar").samefile(mixture / "small-000000.tar")


def test_shards_are_copied_where_links_are_not_possible(
    mixture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))

    monkeypatch.setattr(os, "link", refuse)
    export(mixture, tmp_path / "hub")
    assert not (tmp_path / "hub/small-000000.tar").samefile(mixture / "small-000000.tar")
    assert verify_mixture(tmp_path / "hub") == []
    (tmp_path / "hub/small-000001.tar").write_bytes(b"half of it")
    export(mixture, tmp_path / "hub")
    assert verify_mixture(tmp_path / "hub") == []


@pytest.mark.parametrize("pixels", [True, False])
def test_no_published_file_tells_of_this_machine_or_changes_with_workers(
    pixels: bool, mixture: Path, tmp_path: Path
) -> None:
    for workers in (1, 2):
        export(mixture, tmp_path / str(workers), pixels, workers)
    published = files(tmp_path / "1")
    assert published == files(tmp_path / "2")
    secrets = (str(mixture.parent), socket.gethostname())
    assert not [n for n, one in published.items() if any(s.encode() in one for s in secrets)]


def test_without_pixels_there_are_none_and_the_recipe_builds_the_same_mixture(
    data: Path, mixture: Path, tmp_path: Path
) -> None:
    export(mixture, tmp_path / "hub", pixels=False)
    assert verify_manifest(tmp_path / "hub") == []
    published = files(tmp_path / "hub")
    assert not [name for name in published if name.endswith((".tar", ".jpg", ".png", ".webp"))]
    pictures = [path.read_bytes() for path in data.rglob("*.jpg")]
    assert not [n for n, one in published.items() if any(p in one for p in pictures)]
    own = tmp_path / "own"  # as recipe.yaml names the sources
    for name, table, images in (("pics", "index", "pics"), ("talk", "rows", "shots")):
        shutil.copytree(data / images, own / name / "images")
        shutil.copytree(data / table, own / name / table)
    (own / "talk/rows/rows.parquet").rename(own / "talk/rows.parquet")
    recipe = (tmp_path / "hub/recipe.yaml").read_text()
    again = make_mixture_of(own, recipe)
    assert (again / "manifest.json").read_bytes() == published["mixture.json"]


def make_mixture_of(folder: Path, recipe: str) -> Path:
    """Build a recipe whose sources lie below a folder under their names."""
    (folder / "index").mkdir()  # so that no others are made
    return make_mixture(folder, recipe)


def test_the_tables_without_pixels_have_a_row_for_every_sample(
    mixture: Path, tmp_path: Path
) -> None:
    export(mixture, tmp_path, pixels=False)
    for shard in contents_of(mixture).shards:
        assert pq.read_metadata(tmp_path / f"data/{shard.name}.parquet").num_rows == shard.count


@pytest.mark.parametrize("name", ["n01440764_10026.JPEG", "ILSVRC2012_val_00000001.JPEG"])
def test_files_named_as_imagenets_are_refused_whatever_the_recipe_says(
    name: str, tmp_path: Path
) -> None:
    picture(tmp_path / f"pics/train/{WNIDS[0]}/{name}", "JPEG", 9)
    make_sources(tmp_path, WNIDS)
    mix = make_mixture(tmp_path, NAMED.replace(*SAID))
    with pytest.raises(ToolkitError, match=r"source pics .* ImageNet.*--without-pixels"):
        export(mix, tmp_path / "hub", pixels=None)
    assert files(tmp_path / "hub") == {}
    assert export(mix, tmp_path / "hub", pixels=False).imagenet == ("pics",)
    card = (tmp_path / "hub/README.md").read_text()
    assert "are ImageNet's" in card and "They are not here" in card
    assert "extra_gated_prompt" not in card


def test_images_of_imagenets_classes_need_a_word_and_then_a_gate(tmp_path: Path) -> None:
    make_sources(tmp_path, WNIDS)
    mix = make_mixture(tmp_path, OPEN)
    with pytest.raises(ToolkitError, match=r"source pics .* ImageNet"):
        export(mix, tmp_path / "hub", pixels=None)
    assert not (tmp_path / "hub").exists()
    assert export(mix, tmp_path / "hub", pixels=True).imagenet == ("pics",)
    said = metadata(tmp_path / "hub")
    assert "non-commercial research" in said["extra_gated_prompt"]
    assert "checkbox" in said["extra_gated_fields"].values()
    card = (tmp_path / "hub/README.md").read_text()
    assert "| pics | the terms of ImageNet |" in card and "Keep the repository gated" in card
    assert "tench" in card  # the name of n01440764


def test_photographs_of_imagenets_classes_under_a_licence_of_their_own_go_along(
    tmp_path: Path,
) -> None:
    make_sources(tmp_path, WNIDS)
    mix = make_mixture(tmp_path, NAMED.replace(*SAID))
    assert export(mix, tmp_path / "hub", pixels=None).imagenet == ()
    assert "extra_gated_prompt" not in metadata(tmp_path / "hub")


def test_a_licence_that_is_told_later_is_on_the_card_and_no_shard_changes(
    data: Path, mixture: Path, tmp_path: Path
) -> None:
    own = Path(shutil.copytree(data, tmp_path / "own"))
    before = (own / "mix/manifest.json").read_bytes()
    with pytest.raises(ToolkitError, match="under which licence the images of talk"):
        export(mixture, tmp_path / "hub", pixels=None)
    told = RECIPE.replace(*SAID)
    mix = make_mixture(own, told)
    assert (mix / "manifest.json").read_bytes() == before
    export(mix, tmp_path / "hub", pixels=None)
    assert metadata(tmp_path / "hub")["license"] == "other"
    mix = make_mixture(own, told.replace("mit", "CC-BY-4.0"))
    export(mix, tmp_path / "hub")
    assert metadata(tmp_path / "hub")["license"] == "cc-by-4.0"


def test_a_half_export_is_none_and_the_next_call_ends_it(mixture: Path, tmp_path: Path) -> None:
    export(mixture, tmp_path)
    whole = files(tmp_path)
    for name in ("manifest.json", "README.md", "small-000002.tar", "small-000003.receipt.json"):
        (tmp_path / name).unlink()
    with pytest.raises(ToolkitError, match="not finished"):
        load(tmp_path)
    export(mixture, tmp_path)
    assert files(tmp_path) == whole


@pytest.mark.parametrize("name", ["letter.txt", "other-000000.tar", "data"])
def test_a_folder_of_something_else_is_left_alone(name: str, mixture: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(ToolkitError, match=f"holds something else .it has {name}"):
        export(mixture, tmp_path)
    assert files(tmp_path) == {name: b"mine"}


def test_an_export_of_another_mixture_or_with_pixels_is_left_alone(
    data: Path, mixture: Path, tmp_path: Path
) -> None:
    own = Path(shutil.copytree(data, tmp_path / "own"))
    other = make_mixture(own, RECIPE.replace("seed: 3", "seed: 4"), name="other")
    export(mixture, tmp_path / "hub")
    before = files(tmp_path / "hub")
    with pytest.raises(ToolkitError, match="the export of another mixture"):
        export(other, tmp_path / "hub")
    with pytest.raises(ToolkitError, match=r"holds something else .it has small-000000"):
        export(mixture, tmp_path / "hub", pixels=False)
    with pytest.raises(ToolkitError, match="is the mixture itself"):
        export(mixture, mixture)
    assert files(tmp_path / "hub") == before and verify_mixture(mixture) == []


def test_a_bad_shard_is_one_sentence_and_nothing_is_published(
    mixture: Path, tmp_path: Path
) -> None:
    cut = Path(shutil.copytree(mixture, tmp_path / "cut"))
    content = bytearray((cut / "small-000004.tar").read_bytes())
    content[700] ^= 1
    (cut / "small-000004.tar").write_bytes(content)
    with pytest.raises(ToolkitError, match=r"small-000004.tar holds other bytes"):
        export(cut, tmp_path / "hub")
    assert files(tmp_path / "hub") == {}
    shutil.copy(mixture / "small-000004.tar", cut)
    export(cut, tmp_path / "hub")
    assert verify_mixture(tmp_path / "hub") == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("plan.json", "no plan"),
        ("recipe.yaml", "no .*recipe.yaml"),
        ("plan.parquet", "not the plan"),
    ],
)
def test_a_mixture_that_cannot_say_how_it_was_made_is_refused(
    name: str, words: str, mixture: Path, tmp_path: Path
) -> None:
    cut = Path(shutil.copytree(mixture, tmp_path / "cut"))
    (cut / name).unlink()
    with pytest.raises(ToolkitError, match=words):
        export(cut, tmp_path / "hub")


def test_a_recipe_of_another_mixture_is_refused(mixture: Path, tmp_path: Path) -> None:
    cut = Path(shutil.copytree(mixture, tmp_path / "cut"))
    text = (cut / "recipe.yaml").read_text()
    (cut / "recipe.yaml").write_text(text.replace("seed: 3", "seed: 4"))
    with pytest.raises(ToolkitError, match="not the recipe"):
        kept_recipe(cut, json.loads((cut / "plan.json").read_text())["recipe"])


def test_tar_lists_every_shard(mixture: Path, tmp_path: Path) -> None:
    export(mixture, tmp_path)
    for shard in contents_of(mixture).shards:
        listed = subprocess.run(
            ["tar", "tf", tmp_path / shard.file], capture_output=True, text=True, check=True
        ).stdout.splitlines()
        assert sum(name.endswith(".json") for name in listed) == shard.count
