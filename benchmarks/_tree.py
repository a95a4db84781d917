"""What a command and all processes below this one take: time, CPU and memory, from /proc."""

import os
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_EVERY = 0.1  # seconds between looks
_TICK = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Used:
    """What a command took. Memory that processes share counts once."""

    seconds: float
    cpu_seconds: float  # what a process used after the last look at it is missing
    peak_mb: float


def watched(command: Sequence[str]) -> Used:
    """Run a command and watch it with everything else below this process, as servers it uses.

    Raises AssertionError with its words when it fails.
    """
    before = {key: cpu for key, cpu, _ in _below()}
    cpus: dict[tuple[int, str], float] = {}
    peak, began = 0.0, time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while process.poll() is None:
        seen = [*_below()]
        cpus |= {key: cpu for key, cpu, _ in seen}
        peak = max(peak, sum(memory for _, _, memory in seen))
        time.sleep(_EVERY)
    seconds = time.perf_counter() - began
    words, _ = process.communicate()
    if process.returncode:
        raise AssertionError(f"{' '.join(command)} ended with {process.returncode}: {words[-500:]}")
    used = sum(cpu - before.get(key, 0.0) for key, cpu in cpus.items())
    return Used(round(seconds, 1), round(used, 1), round(peak))


def memory_below() -> float:
    """Return the memory (MB) of all processes below this one, now."""
    return round(sum(memory for _, _, memory in _below()))


def _below() -> Iterator[tuple[tuple[int, str], float, float]]:
    """Yield (process, when it began), CPU seconds and MB of every process below this one."""
    stats = dict(_stats())
    children = defaultdict(list)
    for pid, fields in stats.items():
        children[int(fields[1])].append(pid)
    waiting = children[os.getpid()]
    while waiting:
        pid = waiting.pop()
        waiting += children[pid]
        if (memory := _memory(pid)) is not None:
            cpu = (int(stats[pid][11]) + int(stats[pid][12])) / _TICK
            yield (pid, stats[pid][19]), cpu, memory


def _stats() -> Iterator[tuple[int, list[str]]]:
    """Yield the number of every process and the fields of its stat after the name."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            yield int(path.parent.name), path.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue


def _memory(pid: int) -> float | None:
    """Return the proportional memory (MB) of a process; None when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)
