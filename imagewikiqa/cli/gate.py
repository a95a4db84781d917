"""`imagewikiqa gate`: the largest part of anybody's set that cannot be guessed blind."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imagewikiqa.cli.config import Closed

if TYPE_CHECKING:
    from imagewikiqa.qa.audit.load import Loaded
    from imagewikiqa.qa.audit.records import AuditQuestion
    from imagewikiqa.qa.gate import Gated


class GateConfig(Closed):
    """What decides a gated set."""

    file: str
    seed: int = 0


def register(app: typer.Typer) -> None:
    """Add the gate command."""
    app.command("gate", help="Keep the part of a multiple-choice file that blind guesses fail on.")(
        _gate
    )


def _gate(
    file: Annotated[Path, typer.Argument(help="Upstream, our, VLMEvalKit or parquet rows.")],
    out: Annotated[Path, typer.Option(help="Folder for kept.jsonl, dropped.jsonl, the report.")],
    seed: Annotated[int, typer.Option(min=0, help="Which of equal questions goes first.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Figures as one JSON line.")] = False,
) -> None:
    from imagewikiqa.cli.output import show
    from imagewikiqa.cli.small_job import finish, small_job
    from imagewikiqa.core.errors import ToolkitError
    from imagewikiqa.core.files import publish_text
    from imagewikiqa.core.runs import pretty
    from imagewikiqa.qa.audit.load import load
    from imagewikiqa.qa.audit.questions import ClassNames, group
    from imagewikiqa.qa.gate import gate
    from imagewikiqa.qa.gate_report import figures, identity, summary, write_plots

    if file.is_dir():
        raise ToolkitError(f"{file} is a folder: give the gate a file, as its questions.jsonl")
    loaded = load(file)
    settings = GateConfig(file=str(file), seed=seed)
    with small_job(out, "gate", settings, {"file": loaded.sha256}, ("file",)) as run:
        found = gate(group(loaded.rows, ClassNames.of([])), identity=identity, seed=seed)
        rows = _write_rows(file, out, found, loaded)
        told = figures(found)
        publish_text(out / "gate.json", pretty(told))
        write_plots(found, out / "plots")
        data = [out / name for name in ("kept.jsonl", "dropped.jsonl", "gate.json")]
        finish(run, summary(found, file.name), {"counts": rows}, data)
    show(told if as_json else _short(told, out), as_json)


def _write_rows(
    file: Path, out: Path, found: "Gated[AuditQuestion]", loaded: "Loaded"
) -> dict[str, int]:
    """Publish the rows as they were read, kept and dropped; return how many of each."""
    from imagewikiqa.core.files import publish
    from imagewikiqa.qa.audit.containers import read_rows

    fields = {raw.number: raw.fields for raw in read_rows(file)[1]}
    kept = sorted(row.row for one in found.kept for row in one.rows)
    why: dict[int, tuple[str, list[str]]] = {
        row.row: (one.reason, list(one.guessed_by))
        for one in found.dropped
        for row in one.question.rows
    }
    why |= {one.row: (f"unreadable row: {one.detail}", []) for one in loaded.unreadable}
    lost = [
        {"row": row, "reason": reason, "guessed_by": guessed, "fields": fields[row]}
        for row, (reason, guessed) in sorted(why.items())
    ]
    publish(out / "kept.jsonl", [_line(fields[row]) for row in kept])
    publish(out / "dropped.jsonl", [_line(one) for one in lost])
    return {"kept": len(kept), "dropped": len(lost)}


def _line(fields: Mapping[str, object] | None) -> bytes:
    return json.dumps(fields, ensure_ascii=False, default=_pixels).encode() + b"\n"


def _pixels(value: object) -> str:
    """Refuse the cell of a parquet file that JSON cannot hold."""
    from imagewikiqa.core.errors import ToolkitError

    raise ToolkitError(
        f"a cell holds {type(value).__name__}, which JSON lines cannot: give rows without pixels"
    )


def _short(told: Mapping[str, Any], out: Path) -> dict[str, Any]:
    said = {name: told[name] for name in ("questions", "kept", "most", "share_of_most", "passed")}
    return {**said, "reasons": told["reasons"], "report": str(out / "report.html")}
