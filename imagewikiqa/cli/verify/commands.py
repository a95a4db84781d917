"""`imagewikiqa verify ...`: a round out to raters and back, each step one command."""

from pathlib import Path
from typing import Annotated

import typer

from imagewikiqa.cli.options import AsJson, Assign, Config, Out, Seed

verify = typer.Typer(help="Rounds of human verification in Label Studio.", no_args_is_help=True)
RoundFolder = Annotated[Path, typer.Argument(metavar="ROUND", help="Folder of the round.")]
Url = Annotated[
    str | None,
    typer.Option(help="The Label Studio server, as http://127.0.0.1:8080 (also LABEL_STUDIO_URL)."),
]
Raters = Annotated[
    str | None,
    typer.Option(help="Their names, as in anna,ben=ben@lab.org, or how many there are."),
]
Overlap = Annotated[int | None, typer.Option(help="Raters of each question (default 3).", min=1)]


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    app.add_typer(verify, name="verify")


@verify.command("prepare", help="Sample questions and write blind tasks for every rater.")
def _prepare(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished rebuild.")],
    out: Out,
    kind: Annotated[
        str | None,
        typer.Option(
            help="article: answer with class and article (default); picture: answer from the "
            "picture alone; review: judge the question."
        ),
    ] = None,
    raters: Raters = None,
    overlap: Overlap = None,
    sample: Annotated[
        int | None, typer.Option(help="How many questions (default all).", min=1)
    ] = None,
    stratify: Annotated[
        str | None, typer.Option(help="Sample in proportion by family (default), class or none.")
    ] = None,
    disputed: Annotated[
        str | None,
        typer.Option(help="Drafts that a second opinion disputed: first (default) or out."),
    ] = None,
    gold: Annotated[
        Path | None,
        typer.Option(help="Run folder of questions with sure keys, asked of every rater."),
    ] = None,
    images: Annotated[
        str | None, typer.Option(help="folder:DIR below which the run's images lie.")
    ] = None,
    seed: Seed = None,
    config: Config = None,
    assign: Assign = None,
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.config import resolve_as
    from imagewikiqa.cli.progress import watcher
    from imagewikiqa.cli.verify.prepare import PrepareConfig, run_prepare

    options = {
        "run": str(run), "kind": kind, "raters": raters, "overlap": overlap, "sample": sample,
        "stratify": stratify, "disputed": disputed, "gold": str(gold) if gold else None,
        "images": images, "seed": seed,
    }  # fmt: skip
    settings = resolve_as(PrepareConfig, config, assign or [], options)
    run_prepare(settings, out, watcher(as_json), as_json=as_json)


@verify.command("push", help="Make every rater's project on a server; again: only what is missing.")
def _push(
    folder: RoundFolder,
    url: Url = None,
    media: Annotated[
        str | None,
        typer.Option(
            help="Pictures: embed (in the tasks; default), local:FOLDER below the document root "
            "of the server, or https://HOST/FOLDER."
        ),
    ] = None,
    document_root: Annotated[
        str | None, typer.Option(help="The document root on the server, for local:FOLDER.")
    ] = None,
    settle: Annotated[
        float, typer.Option(help="Seconds that a broken import may still take to land.", min=0)
    ] = 60.0,
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.progress import watcher
    from imagewikiqa.cli.verify.push import run_push

    run_push(folder, url, media, document_root, watcher(as_json), settle=settle, as_json=as_json)


@verify.command("pull", help="Bring the answers so far: answers.jsonl, rejects.jsonl.")
def _pull(
    folder: RoundFolder,
    url: Url = None,
    export: Annotated[
        list[Path] | None,
        typer.Option(help="JSON export of a project, instead of the server; may be repeated."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Go on although earlier answers are gone.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.progress import watcher
    from imagewikiqa.cli.verify.pull import run_pull

    run_pull(folder, url, export or [], watcher(as_json), replace=replace, as_json=as_json)


@verify.command("doctor", help="Look at a server, and at the round on it, before people work.")
def _doctor(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[ROUND]", help="Folder of a round on it.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.verify.doctor import run_doctor

    run_doctor(folder, url, as_json=as_json)


@verify.command("serve", help="Serve a round from this machine, accounts made, until Ctrl-C.")
def _serve(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[ROUND]", help="Folder of the round.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port (default any free one).")] = None,
    install: Annotated[
        bool, typer.Option("--install", help="Install Label Studio in its own environment first.")
    ] = False,
) -> None:
    from imagewikiqa.cli.progress import watcher
    from imagewikiqa.cli.verify.serve import run_install, run_serve
    from imagewikiqa.core.errors import ToolkitError

    if install:
        run_install()
    if folder is not None:
        run_serve(folder, port, watcher(False))
    elif not install:
        raise ToolkitError("which round? Give its folder, as in imagewikiqa verify serve ROUND")


@verify.command("report", help="Accuracy, agreement, raters and doubtful questions, as a page.")
def _report(folder: RoundFolder, as_json: AsJson = False) -> None:
    from imagewikiqa.cli.verify.report import run_report

    run_report(folder, as_json=as_json)


@verify.command("adjudicate", help="Prepare a second round with only the disagreements.")
def _adjudicate(
    folder: RoundFolder,
    out: Out,
    raters: Raters = None,
    overlap: Annotated[
        int | None, typer.Option(help="Raters of each question (default 1).", min=1)
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="The run, where it has moved since the round.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.progress import watcher
    from imagewikiqa.cli.verify.adjudicate import run_adjudicate

    run_adjudicate(
        folder, out, watcher(as_json), raters=raters, overlap=overlap, run=run, as_json=as_json
    )


@verify.command("apply", help="Write the set that people leave, with their votes, for release.")
def _apply(
    folders: Annotated[
        list[Path], typer.Argument(metavar="ROUND...", help="Rounds, the earliest first.")
    ],
    out: Out,
    run: Annotated[
        Path | None, typer.Option(help="The run, where it has moved since the round.")
    ] = None,
    fixes: Annotated[
        Path | None, typer.Option(help="fixes.csv of an earlier apply, corrected.")
    ] = None,
    min_votes: Annotated[
        int, typer.Option(help="Answers without which a question stays open.", min=1)
    ] = 2,
    verified_only: Annotated[
        bool, typer.Option("--verified-only", help="Leave out what no person has decided.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.verify.apply import ApplyConfig, run_apply
    from imagewikiqa.cli.verify.sources import run_of

    settings = ApplyConfig(
        rounds=tuple(map(str, folders)),
        run=str(run or run_of(folders[0])),
        fixes=str(fixes) if fixes else None,
        min_votes=min_votes,
        verified_only=verified_only,
    )
    run_apply(settings, out, as_json=as_json)
