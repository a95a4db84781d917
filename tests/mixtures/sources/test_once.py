"""A file that many processes need is made by one of them."""

import os
import time
from functools import partial
from pathlib import Path

from imagewikiqa.core.files import publish_text
from imagewikiqa.core.spread import spread
from imagewikiqa.mixtures.sources.once import made_once


def make(path: Path) -> None:
    time.sleep(0.2)
    (path.parent / f"made-by-{os.getpid()}").touch()
    publish_text(path, "made")


def ask(path: Path, number: int) -> str:
    return made_once(path, make).read_text()


def test_a_file_is_made_by_one_process_and_the_others_wait(tmp_path: Path) -> None:
    path = tmp_path / "work/rows.arrow"
    assert [*spread(partial(ask, path), range(12), 4)] == ["made"] * 12
    assert len([*path.parent.glob("made-by-*")]) == 1
