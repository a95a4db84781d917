"""`imagewikiqa mix ...`: a recipe to a plan, a plan to shards, shards looked at."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imagewikiqa.cli.options import AsJson, Workers

if TYPE_CHECKING:
    from imagewikiqa.mixtures.plan_report import PlanReport
    from imagewikiqa.mixtures.recipe import Recipe
    from imagewikiqa.mixtures.sources.protocol import Source

mix = typer.Typer(help="Training mixtures as WebDataset shards.", no_args_is_help=True)
RecipeSpec = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A recipe's .yaml, or the name of a built-in one.")
]
Folder = Annotated[Path, typer.Option("--out", help="Folder of the mixture, made or resumed.")]
Data = Annotated[
    Path | None, typer.Option(help="Folder that relative paths of the recipe begin at.")
]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    app.add_typer(mix, name="mix")


@mix.command("plan", help="Write the full list of samples, from indexes alone: plan.parquet.")
def _plan(recipe: RecipeSpec, out: Folder, data: Data = None, as_json: AsJson = False) -> None:
    from imagewikiqa.cli.output import show
    from imagewikiqa.mixtures.recipe_files import load_recipe

    with _held(out):
        report = _planned(load_recipe(recipe, data), out)
    show(_told(report) | {"plan": str(out / "plan.parquet")}, as_json)


@mix.command("build", help="Plan, then make every shard that is not there yet; manifest last.")
def _build(
    recipe: RecipeSpec,
    out: Folder,
    data: Data = None,
    workers: Workers = 1,
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.output import show
    from imagewikiqa.cli.progress import watcher
    from imagewikiqa.mixtures.build import build
    from imagewikiqa.mixtures.recipe_files import load_recipe

    read = load_recipe(recipe, data)
    with _held(out):
        report = _planned(read, out)
        made = build(read, out, out, out / "work", workers=workers, progress=watcher(as_json))
    show(_told(report) | {"bytes": made.bytes, "manifest": str(out / "manifest.json")}, as_json)


@mix.command("verify", help="Compare every byte with receipts and manifest; name what is wrong.")
def _verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the mixture.")],
    workers: Annotated[int | None, typer.Option(help="Threads (default: all cores).")] = None,
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.output import show, show_lines
    from imagewikiqa.core.errors import ToolkitError
    from imagewikiqa.mixtures.shards.verify import verify_mixture

    faults = verify_mixture(folder, workers=workers)
    if as_json:
        show({"faults": [{"file": f.file, "kind": f.kind, "detail": f.detail} for f in faults]},
             True)  # fmt: skip
    else:
        show_lines([str(fault) for fault in faults] or [f"every byte of {folder} is right"])
    if faults:
        raise ToolkitError(
            f"{len(faults)} faults in {folder}: delete the files named and build again"
        )


@contextmanager
def _held(out: Path) -> Iterator[None]:
    """Hold the folder of a mixture alone."""
    from imagewikiqa.core.files import explained, remove_leftovers
    from imagewikiqa.core.runs import held_run

    with explained(out, "write in"):
        (out / "work").mkdir(parents=True, exist_ok=True)
        (out / "work" / "lock").touch()
    with held_run(out):
        remove_leftovers(out)
        yield


def _planned(recipe: "Recipe", out: Path) -> "PlanReport":
    """Return the plan of the folder, made now or by an earlier call with the same recipe and data.

    Raises ToolkitError when the folder holds a mixture of something else.
    """
    from imagewikiqa.core.errors import ToolkitError
    from imagewikiqa.mixtures.plan import plan
    from imagewikiqa.mixtures.plan_file import REPORT, read_plan_report
    from imagewikiqa.mixtures.sources.open import open_sources

    sources = open_sources(recipe, out / "work")
    if (out / REPORT).is_file():
        before = read_plan_report(out)
        if changed := _changed(before, recipe, sources):
            raise ToolkitError(
                f"{out} holds a mixture in which {changed} was another: choose another --out"
            )
        return before
    strangers = [one.name for one in out.iterdir() if one.name not in ("work", "plan.parquet")]
    if strangers:
        raise ToolkitError(
            f"{out} is not empty and no mixture (it holds {min(strangers)}): choose another --out"
        )
    return plan(recipe, sources, out)


def _changed(before: "PlanReport", recipe: "Recipe", sources: "Sequence[Source]") -> str | None:
    """Return what differs from the plan that is there; None when nothing does."""
    if before.recipe != recipe.digest:
        return "the recipe"
    pairs = zip(before.sources, sources, strict=True)
    return next(
        (f"the index of {now.settings.name}" for was, now in pairs if was.index != now.digest()),
        None,
    )


def _told(report: "PlanReport") -> dict[str, Any]:
    return {
        "samples": report.samples,
        "shards": report.shards,
        "text_only_shards": report.text_only_shards,
        "by_source": {one.name: one.samples for one in report.sources},
        "left_out": {
            f"{one.name}: {reason}": count
            for one in report.sources
            for reason, count in one.left_out.items()
        },
    }
