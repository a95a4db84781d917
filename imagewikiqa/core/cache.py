"""The user's cache folder: what may be shared by runs and fetched again when it is lost."""

import os
from pathlib import Path


def user_cache() -> Path:
    """Return IMAGEWIKIQA_CACHE, else the folder of this package in the user's cache."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(os.environ.get("IMAGEWIKIQA_CACHE") or Path(home) / "imagewikiqa")
