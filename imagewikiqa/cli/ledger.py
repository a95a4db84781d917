"""`imagewikiqa ledger ...`: what was asked of models, what it cost, and copies brought together."""

import json
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imagewikiqa.cli.options import AsJson

if TYPE_CHECKING:
    from collections.abc import Iterator

ledger = typer.Typer(help="Answers of models: count, look up, export, merge.", no_args_is_help=True)
At = Annotated[Path, typer.Argument(help="A run folder or its ledger.sqlite.")]
_SHOWN = 2_000  # characters of a message or an answer


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    app.add_typer(ledger, name="ledger")


@ledger.command("stats", help="Attempts, tokens and price by model and prompt.")
def _stats(path: At, as_json: AsJson = False) -> None:
    from imagewikiqa.cli.output import show, show_lines
    from imagewikiqa.core.llm.ledger import Ledger
    from imagewikiqa.core.llm.ledger_tools import ledger_file, stats

    file = ledger_file(path)
    with Ledger(file) as opened:
        rows = stats(opened)
    if not as_json:
        show_lines(_table(rows))
    prices = [row["usd"] for row in rows]
    total = None if None in prices else round(sum(prices), 6)
    summary: dict[str, Any] = {"attempts": sum(row["attempts"] for row in rows), "usd": total}
    summary["bytes"] = file.stat().st_size
    if as_json:
        summary["rows"] = rows
    else:
        summary["usd"] = "unknown" if total is None else f"{total:.4f}"
    show(summary, as_json)


def _table(rows: list[dict[str, Any]]) -> list[str]:
    names = ("provider", "model", "prompt", "attempts", "answered", "failed", "unfinished",
             "input_tokens", "output_tokens", "usd")  # fmt: skip
    said = [[name.replace("_", " ") for name in names]]
    for row in rows:
        usd = "unknown" if row["usd"] is None else f"{row['usd']:.4f}"
        said.append([*(str(row[name]) for name in names[:-1]), usd])
    widths = [max(len(line[at]) for line in said) for at in range(len(names))]
    return [
        "  ".join(
            cell.ljust(width) if at < 3 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in said
    ]


@ledger.command("show", help="One request: what was asked, and every attempt at it.")
def _show(
    path: At,
    name: Annotated[str, typer.Argument(help="Number of an attempt, or a key's first digits.")],
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.output import show, show_lines
    from imagewikiqa.core.llm.ledger import Ledger
    from imagewikiqa.core.llm.ledger_tools import exported, find_key, ledger_file

    with Ledger(ledger_file(path)) as opened:
        found = list(exported(opened, find_key(opened, name)))
    if as_json:
        show({"attempts": [one.model_dump(mode="json") for one in found]}, as_json)
        return
    first = found[0]
    show_lines([f"request {first.key} to {first.provider}:{first.model}, prompt {first.prompt}"])
    for message in first.request["messages"]:
        for part in message["content"]:
            words = part.get("text") or f"[picture {part.get('sha256')}]"
            show_lines([f"--- {message['role']}", _printable(words)])
    for one in found:
        usd = "price unknown" if one.usd is None else f"{one.usd:.6f} usd"
        said = f"attempt {one.id}, {one.started_at}: {one.status}, {usd}"
        show_lines([f"=== {said}", _printable(one.error or one.raw or "")])


def _printable(text: str) -> str:
    """Return words without the signs that steer a terminal, long ones cut."""
    plain = "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}"
                    for c in text[:_SHOWN])  # fmt: skip
    left = len(text) - _SHOWN
    return f"{plain}\n[{left:,} more characters; --json shows all]" if left > 0 else plain


@ledger.command("export", help="Every attempt with request and raw answer, as JSON lines.")
def _export(
    path: At,
    out: Annotated[Path, typer.Option(help="File to write.")],
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.output import show
    from imagewikiqa.core.files import publish
    from imagewikiqa.core.llm.ledger import Ledger
    from imagewikiqa.core.llm.ledger_tools import exported, ledger_file

    count = 0

    def lines() -> "Iterator[bytes]":
        nonlocal count
        for one in exported(opened):
            count += 1
            said = json.dumps(one.model_dump(mode="json"), ensure_ascii=False, sort_keys=True)
            yield said.encode(errors="backslashreplace") + b"\n"

    with Ledger(ledger_file(path)) as opened:
        publish(out, lines())
    show({"attempts": count, "out": str(out)}, as_json)


@ledger.command("merge", help="Bring the answers of other ledgers into the first one.")
def _merge(
    path: At,
    others: Annotated[list[Path], typer.Argument(help="Run folders or ledgers to read.")],
    as_json: AsJson = False,
) -> None:
    from imagewikiqa.cli.output import show
    from imagewikiqa.core.llm.ledger_tools import ledger_file, merge

    file = ledger_file(path)
    files = [ledger_file(other) for other in others]
    total = {"added": 0, "updated": 0, "paid_twice": 0}
    with _alone(file):
        for other in files:
            done = merge(file, other)
            for name in total:
                total[name] += getattr(done, name)
    show(total, as_json)


@ledger.command("vacuum", help="Drop failed attempts that cost nothing, and give room back.")
def _vacuum(path: At, as_json: AsJson = False) -> None:
    from imagewikiqa.cli.output import show
    from imagewikiqa.core.llm.ledger_tools import ledger_file, vacuum

    file = ledger_file(path)
    with _alone(file):
        gone = vacuum(file)
    show(gone, as_json)


@contextmanager
def _alone(file: Path) -> "Iterator[None]":
    """Hold the run folder of a ledger, where it lies in one: no command may be using it."""
    from imagewikiqa.core.runs import held_run

    with held_run(file.parent):
        yield
