"""Planning imagenet+llava665k: ours from indexes against json.load and one shuffle, in rows/CPU s.

The paper's script holds both JSON lists in memory and shuffles them once; a plan also cuts shards,
names every sample and digests it. With --rows 2000000 the input has the size of the real mix.
"""

import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks._report import Result, parser, show
from imagewikiqa.builders.imagesets.merge import IMAGES, REPORT
from imagewikiqa.builders.imagesets.parts import COLUMNS, DICTIONARIES, tables_of
from imagewikiqa.builders.imagesets.records import IndexReport
from imagewikiqa.builders.llava.records import schema
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.digests import file_digest, text_digest
from imagewikiqa.core.files import publish, publish_text
from imagewikiqa.core.parquet import parquet_bytes
from imagewikiqa.mixtures.plan import plan
from imagewikiqa.mixtures.recipe_files import load_recipe
from imagewikiqa.mixtures.sources.open import open_sources

IMAGES_OF_TEN = 0.66  # 1.28M of 1.95M rows
FILES = 2_000  # that the rows name again and again
WORDS = "a small group of people stand beside an old red bus in the rain " * 5


def write_images(folder: Path, rows: int) -> None:
    """Write an index of images as `builders images index` does."""
    ids = [entry.id for entry in load_classes("imagenet")]

    def made() -> Iterator[dict[str, Any]]:
        for row in range(rows):
            one = ids[row % 1000]
            yield {
                "source_id": f"train/{one}/{one}_{row}.JPEG", "class_id": one, "split": "train",
                "sha256": bytes.fromhex(text_digest(str(row))), "bytes": 90_000 + row % 50_000,
                "width": 500, "height": 375, "format": "JPEG", "mode": "RGB",
                "disposition": "ok", "also": "", "orientation": None, "duplicate": "",
                "same_as": None,
            }  # fmt: skip

    publish(folder / IMAGES, parquet_bytes(tables_of(made(), COLUMNS), COLUMNS, DICTIONARIES))
    report = IndexReport(
        set_name="imagenet", units=1, images=rows, usable=rows, dispositions={"ok": rows},
        splits={"train": rows}, classes=dict.fromkeys(ids, rows // 1000), repeated=0,
        conflicting=0, not_images={}, files={IMAGES: file_digest(folder / IMAGES)},
    )  # fmt: skip
    publish_text(folder / REPORT, report.model_dump_json())


def write_rows(folder: Path, rows: int) -> None:
    """Write rows.parquet as `builders llava` does, every sixteenth row text only."""
    (folder / "images").mkdir(parents=True)
    for number in range(FILES):
        (folder / f"images/{number}.jpg").write_bytes(b"x" * 100)

    def row(number: int) -> dict[str, Any]:
        image = {"name": "x", "path": f"{number % FILES}.jpg", "sha256": text_digest(str(number))}
        said = [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": WORDS}] * 2
        images = [{**image, "format": "JPEG", "disposition": "ok"}] if number % 16 else []
        return {"id": f"mix#{number:07d}", "row_id": "", "source": "mix", "images": images,
                "conversations": said, "repairs": []}  # fmt: skip

    def tables() -> Iterator[pa.Table]:
        for start in range(0, rows, 4096):
            made = [row(number) for number in range(start, min(start + 4096, rows))]
            yield pa.Table.from_pylist(made, schema())

    publish(folder / "index/rows.parquet", parquet_bytes(tables(), schema()))


def write_lists(folder: Path, images: int, rows: int) -> None:
    """Write what the paper's script reads: two JSON lists in LLaVA's form."""
    question = "<image>\nWhat type of object is in the photo?"
    for name, count, turns, pairs in (
        ("imagenet", images, (question, "tench"), 1),
        ("llava", rows, ("<image>\nWhat?", WORDS), 2),
    ):
        said = [
            {"from": one, "value": text} for one, text in zip(("human", "gpt"), turns, strict=True)
        ] * pairs
        with (folder / f"{name}.json").open("w") as stream:
            for number in range(count):
                row = {"id": str(number), "image": f"{name}/{number}.JPEG", "conversations": said}
                stream.write(("[" if not number else ",") + json.dumps(row, indent=2))
            stream.write("]")


def ours(folder: Path) -> dict[str, int]:
    """Plan the mix of the paper."""
    recipe = load_recipe("imagenet+llava665k", folder)
    report = plan(recipe, open_sources(recipe, folder / "work"), folder / "plan")
    return {"samples": report.samples, "shards": report.shards}


def upstream(folder: Path) -> dict[str, int]:
    """Load both lists, join them and shuffle them once, as the paper's script does."""
    rows = json.loads((folder / "imagenet.json").read_text())
    rows += json.loads((folder / "llava.json").read_text())
    random.Random(1234).shuffle(rows)
    return {"samples": len(rows), "shards": 0}


PLANNERS = {"ours": ours, "json.load and shuffle": upstream}


def child(planner: str, folder: Path) -> None:
    """Plan once in this process and print CPU seconds, peak memory and counts."""
    began = time.process_time()
    counts = PLANNERS[planner](folder)
    seconds = time.process_time() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak, **counts}))


def in_child(planner: str, folder: Path) -> dict[str, Any]:
    """Run a planner in a process of its own, so that its peak memory is its own."""
    command = [sys.executable, "-m", "benchmarks.mix_plan", "--child", planner, str(folder)]
    return dict(json.loads(subprocess.run(command, capture_output=True, check=True).stdout))


def main() -> int:
    """Measure both; return 1 when they hold another number of samples."""
    options = parser()
    options.add_argument("--rows", type=int, default=100_000)
    options.add_argument("--child", nargs=2, metavar=("PLANNER", "FOLDER"))
    given = options.parse_args()
    if given.child:
        child(given.child[0], Path(given.child[1]))
        return 0
    images = int(given.rows * IMAGES_OF_TEN)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_images(folder / "imagenet/index", images)
        write_rows(folder / "llava_v1_5_mix665k", given.rows - images)
        write_lists(folder, images, given.rows - images)
        found = {planner: in_child(planner, folder) for planner in PLANNERS}
        again = in_child("ours", folder)
        size = (folder / "plan/plan.parquet").stat().st_size
    mine, theirs = found["ours"], found["json.load and shuffle"]
    result = Result(
        name="mix_plan",
        unit=f"rows/CPU s of {given.rows:,}",
        ours=round(given.rows / mine["seconds"]),
        others={"json.load and shuffle": round(given.rows / theirs["seconds"])},
        exact={
            "samples apart": abs(mine["samples"] - theirs["samples"]),
            "CPU seconds": round(mine["seconds"], 1),
            "CPU seconds, rows unpacked before": round(again["seconds"], 1),
            "peak MB": round(mine["peak_mb"]),
            "peak MB, json.load and shuffle": round(theirs["peak_mb"]),
            "plan bytes a row": round(size / given.rows, 1),
        },
    )
    show(result, given.json)
    return int(mine["samples"] != theirs["samples"])


if __name__ == "__main__":
    sys.exit(main())
