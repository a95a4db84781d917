"""The engine for Ray, on a cluster of two nodes: the same bytes, whatever dies meanwhile."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks._ray_nodes import HEAD, OTHER, node, two_nodes
from imagewikiqa.core.errors import MissingExtraError, ToolkitError
from imagewikiqa.mixtures import on_ray
from imagewikiqa.mixtures.build import build
from imagewikiqa.mixtures.on_ray import OnRay, open_cluster
from imagewikiqa.mixtures.plan import plan
from imagewikiqa.mixtures.shards.verify import verify_mixture
from imagewikiqa.mixtures.sources.open import open_sources
from tests.cli.conftest import call
from tests.mixtures.noting import DyingBuilder, NotingBuilder
from tests.mixtures.small_sources import RECIPE, make_images, make_rows, small_recipe

REPO = Path(__file__).parents[2]
ABOUT = ("config.yaml", "run.json")
TEXT = RECIPE.replace("sources:", "shard: {samples: 2}\nsources:")
pytestmark = pytest.mark.timeout(180)


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Work where workers find the toolkit and the tests: Ray sends them to the current folder."""
    monkeypatch.chdir(REPO)


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Return two nodes of one CPU each."""
    with two_nodes() as (nodes, folder):
        nodes.folder = folder
        yield nodes


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with two sources and a recipe of twenty shards over them."""
    folder = tmp_path_factory.mktemp("data")
    make_images(folder / "birds", per_class=10)
    make_rows(folder / "talk", rows=15)
    (folder / "small.yaml").write_text(TEXT)
    return folder


@pytest.fixture(scope="module")
def local(data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Return the bytes of the mixture, made in this process."""
    out = planned(data, tmp_path_factory.mktemp("local"))
    build(small_recipe(data, TEXT), out, out, out / "work")
    return files(out)


def planned(data: Path, out: Path) -> Path:
    recipe = small_recipe(data, TEXT)
    (out / "work").mkdir(parents=True)
    assert plan(recipe, open_sources(recipe, out / "work"), out).shards >= 15
    return out


def files(folder: Path) -> dict[str, bytes]:
    """Return the data files of a mixture, without its caches and what is said of the run."""
    there = [path for path in folder.iterdir() if path.is_file()]
    return {one.name: one.read_bytes() for one in there if one.name not in ABOUT}


@pytest.mark.parametrize("workers", [1, None])
def test_the_command_builds_the_same_bytes_on_a_cluster(
    workers: int | None, cluster: Any, data: Path, local: dict[str, bytes], tmp_path: Path,
) -> None:  # fmt: skip
    recipe, out = (Path(os.path.relpath(path)) for path in (data / "small.yaml", tmp_path / "out"))
    more = ["--workers", workers] if workers else []
    said = call("mix", "build", recipe, "--out", out, "--engine", "ray",
                   "--ray-address", cluster.address, "--json", *more)  # fmt: skip
    assert said.code == 0 and said.err == ""
    assert said.summary["shards"] >= 15
    assert files(out) == local
    assert not [*(out / "work" / "apart").iterdir()]


def noting(data: Path, out: Path) -> NotingBuilder:
    return NotingBuilder(small_recipe(data, TEXT), out, out, out / "work")


def notes(out: Path, kind: str, node: str = "*") -> set[int]:
    return {int(path.name.split("-")[1]) for path in (out / "work").glob(f"{kind}-*-{node}")}


def test_a_node_that_dies_costs_no_shard_and_no_byte(
    cluster: Any, data: Path, local: dict[str, bytes], tmp_path: Path
) -> None:
    out = planned(data, tmp_path / "out")
    (other,) = cluster.worker_nodes
    made = OnRay(cluster.address)(noting(data, out), range(9))
    counts = [next(made)]
    while not (
        notes(out, "begun", OTHER) - notes(out, "ended", OTHER) and notes(out, "ended", OTHER)
    ):
        time.sleep(0.01)  # it has taken part, and is in the middle of a shard
    try:
        cluster.remove_node(other, allow_graceful=False)
        counts += made
    finally:
        cluster.add_node(**node(cluster.folder, OTHER))
    assert len(counts) == 9 and notes(out, "ended") == {*range(9)}
    assert notes(out, "ended", HEAD)
    assert notes(out, "begun", HEAD) & notes(out, "begun", OTHER)  # begun again elsewhere
    build(small_recipe(data, TEXT), out, out, out / "work")
    assert files(out) == local


def test_a_worker_that_dies_is_followed_by_another_and_one_that_refuses_is_not(
    cluster: Any, data: Path, local: dict[str, bytes], tmp_path: Path
) -> None:
    out = planned(data, tmp_path / "out")
    given = small_recipe(data, TEXT), out, out, out / "work"
    ill = DyingBuilder(*given, dies={1: 2}, raises={3: ToolkitError})
    made = OnRay(cluster.address, 1)(ill, range(9))
    assert [next(made) for _ in range(3)] == [2, 2, 2]
    with pytest.raises(ToolkitError, match="^shard 3 is ill$"):
        next(made)
    assert [len([*(out / "work").glob(f"try-{number}-*")]) for number in (1, 3, 5)] == [3, 1, 0]
    build(*given)
    assert files(out) == local


def test_a_shard_that_kills_every_worker_is_given_up(
    cluster: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_ray, "_AGAIN", 1)
    out = planned(data, tmp_path / "out")
    ill = DyingBuilder(small_recipe(data, TEXT), out, out, out / "work", dies={0: 9})
    with pytest.raises(ToolkitError, match=r"Ray gave a shard up \(WorkerCrashedError\)"):
        next(OnRay(cluster.address)(ill, range(9)))


@pytest.mark.parametrize("first", ["ray", "local"])
def test_a_build_that_is_killed_is_finished_by_the_other_engine(
    first: str, cluster: Any, data: Path, local: dict[str, bytes], tmp_path: Path,
) -> None:  # fmt: skip
    out = tmp_path / "out"
    assert call("mix", "plan", data / "small.yaml", "--out", out).code == 0
    (second,) = {"ray", "local"} - {first}
    asked = ["mix", "build", str(data / "small.yaml"), "--out", str(out),
             "--ray-address", cluster.address, "--workers", "2", "--engine"]  # fmt: skip
    killed = subprocess.Popen(
        [sys.executable, "-m", "imagewikiqa", *asked, first], cwd=REPO, start_new_session=True
    )
    while not [*out.glob("*.receipt.json")] and killed.poll() is None:
        time.sleep(0.001)
    os.killpg(killed.pid, signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert not (out / "manifest.json").exists()
    said = call(*asked, second)
    assert said.code == 0, said.err
    assert files(out) == local and not verify_mixture(out)


def test_an_image_that_changed_is_one_sentence(cluster: Any, data: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(data, tmp_path / "data"))
    out = tmp_path / "out"
    assert call("mix", "plan", other / "small.yaml", "--out", out).code == 0
    victim = other / "talk/images/1.jpg"
    content = bytearray(victim.read_bytes())
    content[-10] ^= 1
    victim.write_bytes(content)
    said = call("mix", "build", other / "small.yaml", "--out", out, "--engine", "ray",
                   "--ray-address", cluster.address)  # fmt: skip
    (sentence,) = [line for line in said.err.splitlines() if line.startswith("imagewikiqa: ")]
    assert said.code == 2 and "planned" in sentence and "Traceback" not in said.err
    assert not (out / "manifest.json").exists()


def test_a_node_with_other_code_is_refused(
    cluster: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(on_ray, "code_digest", lambda packages: "0" * 64)
    with pytest.raises(ToolkitError, match=r"127\.0\.0\.. has other code"):
        list(OnRay(cluster.address)(noting(data, planned(data, tmp_path / "out")), range(9)))
    assert not notes(tmp_path / "out", "begun")


def test_a_node_that_does_not_see_the_folder_is_refused(
    cluster: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def elsewhere(work: Path) -> Iterator[Path]:
        yield Path("/nowhere/mixture", "work", "apart", "a")

    monkeypatch.setattr(on_ray, "_apart", elsewhere)
    with pytest.raises(ToolkitError, match="does not see /nowhere/mixture: choose"):
        list(OnRay(cluster.address)(noting(data, planned(data, tmp_path / "out")), range(9)))


def test_a_node_that_joins_later_is_asked_as_well(data: Path, tmp_path: Path) -> None:
    out = planned(data, tmp_path / "out")
    with pytest.raises(ToolkitError, match="has other code"):
        on_ray._make(lambda: "it has other code", noting(data, out), 1)
    assert not notes(out, "begun")


def test_a_head_that_dies_is_noticed_while_a_shard_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(on_ray, "_LOOK", 0.01)
    coming: Future[int] = Future()
    with socket.create_server(("127.0.0.1", 0)) as head:
        address = f"127.0.0.1:{head.getsockname()[1]}"
        threading.Timer(0.3, coming.set_result, [7]).start()
        assert on_ray._Watched(coming, address).result() == 7
    with pytest.raises(ToolkitError, match=f"no Ray cluster answers at {address}"):
        on_ray._Watched(Future(), address).result()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("", "there is no Ray cluster to build on"),
        ("local", "'local' is no address"),  # by which Ray would start one
        ("ray://127.0.0.1:10001", "is no address"),
        ("127.0.0.1:99999999", "no Ray cluster answers"),
        ("127.0.0.1:FREE", "no Ray cluster answers"),
    ],
)
def test_without_a_cluster_nothing_is_begun(
    address: str, words: str, data: Path, tmp_path: Path
) -> None:
    said = call("mix", "build", data / "small.yaml", "--out", tmp_path / "out",
                "--engine", "ray", "--ray-address",
                address.replace("FREE", str(free_port())))  # fmt: skip
    assert said.code == 2 and words in said.err and said.err.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(on_ray, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"imagewikiqa\[ray\]"):
        open_cluster("127.0.0.1:6379")
