"""From a plan to shards: each is a pure function of its plan, whoever makes it."""

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from imagewikiqa.core.digests import canonical_json
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained
from imagewikiqa.core.progress import Progress, Silent
from imagewikiqa.mixtures.engines import Engine, Local
from imagewikiqa.mixtures.pictures import image_file
from imagewikiqa.mixtures.plan_file import read_plan_report, read_shard_plan, shard_digest
from imagewikiqa.mixtures.plan_report import PlanReport
from imagewikiqa.mixtures.recipe import Recipe
from imagewikiqa.mixtures.recipe_kept import keep_recipe
from imagewikiqa.mixtures.records import Manifest, PlanRow, ShardFile, ShardSample
from imagewikiqa.mixtures.shards.moving import move_shard
from imagewikiqa.mixtures.shards.write import (
    is_done,
    shard_name,
    write_manifest,
    write_shard,
)
from imagewikiqa.mixtures.sources.open import open_sources
from imagewikiqa.mixtures.sources.protocol import Source
from imagewikiqa.prompts.conversation import load_conversation

APART = "apart"  # folder in `work` of what is not finished


@dataclass(frozen=True, slots=True)
class Builder:
    """Makes any shard of a planned mixture; it travels to worker processes.

    Where two processes may make one shard at the same time, as when Ray takes a node for dead that
    is not, each writes in a folder of its own in `apart`: whoever is last replaces equal bytes.
    """

    recipe: Recipe
    plan: Path  # folder of plan.parquet
    out: Path
    work: Path
    apart: Path | None = None

    def __call__(self, number: int) -> int:
        """Make a shard unless it stands already; return how many samples it holds."""
        name = shard_name(self.recipe.name, number)
        rows = read_shard_plan(self.plan, number)
        digest = shard_digest(rows)
        if not is_done(self.out, name, digest):
            self._write(name, rows, digest)
        return len(rows)

    def _write(self, name: str, rows: Sequence[PlanRow], digest: str) -> None:
        if self.apart is None:
            write_shard(self.out, name, self._samples(rows), digest)
            return
        with explained(self.apart, "write in"):
            folder = tempfile.TemporaryDirectory(dir=self.apart, ignore_cleanup_errors=True)
        with folder as own:
            write_shard(Path(own), name, self._samples(rows), digest)
            if not is_done(self.out, name, digest):  # nobody was faster
                move_shard(name, Path(own), self.out)

    def _samples(self, rows: Iterable[PlanRow]) -> Iterator[ShardSample]:
        sources = {one.settings.name: one for one in open_sources(self.recipe, self.work)}
        for row in rows:
            yield self._sample(row, sources[row.source])

    def _sample(self, row: PlanRow, source: Source) -> ShardSample:
        said, span = source.sample(row.row, row.template, self.recipe.seed, row.repeat)
        text = ShardFile(extension="json", content=canonical_json(said).encode())
        if span is None:
            return ShardSample(key=row.key, files=(text,))
        image = image_file(span, self.recipe.image, row.image_sha256)
        kept = image.content is span
        return ShardSample(
            key=row.key, files=(image, text), image_sha256=row.image_sha256 if kept else None
        )


def _refuse_other_words(report: PlanReport) -> None:
    """Raise ToolkitError where a template has changed since the plan, as by another version."""
    planned = {name: sha for one in report.sources for name, sha in one.templates.items()}
    for name, sha256 in sorted(planned.items()):
        if load_conversation(name).sha256 != sha256:
            raise ToolkitError(
                f"the template {name} has other words than when the mixture was planned: build it"
                " by the version of the toolkit that planned it, or in an empty folder"
            )


def build(
    recipe: Recipe,
    plan: Path,
    out: Path,
    work: Path,
    *,
    engine: Engine | None = None,
    progress: Progress | None = None,
) -> Manifest:
    """Make every shard of a plan that is not there yet, then the manifest; return it.

    The bytes are the same for any engine; without one all is made in this process. Raises
    ToolkitError when the plan is of another recipe, an image changed since it was planned, or the
    disk refuses.
    """
    report = read_plan_report(plan)
    if report.recipe != recipe.digest:
        raise ToolkitError(f"the plan in {plan} was made from another recipe: plan again")
    _refuse_other_words(report)
    watch = progress or Silent()
    out.mkdir(parents=True, exist_ok=True)
    names = [shard_name(recipe.name, number) for number in range(report.shards)]
    watch.begin("samples", report.samples, 0)
    shutil.rmtree(work / APART, ignore_errors=True)  # of a build that was killed
    for count in (engine or Local())(Builder(recipe, plan, out, work), range(report.shards)):
        watch.advance(count)
    watch.end()
    keep_recipe(recipe, out)
    return write_manifest(out, names, report.plan)
