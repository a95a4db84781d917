"""The folder of a mixture: held alone, and planned once."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained, remove_leftovers
from imagewikiqa.core.runs import held_run
from imagewikiqa.mixtures.plan import plan
from imagewikiqa.mixtures.plan_file import REPORT, read_plan_report
from imagewikiqa.mixtures.plan_report import PlanReport
from imagewikiqa.mixtures.recipe import Recipe
from imagewikiqa.mixtures.sources.open import open_sources
from imagewikiqa.mixtures.sources.protocol import Source


@contextmanager
def held(out: Path) -> Iterator[None]:
    """Hold the folder of a mixture alone."""
    with explained(out, "write in"):
        (out / "work").mkdir(parents=True, exist_ok=True)
        (out / "work" / "lock").touch()
    with held_run(out):
        remove_leftovers(out)
        yield


def planned(recipe: Recipe, out: Path) -> PlanReport:
    """Return the plan of the folder, made now or by an earlier call with the same recipe and data.

    Raises ToolkitError when the folder holds a mixture of something else.
    """

    sources = open_sources(recipe, out / "work")
    if (out / REPORT).is_file():
        before = read_plan_report(out)
        if changed := _changed(before, recipe, sources):
            raise ToolkitError(
                f"{out} holds a mixture in which {changed} was another: choose another --out"
            )
        return before
    strangers = [one.name for one in out.iterdir() if one.name not in ("work", "plan.parquet")]
    if strangers:
        raise ToolkitError(
            f"{out} is not empty and no mixture (it holds {min(strangers)}): choose another --out"
        )
    return plan(recipe, sources, out)


def _changed(before: PlanReport, recipe: Recipe, sources: Sequence[Source]) -> str | None:
    """Return what differs from the plan that is there; None when nothing does."""
    if before.recipe != recipe.digest:
        return "the recipe"
    pairs = zip(before.sources, sources, strict=True)
    return next(
        (f"the index of {now.settings.name}" for was, now in pairs if was.index != now.digest()),
        None,
    )
