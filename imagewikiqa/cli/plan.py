"""What a run would do, told without doing it."""

from pathlib import Path
from typing import Any

from imagewikiqa.cli.job import checked_classes
from imagewikiqa.cli.models import ModelAccess, parse_model, parse_models
from imagewikiqa.cli.settings import RebuildConfig

_LEGEND = (
    "usd is likely: judges know the answer with the name and guess at chance without it; "
    "most usd: every round, vote and retry, and answers as long as may be"
)


def plan(
    settings: RebuildConfig, limit: int | None, out: Path, access: ModelAccess
) -> dict[str, Any]:
    """Return what a run would do: classes, and calls, tokens and price of models by stage."""
    classes = len(checked_classes(settings)[:limit])
    told: dict[str, Any] = {
        "classes": classes, "pages": settings.pages, "images": settings.image_source
    }  # fmt: skip
    specs = [parse_model(settings.author, "--author"), *parse_models(settings.judge, "--judge")]
    if all(spec.is_corpus for spec in specs):
        return {**told, "calls": 0, "usd": 0.0}
    from imagewikiqa.cli.estimate import estimates, total

    rows = estimates(settings, classes, out, access)
    return {
        **told,
        "calls": sum(row["calls"] for row in rows),
        "most_calls": sum(row["most_calls"] for row in rows),
        "usd": total(rows, "usd"),
        "most_usd": total(rows, "most_usd"),
        "stages": rows,
    }


def for_people(told: dict[str, Any]) -> list[str]:
    """Return the plan as lines: a table of stages, and sums in which the unknown is said to be."""
    names = ("stage", "model", "calls", "most_calls", "input_tokens", "output_tokens", "usd",
             "most_usd")  # fmt: skip
    lines = [f"{name:<8} {told[name]}" for name in ("classes", "pages", "images")]
    if not told["calls"]:
        return [*lines, "calls    none: no model is asked"]
    table = [[name.replace("_", " ") for name in names]]
    table += [[_cell(row[name]) for name in names] for row in told["stages"]]
    table.append(["in all", "", *(_cell(told.get(name, "")) for name in names[2:])])
    widths = [max(len(row[at]) for row in table) for at in range(len(names))]
    lines += ["  ".join(_placed(cell, at, widths) for at, cell in enumerate(row)).rstrip()
              for row in table]  # fmt: skip
    return [*lines, _LEGEND]


def _cell(value: object) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, float):
        return f"{value:,.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _placed(cell: str, at: int, widths: list[int]) -> str:
    return cell.ljust(widths[at]) if at < 2 else cell.rjust(widths[at])
