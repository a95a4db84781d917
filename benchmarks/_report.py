"""What every benchmark prints: both sides, their ratio, and that they agree."""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One comparison. Values are rates (larger is better); ratios are ours over the peer's."""

    name: str
    unit: str
    ours: float
    others: Mapping[str, float]
    exact: Mapping[str, float]

    @property
    def ratios(self) -> dict[str, float]:
        """Return ours over each peer."""
        return {peer: round(self.ours / value, 3) for peer, value in self.others.items()}


def measure(
    contenders: Mapping[str, Callable[[], object]], amount: float, rounds: int
) -> dict[str, float]:
    """Return each contender's median rate over rounds in which they take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            began = time.perf_counter()
            run()
            seconds[name].append(time.perf_counter() - began)
    return {name: round(amount / statistics.median(times), 3) for name, times in seconds.items()}


DATA = Path(__file__).parents[2] / "shared" / "data"  # real pages and lists, where they are


def parser() -> argparse.ArgumentParser:
    """Return the options that every benchmark has, ready for more."""
    options = argparse.ArgumentParser()
    options.add_argument("--json", action="store_true", help="print one JSON object")
    options.add_argument("--rounds", type=int, default=3)
    return options


def arguments() -> argparse.Namespace:
    """Return the options of a benchmark whose input is so many megabytes."""
    options = parser()
    options.add_argument("--megabytes", type=int, default=20, help="size of the input")
    return options.parse_args()


def show(result: Result, as_json: bool) -> None:
    """Print a result as a table or as one JSON object."""
    if as_json:
        sys.stdout.write(json.dumps({**asdict(result), "ratios": result.ratios}) + "\n")
        return
    sys.stdout.write(f"{result.name} ({result.unit})\n  {'ours':<14}{result.ours:>10.1f}\n")
    for peer, value in result.others.items():
        sys.stdout.write(f"  {peer:<14}{value:>10.1f}   x{result.ratios[peer]:.2f}\n")
    for name, value in result.exact.items():
        sys.stdout.write(f"  {name}: {value:g}\n")


def needs(name: str, folder: Path) -> bool:
    """Return whether the real pages and lists are there; say as JSON when a measure must wait."""
    if folder.is_dir():
        return True
    said = "it needs the folder of real pages and lists: give it with --data"
    sys.stdout.write(json.dumps({"name": name, "not_run": said}) + "\n")
    return False
