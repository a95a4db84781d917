"""`imagewikiqa audit`: look for leaks in our files or anybody's."""

from pathlib import Path
from typing import Annotated

import typer

from imagewikiqa.core.errors import ToolkitError


def register(app: typer.Typer) -> None:
    """Add the audit command."""
    app.command("audit", help="Audit a multiple-choice file or a run folder for leaks.")(_audit)


def _audit(
    file: Annotated[
        Path | None, typer.Argument(help="A run folder, or upstream, VLMEvalKit or parquet rows.")
    ] = None,
    real: Annotated[Path | None, typer.Option(help="ReaL labels of the ImageNet images.")] = None,
    pages: Annotated[Path | None, typer.Option(help="pages.jsonl, to check the evidence.")] = None,
    classes: Annotated[str, typer.Option(help="Class list that the names come from.")] = "imagenet",
    against: Annotated[
        Path | None, typer.Option(help="Another set, to find which of its questions are here.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for the report and findings.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Figures as one JSON line.")] = False,
) -> None:
    from imagewikiqa.cli.output import show, show_lines
    from imagewikiqa.core.classes import load_classes
    from imagewikiqa.qa.audit.run import audit
    from imagewikiqa.qa.audit.view import summary_lines
    from imagewikiqa.qa.audit.write import write_audit

    if file is None:
        if out is None:
            raise ToolkitError("nothing to audit: give a file or a run folder")
        file, out = out, out / "audit"
    if pages is not None and not pages.is_file():
        raise ToolkitError(f"there is no file {pages}: give --pages the pages.jsonl of a run")
    report = audit(file, real=real, pages=pages, classes=load_classes(classes), against=against)
    if out is not None:
        write_audit(report, out)
    place = {"report": str(out / "report.html")} if out else {}
    if as_json:
        show(report.summary.model_dump(mode="json") | place, as_json)
    else:
        show_lines(
            [*summary_lines(report.summary), *(f"report: {page}" for page in place.values())]
        )
