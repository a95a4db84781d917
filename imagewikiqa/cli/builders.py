"""`imagewikiqa builders ...`: articles for classes, indexes of image sets and conversation data."""

from pathlib import Path
from typing import Annotated

import typer

from imagewikiqa.cli.options import (
    AsJson,
    Assign,
    Cache,
    Classes,
    Config,
    Contact,
    DryRun,
    Language,
    Limit,
    Out,
    Seed,
    WikiApi,
    Workers,
)

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
        Path | None,
        typer.Argument(help=".json, .jsonl or .parquet rows, '{a,b}.json', or a .yaml mix."),
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Folder of the files that a mix names.")] = None,
    image_folder: Annotated[
        Path | None,
        typer.Option("--images", help="Folder below which rows name their images, URLs by sha256."),
    ] = None,
    seed: Seed = None,
    config: Config = None,
    assign: Assign = None,
    limit: Limit = None,
    workers: Workers = 1,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.config import resolve_as
    from imagewikiqa.cli.llava import LlavaConfig, run_llava

    options = {"file": file, "data": data, "images": image_folder, "seed": seed}
    settings = resolve_as(LlavaConfig, config, assign or [], options)
    run_llava(settings, out, limit=limit, workers=workers, dry_run=dry_run, as_json=as_json)


@builders.command("resolve", help="Find the articles of classes: resolutions.jsonl, review.csv.")
def _resolve(
    out: Out,
    classes: Classes = None,
    pages: Annotated[
        str | None, typer.Option(help="wikipedia (default), dump:FILE or folder:DIR.")
    ] = None,
    review: Annotated[
        Path | None, typer.Option(help="review.csv of this run, filled in by a person.")
    ] = None,
    language: Language = None,
    contact: Contact = None,
    wiki_api: WikiApi = None,
    cache: Cache = None,
    config: Config = None,
    assign: Assign = None,
    limit: Limit = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.config import resolve_as
    from imagewikiqa.cli.resolving import ResolveConfig, run_resolve
    from imagewikiqa.cli.wiki import WikiAccess

    options = {"classes": classes, "pages": pages, "review": review, "language": language}
    settings = resolve_as(ResolveConfig, config, assign or [], options)
    access = WikiAccess(contact=contact, api=wiki_api, cache=cache)
    run_resolve(settings, out, access, limit=limit, dry_run=dry_run, as_json=as_json)


@images.command("index", help="One table over an image set in its official layout.")
def _index(
    out: Out,
    image_set: Annotated[
        str | None,
        typer.Argument(
            metavar="SET",
            help="imagenet:DIR, flowers102:DIR, stanford_cars:DIR, caltech101:DIR, "
            "oxford_pets:DIR, food101:DIR, folder:DIR or datasets:ID_OR_DIR.",
        ),
    ] = None,
    classes: Annotated[
        str | None, typer.Option(help="Class list of a folder or a datasets set.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare archives with their published checksums.")
    ] = False,
    config: Config = None,
    assign: Assign = None,
    workers: Workers = 1,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.config import resolve_as
    from imagewikiqa.cli.image_sets import IndexConfig, run_index

    options = {"images": image_set, "classes": classes, "verify": verify or None}
    settings = resolve_as(IndexConfig, config, assign or [], options)
    run_index(settings, out, workers=workers, dry_run=dry_run, as_json=as_json)


@builders.command("extracts", help="Plain text and language links of the classes' articles.")
def _extracts(
    out: Out,
    classes: Classes = None,
    language: Language = None,
    contact: Contact = None,
    wiki_api: WikiApi = None,
    cache: Cache = None,
    config: Config = None,
    assign: Assign = None,
    limit: Limit = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.config import resolve_as
    from imagewikiqa.cli.extracts import ExtractsConfig, run_extracts
    from imagewikiqa.cli.wiki import WikiAccess

    options = {"classes": classes, "language": language}
    settings = resolve_as(ExtractsConfig, config, assign or [], options)
    access = WikiAccess(contact=contact, api=wiki_api, cache=cache)
    run_extracts(settings, out, access, limit=limit, dry_run=dry_run, as_json=as_json)


@images.command("commons", help="Free photographs of the classes, each with author and licence.")
def _commons(
    out: Out,
    classes: Classes = None,
    per_class: Annotated[int | None, typer.Option(help="Photographs a class (default 20).")] = None,
    width: Annotated[
        int | None, typer.Option(help="Pixels: 330, 500, 960 (default), 1280, 1920 or 3840.")
    ] = None,
    language: Language = None,
    contact: Contact = None,
    wiki_api: WikiApi = None,
    commons_api: Annotated[
        str | None, typer.Option("--commons-api", help="Another wiki's api.php for the files.")
    ] = None,
    cache: Cache = None,
    config: Config = None,
    assign: Assign = None,
    workers: Workers = 1,
    limit: Limit = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.commons import CommonsConfig, run_commons
    from imagewikiqa.cli.config import resolve_as
    from imagewikiqa.cli.wiki import WikiAccess

    options = {"classes": classes, "per_class": per_class, "width": width, "language": language}
    settings = resolve_as(CommonsConfig, config, assign or [], options)
    access = WikiAccess(contact=contact, api=wiki_api, cache=cache)
    run_commons(
        settings, out, access, commons_api=commons_api,
        limit=limit, workers=workers, dry_run=dry_run, as_json=as_json,
    )  # fmt: skip
