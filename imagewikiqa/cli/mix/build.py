"""`mix plan` and `mix build`: from a recipe and its changes to a plan and its shards."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imagewikiqa.cli.config import assigned
from imagewikiqa.cli.mix.folder import opened, planned
from imagewikiqa.cli.output import show
from imagewikiqa.cli.progress import watcher
from imagewikiqa.mixtures.build import build
from imagewikiqa.mixtures.engines import Engine
from imagewikiqa.mixtures.plan import plan
from imagewikiqa.mixtures.plan_report import PlanReport
from imagewikiqa.mixtures.recipe import Recipe
from imagewikiqa.mixtures.recipe_files import load_recipe
from imagewikiqa.mixtures.sources.open import open_sources


def recipe_of(spec: str, data: Path | None, assignments: Sequence[str], seed: int | None) -> Recipe:
    """Return a recipe with what the command line changes in it."""
    changes = [assigned(one) for one in assignments]
    if seed is not None:
        changes.append(("seed", seed))
    return load_recipe(spec, data, changes)


def run_plan(recipe: Recipe, out: Path, *, as_json: bool) -> None:
    """Plan a mixture in its folder and tell what it will hold."""
    with opened(recipe, out) as run:
        report = planned(recipe, run, watcher(as_json))
    show(_told(report) | {"plan": str(out / "plan.parquet")}, as_json)


def try_plan(recipe: Recipe, out: Path, *, as_json: bool) -> None:
    """Tell what a mixture would hold; nothing stays on disk."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sources = open_sources(recipe, folder / "work")
        report = plan(recipe, sources, folder, watcher(as_json))
    show({"dry_run": True, "out": str(out), **_told(report), "bytes": report.bytes}, as_json)


def run_build(recipe: Recipe, out: Path, engine: Engine, *, as_json: bool) -> None:
    """Plan a mixture and make its shards, or go on with both."""
    with opened(recipe, out) as run:
        watch = watcher(as_json)
        report = planned(recipe, run, watch)
        made = build(recipe, out, out, run.work, engine=engine, progress=watch)
    show(_told(report) | {"bytes": made.bytes, "manifest": str(out / "manifest.json")}, as_json)


def _told(report: PlanReport) -> dict[str, Any]:
    return {
        "samples": report.samples,
        "shards": report.shards,
        "text_only_shards": report.text_only_shards,
        "by_source": {one.name: one.samples for one in report.sources},
        "times_each_row": {
            one.name: round(one.samples / one.rows_drawn, 1)
            for one in report.sources
            if one.samples > one.rows_drawn
        },
        "left_out": {
            f"{one.name}: {reason}": count
            for one in report.sources
            for reason, count in one.left_out.items()
        },
    }
