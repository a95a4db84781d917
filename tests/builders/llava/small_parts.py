"""A run of `index_rows` in parts of three rows: what the kill harness is tried on."""

import argparse
from pathlib import Path

from imagewikiqa.builders.llava import spool
from imagewikiqa.builders.llava.index import index_rows
from imagewikiqa.builders.llava.mix import read_mix
from imagewikiqa.core.digests import file_digest
from imagewikiqa.core.runs import finish_run, open_run

DATA = ("rows.parquet", "rejects.jsonl")


def main() -> None:
    """Index --file and its --images with --workers processes into the run folder --out."""
    parser = argparse.ArgumentParser()
    for name in ("--out", "--file", "--images"):
        parser.add_argument(name, type=Path, required=True)
    parser.add_argument("--workers", type=int, default=1)
    options = parser.parse_args()
    spool.PART_ROWS = 3
    config = {"out": str(options.out)}
    with open_run(options.out, config, {"file": file_digest(options.file)}, config) as run:
        parts = read_mix(options.file)
        index_rows(parts, run.path, images=options.images, workers=options.workers)
        finish_run(run, {}, [run.path / name for name in DATA])


if __name__ == "__main__":
    main()
