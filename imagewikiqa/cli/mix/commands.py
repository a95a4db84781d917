"""The commands of `imagewikiqa mix`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imagewikiqa.cli.options import AsJson, Workers

if TYPE_CHECKING:
    from imagewikiqa.mixtures.plan_report import PlanReport

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
    from imagewikiqa.cli.mix.folder import held, planned
    from imagewikiqa.cli.output import show
    from imagewikiqa.mixtures.recipe_files import load_recipe

    with held(out):
        report = planned(load_recipe(recipe, data), out)
    show(_told(report) | {"plan": str(out / "plan.parquet")}, as_json)


@mix.command("build", help="Plan, then make every shard that is not there yet; manifest last.")
def _build(
    recipe: RecipeSpec,
    out: Folder,
    data: Data = None,
    workers: Workers = 1,
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.mix.folder import held, planned
    from imagewikiqa.cli.output import show
    from imagewikiqa.cli.progress import watcher
    from imagewikiqa.mixtures.build import build
    from imagewikiqa.mixtures.recipe_files import load_recipe

    read = load_recipe(recipe, data)
    with held(out):
        report = planned(read, out)
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


@mix.command("export", help="Rows with image files for trainers, or a folder for a hub.")
def _export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the mixture.")],
    to: Annotated[str, typer.Option(help="llava, sharegpt, messages, chat or hub.")],
    out: Annotated[Path, typer.Option(help="Folder of the export, made or resumed.")],
    pixels: Annotated[
        bool | None,
        typer.Option(
            "--with-pixels/--without-pixels",
            help="For a hub: images go along (not ImageNet's, unless said), or stay.",
        ),
    ] = None,
    workers: Workers = 1,
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.mix.export import run_export

    run_export(folder, to, out, pixels=pixels, workers=workers, as_json=as_json)


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
