"""A published file is whole, a refusal of the disk is one sentence, leftovers go."""

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.core import files
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import TEMPORARY, explained, publish, publish_text, remove_leftovers

REFUSALS = {
    errno.ENOSPC: "the disk is full: free space and run the same command again",
    errno.EDQUOT: "the disk quota is used up: free space",
    errno.EROFS: "the disk is read-only: choose another --out",
    errno.EACCES: "permission was denied: choose another --out",
    errno.EFBIG: "the file would pass this system's size limit",
}


def refusing(number: int) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return refuse


def test_chunks_become_one_file_and_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file"
    publish(path, [b"one", b"", b"two"])
    assert path.read_bytes() == b"onetwo"
    publish_text(path, "é\n")
    assert path.read_bytes() == "é\n".encode()
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def order_of_publishing(
    write: Callable[[Path], None], path: Path, monkeypatch: pytest.MonkeyPatch
) -> list[str]:
    """Return what a writer did to which kind of file, in order."""
    seen: list[str] = []
    fsync, replace = os.fsync, os.replace

    def watched_fsync(descriptor: int) -> None:
        target = Path(f"/proc/self/fd/{descriptor}").resolve()
        seen.append("sync folder" if target.is_dir() else "sync file")
        fsync(descriptor)

    def watched_replace(source: Any, target: Any) -> None:
        seen.append("rename")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", watched_fsync)
        patch.setattr(os, "replace", watched_replace)
        write(path)
    return seen


def test_a_file_is_synced_before_its_rename_and_the_folder_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def renames_first(path: Path) -> None:
        other = path.with_name("other")
        with other.open("wb") as stream:
            stream.write(b"x")
            other.replace(path)
            os.fsync(stream.fileno())

    right = ["sync file", "rename", "sync folder"]
    path = tmp_path / "file"
    assert order_of_publishing(lambda p: publish(p, [b"x"]), path, monkeypatch) == right
    assert order_of_publishing(renames_first, path, monkeypatch) == ["rename", "sync file"]


def test_an_exception_never_publishes(tmp_path: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"new"
        raise KeyError("a bug while writing")

    path = tmp_path / "file"
    publish(path, [b"old"])
    with pytest.raises(KeyError):
        publish(path, chunks())
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("number", REFUSALS)
@pytest.mark.parametrize("step", ["fsync", "replace", "mkdir"])
def test_what_the_disk_refuses_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, step: str
) -> None:
    path = tmp_path / "new" / "file"
    with monkeypatch.context() as patch:
        patch.setattr(os, step, refusing(number))
        with pytest.raises(ToolkitError) as caught:
            publish(path, [b"data"])
    message = str(caught.value)
    assert message.startswith(f"cannot write {path}: {REFUSALS[number]}")
    assert "\n" not in message
    assert not path.exists()


def test_a_really_full_disk_is_one_sentence(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    with (
        pytest.raises(ToolkitError, match="cannot write .*the disk is full"),
        explained(tmp_path, "write"),
        full.open("wb", buffering=0) as stream,
    ):
        stream.write(b"x")


def test_an_unknown_refusal_keeps_its_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", refusing(errno.EIO))
    with pytest.raises(OSError, match="Input/output") as caught:
        publish(tmp_path / "file", [b"data"])
    assert caught.value.errno == errno.EIO


@pytest.mark.parametrize("below", ["file", "file/deeper"])
def test_a_file_in_the_way_of_a_folder_is_one_sentence(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ToolkitError, match="is a file|a file is in the way"):
        publish(tmp_path / below / "target", [b"data"])
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_folder_in_the_way_of_a_file_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "target" / "inside").mkdir(parents=True)
    with pytest.raises(ToolkitError, match="it is a folder"):
        publish(tmp_path / "target", [b"data"])
    assert (tmp_path / "target" / "inside").is_dir()


def test_only_leftovers_are_removed(tmp_path: Path) -> None:
    kept = [tmp_path / "part-a", tmp_path / "deep" / "data.jsonl"]
    gone = [tmp_path / f"{TEMPORARY}a", tmp_path / "deep" / f"{TEMPORARY}data.jsonl"]
    for path in (*kept, *gone):
        publish(path, [b"x"])
    remove_leftovers(tmp_path)
    assert all(path.is_file() for path in kept)
    assert not any(path.exists() for path in gone)


def test_what_a_failure_leaves_is_a_leftover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", refusing(errno.ENOSPC))
        with pytest.raises(ToolkitError):
            publish(tmp_path / "file", [b"data"])
    assert [entry.name for entry in tmp_path.iterdir()] == [f"{files.TEMPORARY}file"]
    remove_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == []
