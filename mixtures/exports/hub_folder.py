"""Which files a folder for a hub holds, and when it is left alone."""

from pathlib import Path

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import TEMPORARY, explained, remove_leftovers, sync_folder
from imagewikiqa.mixtures.exports.shards import Contents
from imagewikiqa.mixtures.exports.text_table import DATA
from imagewikiqa.mixtures.plan_file import PLAN, REPORT
from imagewikiqa.mixtures.recipe_kept import KEPT
from imagewikiqa.mixtures.shards.write import MANIFEST, receipt_path

CARD = "README.md"
BUILT = "mixture.json"  # the mixture's manifest, beside a release without its shards
WORK = "work"  # while the folder is being written


def refuse_strangers(contents: Contents, out: Path, *, with_pixels: bool) -> None:
    """Raise ToolkitError where the folder holds anything but an export of this mixture.

    A release without pixels is never made where shards lie: a hub would take them along.
    """
    if out.resolve() == contents.folder.resolve():
        raise ToolkitError(f"{out} is the mixture itself: choose another --out")
    there = _names(out)
    known = {PLAN, REPORT, KEPT, CARD, MANIFEST, WORK} | _data(contents, with_pixels)
    strangers = there - known
    if DATA in there & known:
        strangers |= _names(out / DATA) - {f"{shard.name}.parquet" for shard in contents.shards}
    if strangers:
        raise ToolkitError(
            f"{out} holds something else (it has {min(strangers)}): choose a new or empty --out"
        )
    if there - {WORK} and not _is_of(contents, out):
        raise ToolkitError(f"{out} holds the export of another mixture: choose another --out")


def _names(folder: Path) -> set[str]:
    if not folder.is_dir():
        return {folder.name}
    return {one.name for one in folder.iterdir() if not one.name.startswith(TEMPORARY)}


def _data(contents: Contents, with_pixels: bool) -> set[str]:
    """Return what lies in the folder beside plan, recipe, card and manifest."""
    if not with_pixels:
        return {DATA, BUILT}
    shards = [shard.file for shard in contents.shards]
    return {*shards, *(receipt_path(Path(), name).name for name in shards)}


def _is_of(contents: Contents, out: Path) -> bool:
    """Return whether an export has the plan of a mixture."""
    plan = out / REPORT
    return plan.is_file() and plan.read_bytes() == (contents.folder / REPORT).read_bytes()


def withdraw(out: Path) -> None:
    """Remove the manifest of an earlier export, so that nothing half changed looks whole."""
    with explained(out, "write in"):
        remove_leftovers(out)
        (out / MANIFEST).unlink(missing_ok=True)
        sync_folder(out)


def hub_files(out: Path) -> list[Path]:
    """Return the files of an export, sorted."""
    found = (file for place in (out, out / DATA) for file in place.glob("*"))
    return sorted(file for file in found if file.is_file())
