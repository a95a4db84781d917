"""A build killed, failed or starved anywhere never shows a wrong shard, and ends the same."""

import errno
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import TEMPORARY
from imagewikiqa.mixtures.records import ShardSample
from imagewikiqa.mixtures.shards import hashing, tape
from imagewikiqa.mixtures.shards.verify import verify_mixture
from imagewikiqa.mixtures.shards.write import is_done, receipt_path, write_shard
from tests.faults.harness import REPO, DyingProgram, die_at_steps, kill_program, tree_digest
from tests.faults.io_steps import Steps, disk_full, fail_with, watched
from tests.mixtures.shards.made import PLAN, make_mixture, samples

pytestmark = [pytest.mark.faults, pytest.mark.timeout(3600)]
PROGRAM = "tests.mixtures.shards.tiny_build"
NAME = "tiny-000000.tar"
Note = Callable[[str, object], None]


def build(folder: Path, attempt: int) -> list[str]:
    return ["--out", str(folder), "--shards", "2"]


def test_a_build_that_dies_at_each_step_changes_no_byte(
    tmp_path: Path, full_faults: bool, record_property: Note
) -> None:
    for name in ("real", "control"):  # a missing parent would be one step more, the first time
        (tmp_path / name).mkdir()
    with DyingProgram(PROGRAM) as program:
        every = 1 if full_faults else 5
        found = die_at_steps(program, build, tmp_path / "real", every=every)
        record_property("faults", str(found))
        assert found.damage == []
        assert found.deaths >= 10
        control = die_at_steps(program, build, tmp_path / "control", every=9, broken=True)
        record_property("faults", f"{control} (control: a writer in place)")
        assert any("is torn or wrong" in damage for damage in control.damage)


def test_a_build_killed_at_random_with_other_workers_changes_no_byte(
    tmp_path: Path, full_faults: bool, record_property: Note
) -> None:
    kills = 200 if full_faults else 3
    arguments = ["--shards", "6", "--takes", "0.01"]
    found = kill_program(PROGRAM, arguments, tmp_path, seed=5, kills=kills, longest=1.6)
    record_property("faults", str(found))
    assert found.damage == []
    assert found.deaths == kills


def failing(given: Iterator[ShardSample], position: int) -> Iterator[ShardSample]:
    for at, sample in enumerate(given):
        if at == position:
            raise KeyError("a bug in a source")
        yield sample


def nothing_stands(folder: Path) -> bool:
    """Return whether neither the shard nor its receipt is there."""
    return not (folder / NAME).exists() and not receipt_path(folder, NAME).exists()


def test_an_exception_at_any_sample_publishes_nothing(tmp_path: Path) -> None:
    whole = write_shard(tmp_path / "whole", NAME, samples(range(50)), PLAN)
    for position in range(50):
        with pytest.raises(KeyError):
            write_shard(tmp_path / "cut", NAME, failing(samples(range(50)), position), PLAN)
        assert nothing_stands(tmp_path / "cut")
        assert not is_done(tmp_path / "cut", NAME, PLAN)
    assert write_shard(tmp_path / "cut", NAME, samples(range(50)), PLAN) == whole
    assert tree(tmp_path / "cut") == tree(tmp_path / "whole")


def tree(folder: Path) -> dict[str, str]:
    return tree_digest(folder, [entry.name for entry in folder.iterdir()])


def test_an_exception_while_a_shard_is_made_anew_leaves_it_without_a_receipt(
    tmp_path: Path,
) -> None:
    make_mixture(tmp_path, 1)
    with pytest.raises(KeyError):
        write_shard(tmp_path, NAME, failing(samples(range(9)), 5), "1" * 64)
    assert not receipt_path(tmp_path, NAME).exists()
    assert [fault.kind for fault in verify_mixture(tmp_path)] == ["missing"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_build_without_a_receipt(tmp_path: Path, number: signal.Signals) -> None:
    code = (  # whoever runs the tests may have told its children to ignore an interrupt
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
        f" from {PROGRAM} import main; main()"
    )
    command = [sys.executable, "-c", code, "--out", str(tmp_path / "out"), "--shards", "1"]
    slow = [*command, "--each", "20", "--takes", "0.2"]
    process = subprocess.Popen(slow, cwd=REPO, stderr=subprocess.DEVNULL)
    temporary = tmp_path / "out" / f"{TEMPORARY}{NAME}"
    while not temporary.exists() and process.poll() is None:
        pass
    process.send_signal(number)
    assert process.wait(60) != 0
    assert nothing_stands(tmp_path / "out")
    assert [fault.kind for fault in verify_mixture(tmp_path / "out")] == ["missing"]
    fast = [*command, "--each", "20"]
    subprocess.run(fast, cwd=REPO, check=True)
    shutil.move(tmp_path / "out", tmp_path / "again")
    subprocess.run(fast, cwd=REPO, check=True)
    assert tree_digest(tmp_path / "out") == tree_digest(tmp_path / "again")


REFUSALS = {errno.ENOSPC: "disk is full", errno.EDQUOT: "quota", errno.EROFS: "read-only"}


@pytest.mark.parametrize("number", REFUSALS)
def test_a_disk_that_refuses_at_any_step_is_a_sentence_and_no_shard(
    tmp_path: Path, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tape, "_BYTES", 700)  # in as many pieces as a large shard

    def write(folder: Path) -> None:
        write_shard(folder, NAME, samples(range(6), tmp_path), PLAN)

    whole = tmp_path / "whole"
    with watched(Steps(whole)) as steps:
        write(whole)
    asked, points = 0, 0
    for step, name in enumerate(steps.taken):
        folder = tmp_path / f"full-{number}-{step}"
        sentence = ""
        try:
            with watched(Steps(folder, step, torn=True, end=fail_with(number))):
                write(folder)
        except ToolkitError as error:
            sentence = str(error)
        if step and name == "mkdir":  # the folder was there already
            assert not sentence
            continue
        assert sentence and "\n" not in sentence, f"{name} at {step}"
        points += 1
        assert REFUSALS[number] in sentence and str(folder) in sentence
        if needed := re.search(r"takes at least ([0-9,]+) bytes", sentence):
            asked += 1
            assert 1024 <= int(needed[1].replace(",", "")) <= (whole / NAME).stat().st_size
        named = step == len(steps.taken) - 1  # only the folder's last sync was refused
        assert receipt_path(folder, NAME).exists() == is_done(folder, NAME, PLAN) == named
        (folder / f"{TEMPORARY}{NAME}").unlink(missing_ok=True)
        (folder / f"{TEMPORARY}{receipt_path(folder, NAME).name}").unlink(missing_ok=True)
        write(folder)
        assert tree(folder) == tree(whole)
    assert points >= 20
    assert (asked > 10) == (number != errno.EROFS)


def test_a_disk_that_refuses_what_it_was_asked_to_begin_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(tape, "_BYTES", 2000)
    monkeypatch.setattr(hashing, "_ON_DISK", 4000)
    monkeypatch.setattr(os, "fdatasync", refuse)
    with pytest.raises(ToolkitError, match="the disk is full"):
        write_shard(tmp_path, NAME, samples(range(12)), PLAN)
    assert nothing_stands(tmp_path)


def test_a_really_full_disk_is_a_sentence(tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    (tmp_path / f"{TEMPORARY}{NAME}").symlink_to(full)
    with pytest.raises(ToolkitError, match="the disk is full.*takes at least"):
        write_shard(tmp_path, NAME, samples(range(3)), PLAN)
    assert nothing_stands(tmp_path)


def publications(steps: list[str]) -> list[str]:
    """Return the syncs and renames among steps."""
    return [name for name in steps if name in ("fsync", "replace", "unlink")]


def test_a_shard_is_on_disk_before_its_name_and_its_receipt_comes_after(tmp_path: Path) -> None:
    with watched(Steps(tmp_path)) as steps:
        make_mixture(tmp_path, 2)
    one = ["fsync", "replace", "fsync"]  # the file, its name, the folder
    assert publications(steps.taken) == one * 5  # shard, receipt; shard, receipt; manifest


def traced(folder: Path, program: str) -> list[str]:
    """Return what the system saw of a program that makes a shard below a folder: 'fsync NAME'."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    log = folder / "trace"
    calls = "trace=fsync,rename,renameat,renameat2,openat"
    command = ["strace", "-f", "-y", "-qq", "-e", calls, "-o", str(log), sys.executable]
    done = subprocess.run(
        [*command, "-c", program], cwd=REPO, capture_output=True, text=True, check=False
    )
    if "ptrace" in done.stderr.lower() and done.returncode:
        pytest.skip("this system allows no tracing")
    assert done.returncode == 0, done.stderr
    seen = []
    for line in log.read_text(errors="replace").splitlines():
        if (found := re.search(r"fsync\(\d+<(.*?)>", line)) and found[1].startswith(str(folder)):
            seen.append(f"fsync {Path(found[1]).name}")
        if (found := re.search(r'rename.*"(.*?)"[^"]*\)', line)) and str(folder) in line:
            seen.append(f"rename {Path(found[1]).name}")
    return seen


def test_the_system_saw_every_sync_before_its_rename(tmp_path: Path) -> None:
    out = tmp_path / "out"
    program = (
        "from pathlib import Path; from tests.mixtures.shards.made import make_mixture;"
        f" make_mixture(Path({str(out)!r}), 1)"
    )
    expected = []
    for name in (NAME, receipt_path(out, NAME).name, "manifest.json"):
        expected += [f"fsync {TEMPORARY}{name}", f"rename {name}", "fsync out"]
    assert traced(tmp_path, program) == expected
    shutil.rmtree(out)
    control = program.replace("; from", "; from tests.faults.dying import break_publishing; from")
    broken = control.replace(" make_mixture(P", " break_publishing(); make_mixture(P")
    assert traced(tmp_path, broken) == []
    assert os.path.exists(out / NAME)  # noqa: PTH110


def test_the_failure_of_a_full_disk_is_that_of_the_harness() -> None:
    with pytest.raises(OSError) as caught:
        disk_full()()
    assert caught.value.errno == errno.ENOSPC
