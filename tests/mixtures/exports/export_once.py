"""One export and a look at what it made: what is killed in the tests of faults."""

import argparse
import hashlib
import os
import sys
from pathlib import Path

from imagewikiqa.cli.mix.export import run_export


def main() -> None:
    """Export --mixture to --out, then check every image against its sha256."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--mixture", type=Path, required=True)
    parser.add_argument("--to", required=True)
    parser.add_argument("--pixels", default="")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_args()
    os.environ["IMAGEWIKIQA_CACHE"] = str(given.mixture.parent / "cache")
    pixels = {"": None, "with": True, "without": False}[given.pixels]
    run_export(
        given.mixture, given.to, given.out, pixels=pixels, workers=given.workers, as_json=True
    )
    if given.to != "hub":
        for line in (given.out / "images.sha256").read_text(encoding="utf-8").splitlines():
            digest, name = line.split("  ")
            if hashlib.sha256((given.out / name).read_bytes()).hexdigest() != digest:
                sys.exit(f"{name} has other bytes")


if __name__ == "__main__":
    main()
