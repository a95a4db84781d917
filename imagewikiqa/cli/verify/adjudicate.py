"""`imagewikiqa verify adjudicate`: a second round with only what raters disagreed on."""

from pathlib import Path
from typing import Any

import yaml

from imagewikiqa.cli.config import resolve_as
from imagewikiqa.cli.verify.prepare import PrepareConfig, run_prepare
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.progress import Progress
from imagewikiqa.qa.rounds.plan import Round
from imagewikiqa.qa.rounds.verdicts import disagreements


def run_adjudicate(
    folder: Path,
    out: Path,
    progress: Progress,
    *,
    raters: str | None,
    overlap: int | None,
    run: Path | None,
    as_json: bool = False,
) -> None:
    """Prepare a blind round over the questions whose raters did not all say the same."""
    first = Round(folder)
    if first.plan.kind == "picture":
        raise ToolkitError(
            f"{folder} is a picture round: people may differ there, nothing is to be settled"
        )
    open_ones = disagreements(first.subjects, first.answers)
    if not open_ones:
        raise ToolkitError(
            f"the raters of {folder} agree on every question: apply its verdicts with "
            f"imagewikiqa verify apply {folder} --out NEW"
        )
    file = folder / "config.yaml"
    before: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    for name in ("sample", "gold"):
        before.pop(name, None)
    changed = {"raters": raters, "overlap": overlap or 1, "run": str(run) if run else None}
    before |= {name: value for name, value in changed.items() if value is not None}
    settings = resolve_as(PrepareConfig, None, [], before)
    run_prepare(settings, out, progress, only=open_ones, after=first.plan.round, as_json=as_json)
