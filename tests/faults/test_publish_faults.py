"""Publishing cut at every step leaves the old file or the new one, never a part."""

import contextlib
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish, remove_leftovers

from .io_steps import WRITE, DiedError, Steps, disk_full, watched

pytestmark = pytest.mark.faults

OLD = b"old " * 40_000
NEW = [b"new " * 30_000, b"newer " * 30_000]
Writer = Callable[[Path, Iterable[bytes]], None]


def in_place(path: Path, chunks: Iterable[bytes]) -> None:
    """Write without care: the negative control."""
    with path.open("wb") as stream:
        for chunk in chunks:
            stream.write(chunk)


def count_steps(writer: Writer, folder: Path) -> list[str]:
    with watched(Steps(folder)) as steps:
        writer(folder / "file", NEW)
    return steps.taken


def wrong_after_each_death(writer: Writer, folder: Path) -> list[str]:
    """Return every death after which the file was neither the old one nor the new one."""
    path = folder / "file"
    wrong = []
    for torn in (False, True):
        for step, name in enumerate(count_steps(writer, folder)):
            path.write_bytes(OLD)
            with pytest.raises(DiedError), watched(Steps(folder, step, torn)):
                writer(path, NEW)
            if path.read_bytes() not in (OLD, b"".join(NEW)):
                wrong.append(f"{name} {step} torn={torn}")
    return wrong


def test_the_steps_of_publishing_are_all_seen(tmp_path: Path) -> None:
    taken = count_steps(publish, tmp_path)
    assert taken[-3:] == ["fsync", "replace", "fsync"]
    assert taken.count(WRITE) == 2 and "open" in taken


def test_a_death_at_any_step_leaves_the_old_file_or_the_new(tmp_path: Path) -> None:
    assert wrong_after_each_death(publish, tmp_path) == []
    remove_leftovers(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_the_same_deaths_catch_a_writer_in_place(tmp_path: Path) -> None:
    assert len(wrong_after_each_death(in_place, tmp_path)) >= 3


def test_a_full_disk_at_any_step_is_a_sentence_and_never_a_part(tmp_path: Path) -> None:
    path = tmp_path / "file"
    taken = count_steps(publish, tmp_path)
    sentences = []
    for step in range(len(taken)):
        path.write_bytes(OLD)
        try:
            with watched(Steps(tmp_path, step, torn=True, end=disk_full())):
                publish(path, NEW)
        except ToolkitError as error:
            sentences.append(str(error))
        else:
            assert taken[step] == "mkdir"  # the folder was there already
        assert path.read_bytes() in (OLD, b"".join(NEW))
    assert len(sentences) == len(taken) - 1 >= 6
    assert all("the disk is full: free space" in sentence for sentence in sentences)


def test_publishing_again_after_a_death_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for step in range(len(count_steps(publish, tmp_path))):
        with contextlib.suppress(DiedError), watched(Steps(tmp_path, step, torn=True)):
            publish(path, NEW)
        publish(path, NEW)
        assert path.read_bytes() == b"".join(NEW)
