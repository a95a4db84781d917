"""torch's DataLoader gives one order for any number of workers; so does one that is resumed."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.mixtures import Mixture, Sample, load
from tests.mixtures.reader.made import make_mixture

data = pytest.importorskip("torch.utils.data", reason="needs torch")
BATCH = 4
pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")


class Workers(data.IterableDataset):  # type: ignore[name-defined,misc]
    """What a training loop wraps a mixture in."""

    def __init__(self, mixture: Mixture) -> None:
        self.mixture = mixture

    def __iter__(self) -> Iterator[Sample]:
        here = data.get_worker_info()
        return self.mixture.worker(here.id if here else 0, here.num_workers if here else 1, BATCH)


def keys_of(samples: list[Sample]) -> list[str]:
    return [sample.key for sample in samples]


def batches(mixture: Mixture, workers: int) -> Any:
    return data.DataLoader(
        Workers(mixture), batch_size=BATCH, num_workers=workers, collate_fn=keys_of
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("made")
    make_mixture(place / "mixture", (20, 3, 18))
    return place


@pytest.mark.parametrize("workers", [0, 1, 2, 3, 4])
def test_batches_are_the_same_for_any_workers(folder: Path, workers: int) -> None:
    keys = [sample.key for sample in load(folder / "mixture", cache=folder / "cache")]
    expected = [keys[begin : begin + BATCH] for begin in range(0, len(keys), BATCH)]
    mixture = load(folder / "mixture", cache=folder / "cache")
    assert list(batches(mixture, workers)) == expected


@pytest.mark.parametrize(("before", "after"), [(0, 3), (3, 0), (2, 4)])
def test_batches_go_on_where_they_stopped(folder: Path, before: int, after: int) -> None:
    whole = list(batches(load(folder / "mixture", cache=folder / "cache"), 0))
    first = load(folder / "mixture", cache=folder / "cache")
    seen = list(itertools.islice(batches(first, before), 4))
    first.advance(4 * BATCH)
    then = load(folder / "mixture", cache=folder / "cache")
    then.load_state_dict(first.state_dict())
    assert seen + list(batches(then, after)) == whole
