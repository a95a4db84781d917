"""The commands of `imagewikiqa mix`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from imagewikiqa.cli.options import AsJson, DryRun, Workers

mix = typer.Typer(help="Training mixtures as WebDataset shards.", no_args_is_help=True)
RecipeSpec = Annotated[
    str, typer.Argument(metavar="RECIPE", help="A recipe's .yaml, or the name of a built-in one.")
]
Folder = Annotated[Path, typer.Option("--out", help="Folder of the mixture, made or resumed.")]
Data = Annotated[
    Path | None, typer.Option(help="Folder that relative paths of the recipe begin at.")
]
Field = Annotated[
    list[str] | None,
    typer.Option("--set", help="Any field: shard.samples=500, sources.NAME.epochs=2"),
]
RecipeSeed = Annotated[
    int | None, typer.Option(help="Decides every choice (default: the recipe's own).")
]
AtOnce = Annotated[
    int | None,
    typer.Option(help="Shards at once (default: 1; on Ray, as its CPUs allow).", min=1),
]
Engine = Annotated[
    Literal["local", "ray"],
    typer.Option(help="Processes of this machine, or a Ray cluster that is there."),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        envvar="RAY_ADDRESS",
        help="HOST:PORT of the Ray cluster's head, or auto for the one of this machine; all its"
        " nodes must see --out and the images.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    app.add_typer(mix, name="mix")


@mix.command("recipes", help="The built-in recipes; NAME: one of them in full.")
def _recipes(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Print its YAML.")] = None,
    fields: Annotated[bool, typer.Option("--fields", help="All that a recipe can say.")] = False,
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.mix.recipes import run_recipes

    run_recipes(name, fields=fields, as_json=as_json)


@mix.command("plan", help="Write the full list of samples, from indexes alone: plan.parquet.")
def _plan(
    recipe: RecipeSpec,
    out: Folder,
    data: Data = None,
    assign: Field = None,
    seed: RecipeSeed = None,
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.mix.build import recipe_of, run_plan

    run_plan(recipe_of(recipe, data, assign or [], seed), out, as_json=as_json)


@mix.command("build", help="Plan, then make every shard that is not there yet; manifest last.")
def _build(
    recipe: RecipeSpec,
    out: Folder,
    data: Data = None,
    assign: Field = None,
    seed: RecipeSeed = None,
    workers: AtOnce = None,
    engine: Engine = "local",
    ray_address: RayAddress = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.mix.build import recipe_of, run_build, try_plan

    read = recipe_of(recipe, data, assign or [], seed)
    if dry_run:
        try_plan(read, out, as_json=as_json)
        return
    from imagewikiqa.mixtures.engines import open_engine

    run_build(read, out, open_engine(engine, workers, ray_address), as_json=as_json)


@mix.command("verify", help="Compare every byte with receipts and manifest; name what is wrong.")
def _verify(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the mixture.")],
    workers: Annotated[
        int | None, typer.Option(help="Threads (default: all cores).", min=1)
    ] = None,
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.mix.verify import run_verify

    run_verify(folder, workers=workers, as_json=as_json)


@mix.command("inspect", help="Look at every sample: counts, lengths, duplicates, one page.")
def _inspect(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a finished mixture.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the report (default: work/inspect in DIR).")
    ] = None,
    classes: Annotated[
        str | None, typer.Option(help="Class list whose names are counted, as in rebuild.")
    ] = None,
    tokenizer: Annotated[
        Path | None,
        typer.Option(help="tokenizer.json of a model, or its folder: counts tokens exactly."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Draws the samples that are shown.")] = 0,
    workers: Workers = 1,
    limit: Annotated[int | None, typer.Option(help="First N shards only.", min=1)] = None,
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.mix.inspect import InspectConfig, run_inspect

    settings = InspectConfig(
        folder=str(folder), classes=classes, tokenizer=str(tokenizer) if tokenizer else None,
        seed=seed, limit=limit,
    )  # fmt: skip
    run_inspect(settings, out, workers=workers, as_json=as_json)


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
