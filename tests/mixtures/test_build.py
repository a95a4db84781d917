"""Shards that several processes make at the same time, as after a node that was taken for dead."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.mixtures.build import Builder, build
from imagewikiqa.mixtures.plan import plan
from imagewikiqa.mixtures.shards.moving import move_shard
from imagewikiqa.mixtures.shards.verify import verify_mixture
from imagewikiqa.mixtures.sources.open import open_sources
from tests.faults.io_steps import Steps, watched
from tests.mixtures.shards.made import make_mixture
from tests.mixtures.small_sources import make_images, make_rows, small_recipe

NAME = "tiny-000000.tar"


def test_writers_of_one_shard_at_the_same_time_come_out_as_one(tmp_path: Path) -> None:
    make_images(tmp_path / "birds")
    make_rows(tmp_path / "talk")
    recipe, alone, out = small_recipe(tmp_path), tmp_path / "alone", tmp_path / "out"
    (tmp_path / "apart").mkdir()
    for folder in (alone, out):
        folder.mkdir()
        shards = plan(recipe, open_sources(recipe, tmp_path / "work"), folder).shards
    build(recipe, alone, alone, tmp_path / "work")
    for _ in range(10):
        builder = Builder(recipe, out, out, tmp_path / "work", tmp_path / "apart")
        with ThreadPoolExecutor(6) as pool:
            assert len([*pool.map(builder, [*range(shards)] * 3)]) == shards * 3
        build(recipe, out, out, tmp_path / "work")
        assert files(out) == files(alone) and not verify_mixture(out)
        assert not [*(tmp_path / "apart").iterdir()]
        for path in out.glob("small-*"):
            path.unlink()


def test_words_that_changed_since_the_plan_are_refused(tmp_path: Path) -> None:
    make_images(tmp_path / "birds")
    make_rows(tmp_path / "talk")
    recipe = small_recipe(tmp_path)
    report = plan(recipe, open_sources(recipe, tmp_path / "work"), tmp_path)
    sha256 = report.sources[0].templates["name_object"]
    path = tmp_path / "plan.json"
    path.write_text(path.read_text().replace(sha256, "0" * 64))
    with pytest.raises(ToolkitError, match="the template name_object has other words than when"):
        build(recipe, tmp_path, tmp_path / "out", tmp_path / "work")


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_shard_that_takes_the_place_of_another_is_never_beside_its_receipt(
    tmp_path: Path,
) -> None:
    make_mixture(tmp_path / "old", 1)
    make_mixture(tmp_path / "new", 1, each=5)
    expected = files(tmp_path / "new")
    with watched(Steps(tmp_path / "old")) as steps:
        move_shard(NAME, tmp_path / "new", tmp_path / "old")
    assert steps.taken == ["unlink", "fsync", "replace", "fsync", "replace", "fsync"]
    del expected["manifest.json"]
    assert expected.items() <= files(tmp_path / "old").items()
