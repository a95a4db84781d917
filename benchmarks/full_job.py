"""The main job at full size, over an invented encyclopedia and with a fake model on loopback.

`python -m benchmarks.full_job --classes 1000` is the size of ImageNet; the quick form has 30
classes. The job runs once undisturbed and once killed in drafting and in filtering, and both must
write the same bytes. Figures are of one run; nothing is compared with a peer, as none does this.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks._encyclopedia import write_dump
from benchmarks._fake_model import serving
from benchmarks._report import parser

REPO = Path(__file__).parents[1]
IN_FLIGHT = 64
_STEP = 0.05  # seconds between two looks at a child
_AFTER = 0.5  # seconds into a stage at which it is killed
_UNSAVED = IN_FLIGHT + (IN_FLIGHT - 1) // 16  # calls that one kill may lose


@dataclass
class Child:
    """One command: how long it ran, its largest memory, and when each journal began to grow."""

    seconds: float = 0.0
    peak_mb: float = 0.0
    began: dict[str, float] = field(default_factory=dict)


def command(out: Path, dump: Path, url: str, classes: int, items: int) -> list[str]:
    """Return the command line of the job."""
    return [
        sys.executable, "-m", "imagewikiqa", "rebuild", "--out", str(out), "--pages",
        f"dump:{dump}", "--limit", str(classes), "--author", "openai:fake-author",
        "--judge", "openai:fake-judge", "--base-url", url, "--items", str(items), "--set",
        "drafting.oversample=1", "--set", "drafting.rounds=1", "--in-flight", str(IN_FLIGHT),
        "--workers", "2", "--json",
    ]  # fmt: skip


def run(words: list[str], out: Path, kill_in: str | None = None) -> Child:
    """Run a command to its end, or kill it in the middle of a stage; RuntimeError if it fails."""
    child = Child()
    began = time.monotonic()
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(words, cwd=REPO, stdout=said, stderr=said)
        while process.poll() is None:
            time.sleep(_STEP)
            child.peak_mb = max(child.peak_mb, _memory(process.pid))
            for name in _growing(out):
                child.began.setdefault(name, time.monotonic() - began)
            if kill_in in child.began and time.monotonic() - began > child.began[kill_in] + _AFTER:
                os.kill(process.pid, signal.SIGKILL)
                process.wait()
        child.seconds = time.monotonic() - began
        said.seek(0)
        if process.returncode != (-signal.SIGKILL if kill_in else 0):
            raise RuntimeError(f"ended with {process.returncode}: {said.read().decode()[-2000:]}")
    return child


def _growing(out: Path) -> list[str]:
    files = (out / "work").glob("*.journal") if (out / "work").is_dir() else ()
    return [file.stem for file in files if file.stat().st_size]


def _memory(pid: int) -> float:
    try:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
    except FileNotFoundError:
        pass  # it ended meanwhile
    return 0.0


def measure(classes: int, items: int, folder: Path) -> dict[str, Any]:
    """Return the figures of an undisturbed run, and what two kills cost and changed."""
    dump = folder / "encyclopedia.xml"
    write_dump(dump, classes)
    whole, hurt, log = folder / "whole", folder / "hurt", folder / "asked.log"
    with serving(log) as url:
        undisturbed = run(command(whole, dump, url, classes, items), whole)
        first = Counter(log.read_text().split())
        killed = [run(command(hurt, dump, url, classes, items), hurt, stage)
                  for stage in ("draft", "filter")]  # fmt: skip
        last = run(command(hurt, dump, url, classes, items), hurt)
    asked = Counter(log.read_text().split())
    asked.subtract(first)
    repaid = sum(asked[key] - first[key] for key in first if asked[key] > first[key])
    cost = json.loads((whole / "cost.json").read_text())
    lineage = json.loads((whole / "run.json").read_text())
    counts = {name: lineage["counts"][name] for name in ("pages", "drafts", "questions", "items")}
    same = (whole / "manifest.json").read_bytes() == (hurt / "manifest.json").read_bytes()
    return {
        "name": "full_job",
        "classes": classes,
        **counts,
        "seconds": round(undisturbed.seconds, 1),
        "stage_began_at": {name: round(at, 1) for name, at in undisturbed.began.items()},
        "peak_mb": round(undisturbed.peak_mb),
        "calls": cost["calls"],
        "calls_by_prompt": {name: one["calls"] for name, one in cost["prompts"].items()},
        "tokens": {name: sum(one[name] for one in cost["models"].values())
                   for name in ("input_tokens", "output_tokens")},
        "ledger_mb": round((whole / "ledger.sqlite").stat().st_size / 1e6, 1),
        "seconds_until_killed": [round(one.seconds, 1) for one in killed],
        "seconds_of_the_last": round(last.seconds, 1),
        "same_bytes_after_two_kills": same,
        "calls_paid_again": repaid,
        "most_calls_paid_again": 2 * _UNSAVED,
    }  # fmt: skip


def main() -> int:
    """Print the figures; 1 when kills changed a byte or cost more than what was on its way."""
    options = parser()
    options.add_argument("--classes", type=int, default=30, help="first classes of ImageNet")
    options.add_argument("--items", type=int, default=2000)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        told = measure(given.classes, given.items, Path(folder))
    if given.json:
        sys.stdout.write(json.dumps(told) + "\n")
    else:
        width = max(map(len, told))
        sys.stdout.writelines(f"{name:<{width}}  {value}\n" for name, value in told.items())
    right = told["same_bytes_after_two_kills"]
    return int(not right or told["calls_paid_again"] > told["most_calls_paid_again"])


if __name__ == "__main__":
    raise SystemExit(main())
