"""Files of `work` that are made once, by whichever process needs one first."""

from collections.abc import Callable
from pathlib import Path

from imagewikiqa.core.files import explained
from imagewikiqa.core.runs import held


def made_once(path: Path, make: Callable[[Path], None]) -> Path:
    """Return a file that `make` publishes; processes that need it meanwhile wait for it."""
    if not path.is_file():
        with explained(path, "write"):
            path.parent.mkdir(parents=True, exist_ok=True)
        with held(path.with_suffix(".lock"), wait=True):
            if not path.is_file():
                make(path)
    return path
