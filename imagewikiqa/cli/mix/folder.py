"""The folder of a mixture: of one recipe and one set of indexes, held alone, and planned once."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.digests import digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.progress import Progress
from imagewikiqa.core.runs import Run, open_run, record_run
from imagewikiqa.mixtures.plan import plan
from imagewikiqa.mixtures.plan_file import read_plan_report
from imagewikiqa.mixtures.plan_report import PlanReport
from imagewikiqa.mixtures.recipe import Recipe
from imagewikiqa.mixtures.recipe_files import rooted
from imagewikiqa.mixtures.sources.open import open_sources


@contextmanager
def opened(recipe: Recipe, out: Path) -> Iterator[Run]:
    """Hold the folder of a mixture alone; config.yaml in it is the recipe with all its defaults.

    Raises ToolkitError when the folder holds a mixture of something else, naming the difference.
    """
    sources = open_sources(recipe, out / "work")
    inputs = {f"index of {source.settings.name}": source.digest() for source in sources}
    inputs |= _class_lists(recipe)
    config = rooted(recipe, Path.cwd()).model_dump(mode="json", exclude_defaults=True)
    # A shard never changes once it is written, so that what a manifest says of it stays true.
    with open_run(out, _deciding(recipe), inputs, config, keep_manifest=True) as run:
        yield run


def planned(recipe: Recipe, run: Run, progress: Progress) -> PlanReport:
    """Return the plan of an opened folder, made now or by an earlier call; write run.json."""
    try:
        report = read_plan_report(run.path)
    except ToolkitError:  # there is none, or it was damaged: the same one is made again
        report = plan(recipe, open_sources(recipe, run.work), run.path, progress)
    record_run(run, {
        "command": "mix",
        "recipe": report.recipe,
        "seed": recipe.seed,
        "prompts": {name: sha for one in report.sources for name, sha in one.templates.items()},
        "counts": {
            "samples": report.samples,
            "left_out": {one.name: one.left_out for one in report.sources},
        },
    })  # fmt: skip
    return report


def _deciding(recipe: Recipe) -> dict[str, Any]:
    """Return what decides a mixture by name, so that a refusal can say what differs."""
    held = recipe.deciding
    sources = held.pop("sources")
    fields = {f"{one['name']}.{name}": value for one in sources for name, value in one.items()}
    return {"command": "mix", **held, "sources": [one["name"] for one in sources], **fields}


def _class_lists(recipe: Recipe) -> dict[str, str]:
    """Return the digests of class lists, which another version may ship: names stand in shards."""
    lists = {one.name: load_classes(one.classes) for one in recipe.sources if one.classes}
    return {
        f"classes of {name}": digest([one.model_dump(mode="json") for one in entries])
        for name, entries in lists.items()
    }
