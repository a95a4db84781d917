"""A journal gives back what was committed, cuts a torn tail and refuses other damage."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.journal import Journal, open_journal

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.dictionaries(
    TEXT, st.recursive(TEXT | st.integers() | st.none(), lambda inner: st.lists(inner, max_size=3))
)
LONG = "naïve 学\n\u2028" * 5


def filled(path: Path, *keys: str) -> bytes:
    """Commit keys to a new journal and return its bytes."""
    journal = open_journal(path)
    for key in keys:
        journal.commit(key, {"rows": [key, LONG]})
    journal.close()
    return path.read_bytes()


def reopened(path: Path) -> dict[str, Any]:
    journal = open_journal(path)
    held = {key: journal.read(key) for key in journal.spans}
    journal.close()
    return held


@given(st.dictionaries(TEXT, VALUES, max_size=8))
def test_what_was_committed_is_read_in_order(
    tmp_path_factory: pytest.TempPathFactory, entries: dict[str, dict[str, Any]]
) -> None:
    path = tmp_path_factory.mktemp("journal") / "j"
    journal = open_journal(path)
    for key, value in entries.items():
        journal.commit(key, value)
        assert key in journal and journal.read(key) == value
    journal.close()
    assert list(reopened(path).items()) == list(entries.items())
    assert path.read_bytes().count(b"\n") == len(entries)


def test_a_tail_torn_at_any_byte_is_cut_and_done_again(tmp_path: Path) -> None:
    path = tmp_path / "j"
    whole = filled(path, "a", "b", "last")
    start = whole[:-1].rindex(b"\n") + 1
    assert len(whole) - start > 60
    for cut in range(start, len(whole)):
        path.write_bytes(whole[:cut])
        journal = open_journal(path)
        assert list(journal.spans) == ["a", "b"], cut
        assert path.read_bytes() == whole[:start], cut
        journal.commit("last", {"rows": ["last", LONG]})
        journal.close()
        assert path.read_bytes() == whole, cut


def test_a_first_line_torn_at_any_byte_leaves_an_empty_journal(tmp_path: Path) -> None:
    path = tmp_path / "j"
    whole = filled(path, "only")
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        assert reopened(path) == {}
        assert path.read_bytes() == b""


def test_a_changed_byte_of_the_last_line_is_never_believed(tmp_path: Path) -> None:
    path = tmp_path / "j"
    whole = filled(path, "a", "last")
    start = whole[:-1].rindex(b"\n") + 1
    for at in range(start, len(whole)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        try:
            held = reopened(path)
        except ToolkitError as error:  # the changed byte became a newline: two wrong lines
            assert "damaged at line 2" in str(error)
        else:
            assert list(held) == ["a"], at


def test_damage_before_the_last_line_is_refused_at_every_byte(tmp_path: Path) -> None:
    path = tmp_path / "j"
    whole = filled(path, "a", "middle", "last")
    first = whole.index(b"\n") + 1
    second = whole.index(b"\n", first) + 1
    for at in range(first, second - 1):
        damaged = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
        path.write_bytes(damaged)
        with pytest.raises(ToolkitError) as caught:
            open_journal(path)
        assert str(caught.value) == (
            f"{path} is damaged at line 2: delete it to do that stage again"
        )
        assert path.read_bytes() == damaged  # evidence stays


def test_two_lines_run_together_at_the_end_are_done_again(tmp_path: Path) -> None:
    path = tmp_path / "j"
    whole = filled(path, "a", "middle", "last")
    second = whole.index(b"\n", whole.index(b"\n") + 1)
    path.write_bytes(whole[:second] + b" " + whole[second + 1 :])
    assert list(reopened(path)) == ["a"]


def test_a_second_commit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "j"
    filled(path, "a")
    journal = open_journal(path)
    with pytest.raises(ValueError, match="already holds a"):
        journal.commit("a", {"rows": []})
    journal.commit("b", {})
    with pytest.raises(ValueError, match="already holds b"):
        journal.commit("b", {})
    with pytest.raises(KeyError):
        journal.read("c")
    journal.close()
    assert list(reopened(path)) == ["a", "b"]


def commit_refused(journal: Journal, monkeypatch: pytest.MonkeyPatch, write: Any) -> str:
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        with pytest.raises(ToolkitError) as caught:
            journal.commit("b", {"rows": [LONG]})
    return str(caught.value)


def test_a_full_disk_leaves_no_part_of_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.write
    path = tmp_path / "j"
    before = filled(path, "a")

    def short(descriptor: int, data: bytes) -> int:
        return real(descriptor, data[: len(data) // 2])

    def none(descriptor: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    journal = open_journal(path)
    for write in (short, none):
        message = commit_refused(journal, monkeypatch, write)
        assert message == (
            f"cannot write {path}: the disk is full: free space and run the same command again"
        )
        assert path.read_bytes() == before and "b" not in journal
    journal.commit("b", {"rows": [1]})
    journal.close()
    assert reopened(path)["b"] == {"rows": [1]}


def test_a_disk_that_fills_at_the_last_moment_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = open_journal(tmp_path / "j")
    journal.commit("a", {})

    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(ToolkitError, match="the disk is full"):
            journal.close()
    assert journal.stream.closed


SECOND = """
import sys
from pathlib import Path
from imagewikiqa.core.journal import open_journal
print("started", flush=True)
journal = open_journal(Path(sys.argv[1]))
print(sorted(journal.spans), flush=True)
journal.commit("theirs", {"rows": []})
journal.close()
"""


def test_a_second_process_waits_and_then_sees_everything(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal = open_journal(path)
    journal.commit("mine", {"rows": []})
    other = subprocess.Popen(
        [sys.executable, "-c", SECOND, str(path)], stdout=subprocess.PIPE, text=True
    )
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == "started\n"
        with pytest.raises(subprocess.TimeoutExpired):
            other.wait(0.5)
        journal.commit("mine too", {"rows": []})
        journal.close()
        assert other.stdout.readline() == "['mine', 'mine too']\n"
    assert other.returncode == 0
    assert list(reopened(path)) == ["mine", "mine too", "theirs"]


def test_a_folder_in_the_way_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "j").mkdir()
    with pytest.raises(ToolkitError, match="it is a folder"):
        open_journal(tmp_path / "j")
