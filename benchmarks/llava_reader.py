"""Reading LLaVA-665K: `builders.llava` against json.load, in MB/s, with peak memory of each.

The input has the real file's size and sources with --rows 665298; every defect that was put in
must be counted exactly.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks._llava_rows import write_rows
from benchmarks._report import Result, parser, show
from imagewikiqa.builders.llava.mix import read_mix
from imagewikiqa.builders.llava.row import LlavaRow
from imagewikiqa.builders.llava.rows import iterate_rows
from imagewikiqa.builders.llava.stream import read_raw


def ours(path: Path) -> dict[str, int]:
    """Count rows by reading them one at a time."""
    return {"rows": sum(1 for _ in read_raw(path))}


def ours_clean(path: Path) -> dict[str, int]:
    """Count rows and what was wrong with them: read, repaired, compared for repeats."""
    counts: Counter[str] = Counter()
    for _, _, row in iterate_rows(read_mix(path)):
        counts.update(row.repairs if isinstance(row, LlavaRow) else [row.reason])
        counts["rows"] += 1
    return dict(counts)


def json_load(path: Path) -> dict[str, int]:
    """Count rows as LLaVA's loader reads them."""
    with path.open(encoding="utf-8") as stream:
        return {"rows": len(json.load(stream))}


READERS = {"ours": ours, "ours, cleaned": ours_clean, "json.load": json_load}


def child(reader: str, path: Path) -> None:
    """Read once in this process and print seconds, peak memory and counts."""
    began = time.process_time()
    counts = READERS[reader](path)
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak, "counts": counts}))


def in_child(reader: str, path: Path) -> dict[str, Any]:
    """Run a reader in a process of its own, so that its peak memory is its own."""
    command = [sys.executable, "-m", "benchmarks.llava_reader", "--child", reader, str(path)]
    return dict(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))


def main() -> int:
    """Measure in turns; return 1 when a count is not what was put in."""
    options = parser()
    options.add_argument("--rows", type=int, default=20_000)
    options.add_argument("--child", nargs=2, metavar=("READER", "FILE"))
    given = options.parse_args()
    if given.child:
        child(given.child[0], Path(given.child[1]))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "llava_v1_5_mix665k.json"
        injected = write_rows(path, given.rows)
        size = path.stat().st_size / 1e6
        found = {name: in_child(name, path) for name in READERS}
    rates = {name: size / one["seconds"] for name, one in found.items()}
    peaks = {f"peak MB, {name}": round(one["peak_mb"]) for name, one in found.items()}
    expected = {**injected, "rows": given.rows}
    wrong = sum(
        abs(found["ours, cleaned"]["counts"].get(name, 0) - count)
        for name, count in expected.items()
    )
    result = Result(
        name="llava_reader",
        unit=f"MB/s of {size:.0f} MB, {given.rows:,} rows",
        ours=round(rates.pop("ours"), 1),
        others={"json.load": round(rates["json.load"], 1)},
        exact={
            "defects counted wrong": wrong,
            "MB/s, cleaned": round(rates["ours, cleaned"], 1),
            **peaks,
        },
    )
    show(result, given.json)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
