"""One small mixture for the tests of exports, and a cache of the tests' own."""

from pathlib import Path

import pytest

from tests.mixtures.exports.made import make_mixture


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the sources, with the mixture in `mix`."""
    folder = tmp_path_factory.mktemp("exports")
    make_mixture(folder)
    return folder


@pytest.fixture(autouse=True)
def _own_cache(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEWIKIQA_CACHE", str(data / "cache"))


@pytest.fixture
def mixture(data: Path) -> Path:
    """Return the mixture's folder, which no test changes."""
    return data / "mix"
