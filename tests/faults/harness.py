"""Kills a program in many ways, lets it finish, and says what was ever wrong on disk.

Two ways: `kill_randomly` ends real processes at keyed-random moments; `die_at_steps` ends the
program at each step that changes its folder, once before the step and, for a write, halfway.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from imagewikiqa.core.digests import file_digest, keyed_int
from imagewikiqa.core.runs import verify_manifest
from imagewikiqa.mixtures.shards.verify import verify_mixture
from imagewikiqa.mixtures.shards.write import receipt_path

from .io_steps import WRITE

REPO = Path(__file__).resolve().parents[2]
KILLED = -signal.SIGKILL


def tree_digest(path: Path, names: Iterable[str] | None = None) -> dict[str, str]:
    """Return the sha256 of each data file: those the manifest lists, or the names given.

    Of a mixture those are its shards, their receipts and the manifest itself.
    """
    if names is None:
        listed = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
        shards = listed.get("shards")
        names = listed["files"] if shards is None else [
            *shards, *(receipt_path(path, shard).name for shard in shards), "manifest.json",
        ]  # fmt: skip
    return {name: file_digest(path / name) for name in sorted(names)}


def visible_damage(path: Path, expected: dict[str, str]) -> list[str]:
    """Return what a reader would see wrong now: a data file that is not the right one whole, or a
    manifest that does not hold. Files that are not there yet are no damage."""
    there = [name for name in expected if (path / name).is_file()]
    wrong = [f"{n} is torn or wrong" for n in there if file_digest(path / n) != expected[n]]
    manifest = path / "manifest.json"
    if manifest.exists():
        is_mixture = "manifest.json" in expected
        wrong += map(str, verify_mixture(path)) if is_mixture else verify_manifest(path)
    return wrong


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended: exit code (negative for a signal), steps if it lived, and its words."""

    code: int
    steps: tuple[str, ...]
    words: str


@dataclass(slots=True)
class DyingProgram:
    """A program that runs on order and dies on order; a context manager.

    `program` is a script or a module that makes a run folder; `modules` are imported once.
    """

    program: str
    modules: tuple[str, ...] = ()
    server: "subprocess.Popen[str]" = field(init=False)
    scratch: Path = field(init=False)

    def __enter__(self) -> "DyingProgram":
        self.scratch = Path(tempfile.mkdtemp(prefix="dying-"))
        command = [sys.executable, "-m", "tests.faults.dying", self.program, *self.modules]
        self.server = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(REPO)},
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.server.communicate()
        shutil.rmtree(self.scratch)

    def run(
        self,
        argv: list[str],
        folder: Path,
        *,
        die_at: int | None = None,
        torn: bool = False,
        broken: bool = False,
        disk_full: bool = False,
    ) -> Ended:
        """Run once; `die_at` counts the steps below `folder` from 0. `broken` writes in place.

        With `disk_full` the step fails as on a full disk, and the program lives on.
        """
        steps, log = self.scratch / "steps", self.scratch / "log"
        steps.unlink(missing_ok=True)
        order = {
            "argv": argv, "folder": str(folder), "die_at": die_at, "torn": torn, "broken": broken,
            "disk_full": disk_full, "steps": str(steps), "log": str(log),
        }  # fmt: skip
        assert self.server.stdin is not None and self.server.stdout is not None
        self.server.stdin.write(json.dumps(order) + "\n")
        self.server.stdin.flush()
        code = json.loads(self.server.stdout.readline())["code"]
        taken = json.loads(steps.read_text(encoding="utf-8")) if steps.exists() else []
        return Ended(code, tuple(taken), log.read_text(encoding="utf-8"))


@dataclass(slots=True)
class Findings:
    """What a harness did and what it saw wrong; `damage` empty means that all held."""

    deaths: int = 0
    runs: int = 0
    damage: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        """Return the counts as one row of the table of faults."""
        return f"{self.deaths} deaths, {self.runs} runs, {len(self.damage)} wrong"


def die_at_steps(
    program: DyingProgram,
    command: Callable[[Path, int], list[str]],
    scratch: Path,
    *,
    every: int = 1,
    broken: bool = False,
) -> Findings:
    """Die at each step (or every n-th) of a fresh run, look, run again to the end, compare.

    `command(folder, attempt)` gives the arguments; let them differ in what decides no byte.
    """
    whole = scratch / "whole"
    ended = program.run(command(whole, 0), whole, broken=broken)
    if ended.code != 0:
        raise AssertionError(f"the uninterrupted run ended with {ended.code}: {ended.words}")
    expected = tree_digest(whole)
    found = Findings(runs=1)
    for step in range(0, len(ended.steps), every):
        for torn in (False, True) if ended.steps[step] == WRITE else (False,):
            folder = scratch / "cut"
            shutil.rmtree(folder, ignore_errors=True)
            where = f"{ended.steps[step]} at step {step}{', halfway' if torn else ''}"
            died = program.run(command(folder, 0), folder, die_at=step, torn=torn, broken=broken)
            if died.code != KILLED:
                raise AssertionError(f"{where}: ended with {died.code}: {died.words}")
            found.deaths += 1
            found.damage += [f"{where}: {wrong}" for wrong in visible_damage(folder, expected)]
            again = program.run(command(folder, step + 1), folder, broken=broken)
            found.runs += 2
            if again.code != 0:
                found.damage.append(f"{where}: the run after it ended with {again.code}")
            elif tree_digest(folder) != expected:
                found.damage.append(f"{where}: the run after it has other bytes")
    return found


def kill_randomly(
    command: Callable[[int], list[str]],
    done: Callable[[], None],
    *,
    seed: int,
    kills: int,
    longest: float,
    survived: Callable[[], None] = lambda: None,
) -> Findings:
    """Start a command, kill -9 its whole group after up to `longest` seconds, start it again.

    `command(attempt)` gives the full command, so that workers may differ at each start;
    `survived` looks at the folder after a kill; `done` compares a finished one and clears it for
    the next. Ends after `kills` kills and one more finished run; raises when a run fails.
    """
    found = Findings()
    while True:
        if found.runs > 20 * (kills + 1):
            raise AssertionError(f"only {found.deaths} kills in {found.runs} runs: raise `longest`")
        last = found.deaths >= kills
        moment = keyed_int("kill", seed, found.runs) / 2**64 * longest
        code, words = _run_for(command(found.runs), None if last else moment)
        found.runs += 1
        if code == 0:
            done()
            if last:
                return found
        elif code == KILLED and not last:
            found.deaths += 1
            survived()
        else:
            raise AssertionError(f"run {found.runs} ended with {code}: {words}")


def kill_program(
    program: str, arguments: list[str], folder: Path, *, seed: int, kills: int, longest: float
) -> Findings:
    """Kill the `main` of a module at random, with one to three workers in turn, until it was killed
    `kills` times; compare every finished run, below `folder`, with one that was left alone.

    The module takes `--out` and `--workers`, and leaves a manifest.
    """
    killed, whole = folder / "killed", folder / "whole"
    code = f"import sys; sys.path.insert(0, {str(REPO)!r}); from {program} import main; main()"
    begin = [sys.executable, "-c", code, *arguments]
    kill_randomly(lambda _: [*begin, "--out", str(whole)], lambda: None, seed=0, kills=0, longest=0)
    expected = tree_digest(whole)
    damage: list[str] = []

    def start(attempt: int) -> list[str]:
        return [*begin, "--out", str(killed), "--workers", str(attempt % 3 + 1)]

    def survived() -> None:
        damage.extend(visible_damage(killed, expected))

    def done() -> None:
        if tree_digest(killed) != expected:
            damage.append("a finished run has other bytes")
        shutil.rmtree(killed)

    found = kill_randomly(start, done, seed=seed, kills=kills, longest=longest, survived=survived)
    found.damage += damage
    return found


def _run_for(command: list[str], seconds: float | None) -> tuple[int, str]:
    """Run a command in a group of its own and kill the group after a time; code and words."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            code = process.wait()
        log.seek(0)
        return code, log.read().decode(errors="replace")[-2000:]
