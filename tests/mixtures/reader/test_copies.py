"""A copy of a shard is hashed once on a machine, however many processes ask for it at once."""

import hashlib
import multiprocessing
import time
from pathlib import Path

import pytest

from imagewikiqa.mixtures.reader import copies
from imagewikiqa.mixtures.reader.copies import Copies
from imagewikiqa.mixtures.reader.trusted import OpenFile

CONTENT = b"a shard" * 1000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    (tmp_path / "shard").write_bytes(CONTENT)
    return tmp_path / "shard"


@pytest.fixture
def hashed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a file with a byte for each time that a shard was hashed, which takes a while."""
    count, hash_of = tmp_path / "hashed", copies._sha256

    def slowly(file: OpenFile) -> str:
        with count.open("ab") as stream:
            stream.write(b".")
        time.sleep(0.2)
        return hash_of(file)

    monkeypatch.setattr(copies, "_sha256", slowly)
    return count


def ask(cache: Path, shard: Path) -> None:
    assert Copies(cache).is_right(OpenFile(shard), SHA256)


def test_processes_that_ask_at_once_hash_a_copy_once(
    tmp_path: Path, shard: Path, hashed: Path
) -> None:
    context = multiprocessing.get_context("fork")
    askers = [
        context.Process(target=ask, args=(tmp_path / "cache" / "right", shard)) for _ in range(5)
    ]
    for one in askers:
        one.start()
    for one in askers:
        one.join(30)
    assert [one.exitcode for one in askers] == [0] * 5
    assert hashed.read_bytes() == b"."


def test_what_others_noted_since_is_known(tmp_path: Path, shard: Path, hashed: Path) -> None:
    first, second = (Copies(tmp_path / "right") for _ in range(2))
    assert first.is_right(OpenFile(shard), SHA256) and second.is_right(OpenFile(shard), SHA256)
    assert hashed.read_bytes() == b"."


def test_a_wrong_copy_is_never_noted(tmp_path: Path, shard: Path, hashed: Path) -> None:
    for _ in range(2):
        assert not Copies(tmp_path / "right").is_right(OpenFile(shard), "0" * 64)
    assert hashed.read_bytes() == b".."


def test_lines_that_a_kill_has_cut_hide_no_other(tmp_path: Path, shard: Path, hashed: Path) -> None:
    path = tmp_path / "right"
    ask(path, shard)
    path.write_bytes(b"\n0123" + path.read_bytes() + b"\n4567")
    ask(path, shard)
    seen = Copies(path)
    path.write_bytes(path.read_bytes() + b"89\n")
    assert seen.is_right(OpenFile(shard), SHA256)
    assert hashed.read_bytes() == b"."
