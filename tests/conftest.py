"""Fixtures shared by all rooms."""

from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parent.parent
SHARED = REPO.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Return the folder of real pages and lists that lies beside the repository."""
    if not SHARED.is_dir():
        pytest.skip("needs the real pages and lists that lie beside the repository")
    return SHARED
