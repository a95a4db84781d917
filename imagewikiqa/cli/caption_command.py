"""`imagewikiqa draft captions`: the command; its work is in `captions`."""

from typing import Annotated

import typer

from imagewikiqa.cli.options import (
    AsJson,
    Assign,
    BaseUrl,
    Batch,
    Budget,
    Classes,
    Config,
    DryRun,
    InFlight,
    Limit,
    Out,
    Rpm,
    Seed,
    Tpm,
)

NAME = "draft captions"  # a command of two words: `draft` alone is one too


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(NAME, help="Captions of images that name the class (needs a model).")(_captions)


def _captions(
    out: Out,
    images: Annotated[str | None, typer.Option(help="folder:DIR with DIR/CLASS_ID/*.")] = None,
    author: Annotated[
        str | None, typer.Option(help="openai:MODEL, anthropic:MODEL or scripted:FILE.")
    ] = None,
    classes: Classes = None,
    per_class: Annotated[int | None, typer.Option(help="Images a class (default all).")] = None,
    tries: Annotated[int | None, typer.Option(help="Until the class is named (default 3).")] = None,
    base_url: BaseUrl = None,
    batch: Batch = False,
    budget: Budget = None,
    rpm: Rpm = None,
    tpm: Tpm = None,
    in_flight: InFlight = 64,
    seed: Seed = None,
    config: Config = None,
    assign: Assign = None,
    limit: Limit = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.captions import CaptionConfig, run_captions
    from imagewikiqa.cli.config import resolve_as
    from imagewikiqa.cli.models import model_access
    from imagewikiqa.cli.progress import watcher

    options = {
        "classes": classes, "images": images, "author": author, "per_class": per_class,
        "tries": tries, "seed": seed,
    }  # fmt: skip
    settings = resolve_as(CaptionConfig, config, assign or [], options)
    progress = watcher(as_json)
    access = model_access(
        progress, base_url=base_url, batch=batch, budget=budget, rpm=rpm, tpm=tpm,
        in_flight=in_flight,
    )  # fmt: skip
    run_captions(settings, out, access, progress, limit=limit, dry_run=dry_run, as_json=as_json)
