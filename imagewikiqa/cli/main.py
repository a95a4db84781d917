"""The entry point: commands by room, errors as one sentence, exit codes."""

import sys
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from imagewikiqa import __version__
from imagewikiqa.cli import audit, builders, caption_command, gate, ledger, rebuild
from imagewikiqa.cli.mix import commands as mix
from imagewikiqa.cli.verify import commands as verify
from imagewikiqa.core.errors import ToolkitError

_INTERRUPTED = 130
app = typer.Typer(
    name="imagewikiqa",
    help="Knowledge questions about images: build, filter, audit and release them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
rebuild.register(app)
caption_command.register(app)
audit.register(app)
gate.register(app)
verify.register(app)
builders.register(app)
mix.register(app)
ledger.register(app)


@app.callback(invoke_without_command=True)
def _root(version: bool = typer.Option(False, "--version", help="Print the version.")) -> None:
    if version:
        sys.stdout.write(f"imagewikiqa {__version__}\n")
        raise typer.Exit


def run(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line; exit 0 when done, 2 for what the user can fix, 130 on an interrupt."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:2] == caption_command.NAME.split():
        given[:2] = [caption_command.NAME]
    try:
        code = app(args=given, prog_name="imagewikiqa", standalone_mode=False)
    except ToolkitError as error:
        _refuse(str(error))
    except PermissionError as error:  # most often of a file that is given, and read where needed
        if error.filename is None:
            raise
        _refuse(f"permission was denied for {error.filename}: change its rights, or give another")
    except TyperException as error:
        _refuse(_message(error))
    except (KeyboardInterrupt, typer.Abort):
        code = _INTERRUPTED
    if code == _INTERRUPTED:  # typer returns it for an interrupt inside a command
        sys.stderr.write("imagewikiqa: interrupted; run the same command again to resume\n")
    sys.exit(code if isinstance(code, int) else 0)


def _message(error: TyperException) -> str:
    """Return what is wrong with the arguments, in the words of the parser, and where to look."""
    say = getattr(error, "format_message", None)
    what = (str(say()) if say else str(error)).strip().rstrip(".") or "no command given"
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "imagewikiqa"
    return f"{what[0].lower()}{what[1:]}{'' if what.endswith('?') else ';'} see {command} --help"


def _refuse(sentence: str) -> NoReturn:
    sys.stderr.write(f"imagewikiqa: {sentence}\n")
    sys.exit(2)
