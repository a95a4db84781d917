"""`imagewikiqa builders ...`: articles for classes, indexes of image sets and conversation data."""

from pathlib import Path
from typing import Annotated

import typer

from imagewikiqa.cli.options import AsJson, Assign, Config, DryRun, Out, Seed, Workers

builders = typer.Typer(help="Articles for classes, image sets, LLaVA data.", no_args_is_help=True)
images = typer.Typer(help="Image sets and Commons photographs.", no_args_is_help=True)
builders.add_typer(images, name="images")


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    app.add_typer(builders, name="builders")


@builders.command("llava", help="Clean rows from a LLaVA-style file or mix: rows.parquet.")
def _llava(
    out: Out,
    file: Annotated[
        Path | None, typer.Argument(help=".json, .jsonl or .parquet rows, or a .yaml mix.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the files that a mix names.")] = None,
    image_folder: Annotated[
        Path | None, typer.Option("--images", help="Folder below which rows name their images.")
    ] = None,
    seed: Seed = None,
    config: Config = None,
    assign: Assign = None,
    workers: Workers = 1,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.config import resolve_as
    from imagewikiqa.cli.llava import LlavaConfig, run_llava

    options = {"file": file, "data": data, "images": image_folder, "seed": seed}
    settings = resolve_as(LlavaConfig, config, assign or [], options)
    run_llava(settings, out, workers=workers, dry_run=dry_run, as_json=as_json)
