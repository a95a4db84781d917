"""Mistakes and mishaps around a run folder that holds work: told in one sentence, nothing lost."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.core.runs import verify_manifest

SAMPLE = ("rebuild", "--sample", "--limit", 14, "--json")


def told(said: Any, *words: str) -> None:
    """Say whether an ending is exit code 2 and one sentence with these words."""
    assert said.code == 2, said.err
    (sentence,) = said.err.splitlines()
    assert sentence.startswith("imagewikiqa: ")
    assert [one for one in words if one not in sentence] == [], sentence
    assert said.out == ""


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def same_data(run: Path, finished: Path) -> None:
    """Say whether a run ended whole, with the data of an undisturbed one."""
    assert verify_manifest(run) == []
    assert (run / "manifest.json").read_bytes() == (finished / "manifest.json").read_bytes()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--sample", "--seed", "7"), ("seed was 0, now it is 7", "choose another --out")),
        (("--sample", "--per-class", "2"), ("per_class was 5, now it is 2", "repeat the earlier")),
        (("--sample", "--mode", "paper"), ("mode was", "strict", "paper")),
        (("--sample", "--images", "none"), ("images was", "none")),
        (("--pages", "sample", "--classes", "imagenet"), ("classes was", "sample", "imagenet")),
        (("--pages", "sample", "--classes", "my.csv", "--images", "none"), ("classes was", "file")),
    ],
)
def test_a_folder_of_another_run_is_refused_with_the_difference_and_not_touched(
    options: tuple[str, ...],
    words: tuple[str, ...],
    copied: Path,
    command: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(copied.parent)
    Path("my.csv").write_text("id,name\na,Tiger\n", encoding="utf-8")
    before = bytes_of(copied)
    told(command("rebuild", "--out", copied, "--json", *options), str(copied), *words)
    assert bytes_of(copied) == before


def test_a_changed_class_list_of_the_same_name_is_refused_by_its_content(
    tmp_path: Path, command: Callable[..., Any]
) -> None:
    listed, out = tmp_path / "my.csv", tmp_path / "out"
    listed.write_text("id,name\nn02129604,Tiger\nn04536866,Violin\n", encoding="utf-8")
    line = ("pages", "--pages", "sample", "--classes", listed, "--out", out, "--json")
    first = command(*line)
    assert (first.code, first.summary["pages"]) == (0, 2), first.err
    listed.write_text("id,name\nn02129604,Tiger\nn02787622,Banjo\n", encoding="utf-8")
    told(command(*line), "the content of classes was", "choose another --out")
    moved = tmp_path / "moved.csv"
    moved.write_text("id,name\nn02129604,Tiger\nn04536866,Violin\n", encoding="utf-8")
    assert command(*line[:4], moved, *line[5:]).code == 0  # a path is no reason to refuse


def test_a_run_held_by_another_process_is_refused_until_that_ends(
    copied: Path, finished: Path, command: Callable[..., Any]
) -> None:
    hold = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.flock(f, 2); print(1, flush=True)"
    lock = copied / "work" / "lock"
    with subprocess.Popen(
        [sys.executable, "-c", f"{hold}; sys.stdin.read()", str(lock)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as holder:  # fmt: skip
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"1\n"
        before = bytes_of(copied)
        told(command(*SAMPLE, "--out", copied), "another process", str(copied), "wait for it")
        assert bytes_of(copied) == before
        holder.communicate()
    assert command(*SAMPLE, "--out", copied).code == 0
    same_data(copied, finished)


@pytest.mark.parametrize("stage", ["pages", "facts", "draft", "filter"])
def test_a_journal_damaged_in_the_middle_is_named_and_deleting_it_repairs_the_run(
    stage: str, copied: Path, finished: Path, command: Callable[..., Any]
) -> None:
    journal = copied / "work" / f"{stage}.journal"
    first, second, rest = journal.read_bytes().split(b"\n", 2)
    journal.write_bytes(b"\n".join([first, second[:40] + b"#" + second[41:], rest]))
    told(command(*SAMPLE, "--out", copied), journal.name, "line 2", "delete it")
    journal.unlink()
    assert command(*SAMPLE, "--out", copied).code == 0
    same_data(copied, finished)


@pytest.mark.parametrize(
    "table", ["pages.jsonl", "questions.jsonl", "work/draft.jsonl", "work/filter.jsonl"]
)
def test_a_corrupted_table_is_written_again_from_the_journals(
    table: str, copied: Path, finished: Path, command: Callable[..., Any]
) -> None:
    file = copied / table
    file.write_bytes(file.read_bytes()[:-40])
    assert command(*SAMPLE, "--out", copied).code == 0
    same_data(copied, finished)


def test_a_config_that_was_spoiled_is_named_and_giving_the_options_again_repairs_it(
    copied: Path, finished: Path, command: Callable[..., Any]
) -> None:
    (copied / "config.yaml").write_text("a: [", encoding="utf-8")
    told(command("rebuild", "--out", copied, "--json"), "config.yaml is not YAML", "correct it")
    assert command(*SAMPLE, "--out", copied).code == 0
    same_data(copied, finished)


@pytest.mark.parametrize("after", [0, 1, 9, 30, 60])
def test_a_disk_that_fills_up_in_a_journal_loses_nothing_that_was_committed(
    after: int, tmp_path: Path, finished: Path, command: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    real, left = os.write, iter(range(after))

    def write(descriptor: int, data: bytes) -> int:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        told(command(*SAMPLE, "--out", tmp_path / "run"), "the disk is full", "free space")
    journals = (tmp_path / "run" / "work").glob("*.journal")
    assert sum(len(one.read_bytes().splitlines()) for one in journals) == after
    assert command(*SAMPLE, "--out", tmp_path / "run").code == 0
    same_data(tmp_path / "run", finished)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES])
def test_what_the_disk_refuses_at_publishing_is_one_sentence_and_the_run_resumes(
    number: int, tmp_path: Path, finished: Path, command: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    real = Path.replace

    def replace(self: Path, target: str | Path) -> Path:
        if Path(target).name == "questions.jsonl":
            raise OSError(number, os.strerror(number))
        return real(self, target)

    advice = {
        errno.ENOSPC: "the disk is full", errno.EDQUOT: "quota",
        errno.EROFS: "read-only", errno.EACCES: "permission was denied",
    }  # fmt: skip
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        said = command(*SAMPLE, "--out", tmp_path / "run")
    told(said, "questions.jsonl", advice[number])
    assert not (tmp_path / "run" / "manifest.json").exists()
    assert command(*SAMPLE, "--out", tmp_path / "run").code == 0
    same_data(tmp_path / "run", finished)


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_folder_that_cannot_be_made_is_named(
    number: int, tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def mkdir(self: Path, *_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), str(self))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", mkdir)
        said = command(*SAMPLE, "--out", tmp_path / "run")
    told(said, "cannot make the run folder", str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a real file system of 600 KiB, where this machine lets us."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small file system")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_real_disk_that_is_full_is_one_sentence_and_more_room_finishes_the_run(
    small_disk: Path, finished: Path, command: Callable[..., Any]
) -> None:
    told(command(*SAMPLE, "--out", small_disk / "run"), "the disk is full", "free space")
    remount = ["mount", "-o", "remount,size=64m", str(small_disk)]
    subprocess.run(remount, check=True)
    assert command(*SAMPLE, "--out", small_disk / "run").code == 0
    same_data(small_disk / "run", finished)


def test_an_interrupt_exits_130_and_says_how_to_resume(
    tmp_path: Path, finished: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, left = os.write, iter(range(25))

    def write(descriptor: int, data: bytes) -> int:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return real(descriptor, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", write)
        said = command(*SAMPLE, "--out", tmp_path / "run")
    assert (said.code, said.out) == (130, "")
    assert said.err == "imagewikiqa: interrupted; run the same command again to resume\n"
    assert command(*SAMPLE, "--out", tmp_path / "run").code == 0
    same_data(tmp_path / "run", finished)


def test_a_bug_keeps_its_traceback(
    tmp_path: Path, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(os, "write", broken)
    with pytest.raises(ZeroDivisionError):
        command(*SAMPLE, "--out", tmp_path / "run")


def test_control_c_ends_a_real_process_with_130_and_the_way_to_resume(
    tmp_path: Path, finished: Path, command: Callable[..., Any]
) -> None:
    line = ["rebuild", "--sample", "--limit", "14", "--out", str(tmp_path / "run")]
    with subprocess.Popen(
        [sys.executable, "-m", "imagewikiqa", *line],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stderr is not None
        assert process.stderr.readline().startswith("pages: 14 of 14")
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, ""), err
    assert err.splitlines()[-1].startswith("imagewikiqa: interrupted; run the same command again")
    assert "Traceback" not in err
    assert command(*SAMPLE, "--out", tmp_path / "run").code == 0
    same_data(tmp_path / "run", finished)
