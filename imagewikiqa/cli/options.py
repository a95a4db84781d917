"""The options that several commands have, said once."""

from pathlib import Path
from typing import Annotated

import typer

Out = Annotated[Path, typer.Option(help="Run folder to make or resume.")]
Config = Annotated[Path | None, typer.Option(help="YAML file of settings, as RUN/config.yaml.")]
Assign = Annotated[list[str] | None, typer.Option("--set", help="Any setting: name=value")]
Seed = Annotated[int | None, typer.Option(help="Decides every choice (default 0).")]
Workers = Annotated[int, typer.Option(help="Processes.", min=1)]
Limit = Annotated[int | None, typer.Option(help="First N only.", min=1)]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")]
AsJson = Annotated[bool, typer.Option("--json", help="Summary as one JSON line.")]
Classes = Annotated[
    str | None,
    typer.Option(
        help="imagenet (default), flowers102, stanford_cars, caltech101, oxford_pets, food101, "
        "sample, or a .csv, .json or .jsonl FILE."
    ),
]
Pages = Annotated[
    str | None,
    typer.Option(help="wikipedia (default), pins:FILE, dump:FILE, folder:DIR or sample."),
]
Language = Annotated[str | None, typer.Option(help="Wikipedia's language code (default en).")]
Contact = Annotated[
    str | None,
    typer.Option(
        envvar="IMAGEWIKIQA_CONTACT",
        help="Your e-mail address or web page: Wikimedia asks every client for one.",
    ),
]
WikiApi = Annotated[
    str | None, typer.Option("--wiki-api", help="Another wiki's api.php (default: Wikipedia's).")
]
Cache = Annotated[
    Path | None,
    typer.Option(
        envvar="IMAGEWIKIQA_CACHE",
        help="Folder of all answers of wikis, shared by runs (default: the user's cache folder).",
    ),
]
BaseUrl = Annotated[
    str | None,
    typer.Option(
        help="Server that answers openai:MODEL in OpenAI's place, as http://HOST:PORT/v1 "
        "(also OPENAI_BASE_URL); it needs no key."
    ),
]
Batch = Annotated[
    bool,
    typer.Option(
        "--batch",
        help="Ask openai:MODEL and anthropic:MODEL in batches: half the price, answers within a "
        "day. Stop whenever you like; the same command takes up where it stopped.",
    ),
]
Budget = Annotated[
    str | None,
    typer.Option(help="Most to spend on models, as in 25usd; reserved before each call is sent."),
]
Rpm = Annotated[
    float | None, typer.Option(help="Requests a minute that each service is sent at most.")
]
Tpm = Annotated[
    float | None, typer.Option(help="Tokens a minute, answers included (default no limit).")
]
InFlight = Annotated[int, typer.Option(help="Calls of one service on their way at once.")]
