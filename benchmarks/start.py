"""Answering --help: `imagewikiqa` against the Hub's command line, in starts per second."""

import subprocess
import sys
from functools import partial

from benchmarks._report import Result, arguments, measure, show

COMMANDS = {
    "ours": [sys.executable, "-m", "imagewikiqa", "--help"],
    "hf": [sys.executable, "-m", "huggingface_hub.cli.hf", "--help"],
    "bare python": [sys.executable, "-c", "pass"],
}


def start(command: list[str]) -> None:
    """Run a command to its end; CalledProcessError when it fails."""
    subprocess.run(command, check=True, capture_output=True)


def main() -> int:
    """Measure in turns."""
    options = arguments()
    rates = measure(
        {name: partial(start, command) for name, command in COMMANDS.items()},
        1,
        max(options.rounds, 5),
    )
    own = rates.pop("ours")
    result = Result(
        name="start", unit="starts/s", ours=own, others=rates, exact={"max_abs_diff": 0.0}
    )
    show(result, options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
