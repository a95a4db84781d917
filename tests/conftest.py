"""Fixtures shared by all rooms, and the folders of helpers that tests import by name."""

import sys
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent
SHARED = REPO.parent / "shared" / "data"

# The processes that tests start find the helpers the same way.
sys.path[:0] = [str(REPO / "tests" / folder) for folder in ("core", "faults")]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real pages and lists that lies beside the repository."""
    if not SHARED.is_dir():
        pytest.skip("needs the real pages and lists that lie beside the repository")
    return SHARED
