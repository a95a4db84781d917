"""A mixture as a folder for a hub: shards, or what may be told without pixels, with a card.

plan.json is written first, so that a half export is known for whose it is, and manifest.json last.
"""

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from imagewikiqa.core.digests import file_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained, publish, publish_text
from imagewikiqa.core.progress import Progress, Silent
from imagewikiqa.core.runs import held, pretty
from imagewikiqa.core.spread import spread
from imagewikiqa.mixtures.exports.card import CardFacts, card
from imagewikiqa.mixtures.exports.hub_folder import (
    BUILT,
    CARD,
    WORK,
    hub_files,
    refuse_strangers,
    withdraw,
)
from imagewikiqa.mixtures.exports.licences import pictures_without_licence, presumed_imagenet
from imagewikiqa.mixtures.exports.placing import place
from imagewikiqa.mixtures.exports.shards import Contents
from imagewikiqa.mixtures.exports.tally import tally_of
from imagewikiqa.mixtures.exports.text_table import TextTable
from imagewikiqa.mixtures.plan_file import PLAN, REPORT, read_plan_report
from imagewikiqa.mixtures.plan_report import PlanReport
from imagewikiqa.mixtures.reader.trusted import read_manifest
from imagewikiqa.mixtures.recipe import Recipe
from imagewikiqa.mixtures.recipe_kept import keep_recipe, kept_recipe
from imagewikiqa.mixtures.shards.write import MANIFEST, receipt_path


@dataclass(frozen=True, slots=True)
class HubReport:
    """What a folder for a hub holds."""

    samples: int
    files: int
    with_pixels: bool
    imagenet: tuple[str, ...]  # sources with images of ImageNet, or that may be
    unlicensed: tuple[str, ...]  # sources that say no licence


def write_hub(
    contents: Contents,
    out: Path,
    *,
    pixels: bool | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> HubReport:
    """Write a folder that `datasets.load_dataset` opens and a hub takes as it is.

    `pixels` False leaves the images out; without a word they go along if every source of images has
    a licence and none is ImageNet's. Raises ToolkitError for others, for a bad shard, for a folder
    of something else, and for a mixture that was built without its plan or recipe beside it.
    """
    report = _plan_of(contents)
    recipe = kept_recipe(contents.folder, report.recipe)
    _refuse_unasked(contents.folder, recipe, report, (), pixels)
    with _alone(contents, out, with_pixels=pixels is not False):
        return _write(contents, out, report, recipe, pixels, workers, progress or Silent())


@contextmanager
def _alone(contents: Contents, out: Path, *, with_pixels: bool) -> Iterator[None]:
    """Hold the folder alone, after a look at whose it is."""
    with explained(out, "write in"):
        out.mkdir(parents=True, exist_ok=True)
    refuse_strangers(contents, out, with_pixels=with_pixels)
    with explained(out, "write in"):
        (out / WORK).mkdir(exist_ok=True)
    with held(out / WORK / "lock", f"another process is working in {out}: wait for it"):
        refuse_strangers(contents, out, with_pixels=with_pixels)
        try:
            yield
        finally:
            with explained(out / WORK, "remove"):
                shutil.rmtree(out / WORK)  # a hub would take it along


def _write(
    contents: Contents,
    out: Path,
    report: PlanReport,
    recipe: Recipe,
    pixels: bool | None,
    workers: int,
    progress: Progress,
) -> HubReport:
    folder = contents.folder
    tally = tally_of(contents, workers, progress)
    imagenet = presumed_imagenet(recipe, report, tally.imagenet)
    _refuse_unasked(folder, recipe, report, tally.imagenet, pixels)
    with_pixels = pixels is not False
    withdraw(out)
    publish(out / REPORT, [(folder / REPORT).read_bytes()])
    place(folder / PLAN, out / PLAN, report.plan)
    keep_recipe(recipe, out)
    if with_pixels:
        _place_shards(contents, out)
    else:
        _write_tables(contents, out, workers, progress)
    facts = CardFacts(contents, report, recipe, tally, tuple(imagenet), with_pixels)
    publish_text(out / CARD, card(facts))
    _finish(folder, out, with_pixels)
    return HubReport(
        samples=contents.samples,
        files=len(hub_files(out)),
        with_pixels=with_pixels,
        imagenet=tuple(imagenet),
        unlicensed=tuple(
            one.name for one in recipe.sources if one.license is None and one.name not in imagenet
        ),
    )


def _refuse_unasked(
    folder: Path, recipe: Recipe, report: PlanReport, by_name: Iterable[str], pixels: bool | None
) -> None:
    """Raise ToolkitError for images of ImageNet, or of no known licence, unless they are asked for.

    `by_name` are the sources whose files are named as ImageNet's.
    """
    if pixels is not None:
        return
    if imagenet := presumed_imagenet(recipe, report, by_name):
        raise ToolkitError(
            f"the source {imagenet[0]} of {folder} has images of ImageNet, or may have: nobody may"
            " publish those freely; give --without-pixels for a release of texts, ids and sha256,"
            " or --with-pixels for a gated repository (a source of free photographs says so by its"
            " license in the recipe)"
        )
    if unlicensed := pictures_without_licence(recipe, report):
        raise ToolkitError(
            f"nobody has said under which licence the images of {', '.join(unlicensed)} in {folder}"
            " may be published: say it by the license of each source in the recipe and build again,"
            " or give --without-pixels or --with-pixels"
        )


def _plan_of(contents: Contents) -> PlanReport:
    report = read_plan_report(contents.folder)
    if report.plan != contents.plan:
        raise ToolkitError(
            f"the plan in {contents.folder} is not the one that its shards were built by: build the"
            " mixture again"
        )
    return report


def _place_shards(contents: Contents, out: Path) -> None:
    receipts = read_manifest(contents.folder).manifest.shards
    for shard in contents.shards:
        place(contents.folder / shard.file, out / shard.file, shard.sha256)
        receipt = receipt_path(contents.folder, shard.file)
        place(receipt, out / receipt.name, receipts[shard.file])


def _write_tables(contents: Contents, out: Path, workers: int, progress: Progress) -> None:
    progress.begin("tables", contents.samples, 0)
    for count in spread(TextTable(contents.folder, out), contents.shards, workers):
        progress.advance(count)
    progress.end()


def _finish(folder: Path, out: Path, with_pixels: bool) -> None:
    """Write the manifest: the mixture's own, or that of the tables."""
    built = (folder / MANIFEST).read_bytes()
    if with_pixels:
        publish(out / MANIFEST, [built])
        return
    publish(out / BUILT, [built])
    listed = {
        file.relative_to(out).as_posix(): {
            "sha256": file_digest(file),
            "bytes": file.stat().st_size,
        }
        for file in hub_files(out)
    }
    publish_text(out / MANIFEST, pretty({"version": 1, "files": listed}))
