"""A process finds its share of a mixture, or is told that it cannot."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from imagewikiqa.core.errors import ToolkitError
from tests.mixtures.reader.made import make_mixture

torch = pytest.importorskip("torch", reason="needs torch")
from imagewikiqa.trainers.share import Reading, load_share  # noqa: E402


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    make_mixture(tmp_path / "m", (4, 3))
    return tmp_path / "m"


@pytest.fixture
def joined() -> Iterator[None]:
    """Join this process as the second of three; the others need not be there."""
    torch.distributed.init_process_group("fake", rank=1, world_size=3)
    yield
    torch.distributed.destroy_process_group()


def keys(folder: Path, reading: Reading) -> list[str]:
    reading["shuffle"], reading["cache"] = False, folder.parent / "cache"
    return [one.key for one in load_share(folder, **reading)]


def test_a_process_alone_reads_everything(folder: Path) -> None:
    assert len(keys(folder, {})) == 7


@pytest.mark.usefixtures("joined")
def test_rank_and_ranks_are_those_of_the_processes_that_joined(folder: Path) -> None:
    assert keys(folder, {}) == ["k000001", "k000004"]


@pytest.mark.usefixtures("joined")
def test_rank_and_ranks_may_be_given(folder: Path) -> None:
    assert len(keys(folder, {"rank": 0, "ranks": 1})) == 7  # one that evaluates alone


@pytest.mark.parametrize("alone", [Reading(rank=1), Reading(ranks=2)])
def test_one_of_them_alone_is_refused(folder: Path, alone: Reading) -> None:
    with pytest.raises(ToolkitError, match="given alone"):
        keys(folder, alone)


def test_a_process_that_has_not_joined_the_others_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(ToolkitError, match="one of 4 processes .*init_process_group first"):
        keys(folder, {})
    assert len(keys(folder, {"rank": 3, "ranks": 4})) == 1
