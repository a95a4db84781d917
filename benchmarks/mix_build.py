"""Building imagenet+llava665k at a fraction of its size: 1, 2 and 4 processes, and Ray.

Photographs are made, conversations real where those lie beside the repository; both are indexed by
our own commands. A run is the whole command `mix build`: start, plan, shards with fsync, receipts
and hashes, manifest. On Ray it runs on two nodes of one CPU each on this machine, whose own
processes count in memory and CPU. All trees must be the same, byte for byte.
"""

import argparse
import contextlib
import json
import shutil
import sys
import tempfile
from dataclasses import asdict
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks._mix_data import make_data
from benchmarks._ray_nodes import two_nodes
from benchmarks._report import Result, parser, show
from benchmarks._tree import memory_below, watched
from imagewikiqa.core.digests import digest, file_digest

RECIPE = "imagenet+llava665k"
ENGINES = {
    "1 process": ["--workers", "1"],
    "2 processes": ["--workers", "2"],
    "4 processes": ["--workers", "4"],
}
ON_RAY = "Ray, 2 nodes"
SHARDS = 16  # or about so many: the real mix has some 200


def recipe(folder: Path, samples: int) -> Path:
    """Write the built-in recipe with smaller shards, and return its file."""
    text = resources.files("imagewikiqa.mixtures").joinpath("recipes", f"{RECIPE}.yaml").read_text()
    path = folder / "recipe.yaml"
    path.write_text(f"{text}shard: {{samples: {samples // SHARDS + 1}}}\n")
    return path


def built(folder: Path, asked: list[str], rounds: int) -> tuple[dict[str, Any], str]:
    """Return what the fastest of some builds took, and a digest of every file that it published."""
    runs = []
    for _ in range(rounds):
        out = folder / "out"
        shutil.rmtree(out, ignore_errors=True)
        runs.append(watched([
            sys.executable, "-m", "imagewikiqa", "mix", "build", str(folder / "recipe.yaml"),
            "--out", str(out), "--json", *asked,
        ]))  # fmt: skip
    tree = {path.name: file_digest(path) for path in out.iterdir() if path.is_file()}
    return asdict(min(runs, key=lambda run: run.seconds)), digest(tree)


def measured(folder: Path, rounds: int) -> tuple[dict[str, dict[str, Any]], set[str]]:
    """Return what each engine took, and the digests of what they made."""
    found: dict[str, dict[str, Any]] = {}
    trees = set()
    for name, asked in ENGINES.items():
        found[name], tree = built(folder, asked, rounds)
        trees.add(tree)
    if find_spec("ray") is not None:
        with two_nodes() as (cluster, _):
            idle = memory_below()
            asked = ["--engine", "ray", "--ray-address", cluster.address]
            found[ON_RAY], tree = built(folder, asked, rounds)
            found[ON_RAY]["idle_cluster_mb"] = idle
            trees.add(tree)
    return found, trees


def options() -> argparse.Namespace:
    """Return what to measure with."""
    asked = parser()
    asked.set_defaults(rounds=1)
    asked.add_argument("--scale", type=int, default=10_000, help="one of so many samples is made")
    asked.add_argument("--kilobytes", type=int, default=40, help="mean size of a photograph")
    asked.add_argument("--folder", type=Path, help="where the data may lie (default: temporary)")
    return asked.parse_args()


def main() -> int:
    """Measure in turns; return 1 when two trees differ."""
    given = options()
    with contextlib.ExitStack() as stack:
        folder = given.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        made = make_data(folder, given.scale, given.kilobytes)
        recipe(folder, made["images"] + made["rows"])
        found, trees = measured(folder, given.rounds)
        manifest = json.loads((folder / "out/manifest.json").read_text())
        plan = json.loads((folder / "out/plan.json").read_text())
    samples, megabytes = manifest["samples"], manifest["bytes"] / 1e6
    for run in found.values():
        run["samples_per_s"] = round(samples / run["seconds"], 1)
        run["mb_per_s"] = round(megabytes / run["seconds"], 1)
    rates = {name: run["samples_per_s"] for name, run in found.items()}
    result = Result(
        name="mix_build",
        unit=f"samples/s of {samples:,}, {megabytes:,.0f} MB in {plan['shards']} shards",
        ours=rates.pop("1 process"),
        others=rates,
        exact={
            "trees that differ": len(trees) - 1,
            "text-only shards": plan["text_only_shards"],
            "rows refused": made["images"] + made["rows"] - samples,
        },
    )
    left_out = {one["name"]: one["left_out"] for one in plan["sources"]}
    if given.json:
        more = {"ratios": result.ratios, "runs": found, "made": made, "left_out": left_out}
        sys.stdout.write(json.dumps({**asdict(result), **more}) + "\n")
    else:
        show(result, False)
        for key, value in {**found, "made": made, "left out": left_out}.items():
            sys.stdout.write(f"  {key}: {json.dumps(value)}\n")
    return int(len(trees) > 1)


if __name__ == "__main__":
    sys.exit(main())
