"""A mixture as rows and image files: shard by shard, so that memory is that of a sample.

The images of a shard are a folder that appears whole, after it the rows of the shard, after all of
them the data file: what a kill leaves is taken up by the next call and is no export to any reader.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import explained, publish, publish_text, sync_folder
from imagewikiqa.core.progress import Progress, Silent
from imagewikiqa.core.runs import pretty
from imagewikiqa.core.spread import spread
from imagewikiqa.mixtures.exports.forms import IMAGES, Form, factory_info, form_of
from imagewikiqa.mixtures.exports.shards import Contents, ShardPlace, samples_of
from imagewikiqa.mixtures.reader.sample import Sample
from imagewikiqa.mixtures.records import KEY

SUMS = "images.sha256"
FACTORY = "dataset_info.json"
_SPEAKERS = ("human", "gpt")


@dataclass(frozen=True, slots=True)
class RowReport:
    """What an export holds; `files` are its data files but for the images, which SUMS vouches
    for."""

    rows: int
    images: int
    files: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class RowExport:
    """Writes the images and the rows of any shard; it travels to worker processes."""

    mixture: Path
    out: Path
    work: Path
    form: str

    def __call__(self, shard: ShardPlace) -> tuple[int, int]:
        """Write a shard unless it stands already; return how many rows and images it has."""
        if not self._is_done(shard):
            publish(self.rows(shard), self._rows(shard))
        sums = self.sums(shard).read_bytes()
        return shard.count, sums.count(b"\n")

    def rows(self, shard: ShardPlace) -> Path:
        """Return the file of a shard's rows, which is written after its images."""
        return self.work / f"{shard.name}.jsonl"

    def sums(self, shard: ShardPlace) -> Path:
        """Return the file of the sha256 of a shard's images."""
        return self.work / f"{shard.name}.sha256"

    def _is_done(self, shard: ShardPlace) -> bool:
        if not (self.rows(shard).is_file() and self.sums(shard).is_file()):
            return False
        folder = self.out / IMAGES / shard.name
        there = {path.name for path in folder.iterdir()} if folder.is_dir() else set[str]()
        lines = self.sums(shard).read_text(encoding="utf-8").splitlines()
        return there >= {line.rpartition("/")[2] for line in lines}

    def _rows(self, shard: ShardPlace) -> Iterator[bytes]:
        """Yield the rows of a shard as lines, and publish its images before the last of them is
        published."""
        form, sums = form_of(self.form), list[str]()
        fresh = self.work / f"{shard.name}.images"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        for sample in samples_of(self.mixture, shard):
            _refuse_strange(sample, shard)
            shown = []
            for extension, content in sample.files.items():
                name = f"{sample.key}.{extension}"
                _write_synced(fresh / name, content)
                digest = hashlib.sha256(content).hexdigest()
                sums.append(f"{digest}  {IMAGES}/{shard.name}/{name}\n")
                shown.append(form.image(shard.name, name))
            row = form.row({**sample.record, "id": sample.key}, shown)
            yield json.dumps(row, ensure_ascii=False).encode() + b"\n"
        _publish_folder(fresh, self.out / IMAGES / shard.name, keep=bool(sums))
        publish_text(self.sums(shard), "".join(sums))


def export_rows(
    contents: Contents,
    out: Path,
    form: Form,
    *,
    work: Path,
    workers: int = 1,
    progress: Progress | None = None,
) -> RowReport:
    """Write the rows of a mixture in a form, and its images below OUT/images; return the counts.

    OUT/images/SHARD/KEY.EXT has the bytes of the shard. What an earlier call with the same `work`
    finished is not done again, and the bytes are the same for any number of workers. Raises
    ToolkitError for a bad shard, before the data file is written.
    """
    export = RowExport(contents.folder, out, work, form.name)
    watch = progress or Silent()
    with explained(out, "write in"):
        work.mkdir(parents=True, exist_ok=True)
        (out / IMAGES).mkdir(exist_ok=True)
    watch.begin("rows", contents.samples, 0)
    images = 0
    for count, shown in spread(export, contents.shards, workers):
        images += shown
        watch.advance(count)
    watch.end()
    return RowReport(contents.samples, images, _joined(export, contents.shards, form, bool(images)))


def _joined(
    export: RowExport, shards: Sequence[ShardPlace], form: Form, has_images: bool
) -> tuple[Path, ...]:
    """Publish the sums of all images, then the data file; return what was published."""
    out = export.out
    files = [out / form.data]
    if has_images:
        files.append(out / SUMS)
        publish(out / SUMS, (export.sums(shard).read_bytes() for shard in shards))
    mixture = shards[0].name.rpartition("-")[0] or shards[0].name
    if (said := factory_info(form, mixture)) is not None:
        files.append(out / FACTORY)
        publish_text(out / FACTORY, pretty(said))
    publish(out / form.data, form.framed(_lines([export.rows(shard) for shard in shards])))
    return tuple(files)


def _lines(files: Sequence[Path]) -> Iterator[bytes]:
    for file in files:
        with file.open("rb") as stream:
            for line in stream:
                yield line.removesuffix(b"\n")


def _refuse_strange(sample: Sample, shard: ShardPlace) -> None:
    """Raise ToolkitError for what trainers could not read, or a key that is no file's name."""
    turns = sample.record.get("conversations")
    said = isinstance(turns, list) and len(turns) > 0 and all(map(_is_turn, turns))
    if not said or re.fullmatch(KEY, sample.key) is None:
        raise ToolkitError(
            f"the sample {sample.key!r} of the shard {shard.file} holds no conversation in LLaVA's"
            " form: export a mixture of imagewikiqa mix build"
        )


def _is_turn(turn: object) -> bool:
    if not isinstance(turn, dict):
        return False
    return turn.get("from") in _SPEAKERS and isinstance(turn.get("value"), str)


def _write_synced(path: Path, content: bytes) -> None:
    with explained(path, "write"), path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _publish_folder(fresh: Path, place: Path, *, keep: bool) -> None:
    """Rename a folder whose files are synced to its place; an empty one is only removed."""
    with explained(place, "write"):
        if place.is_dir():
            shutil.rmtree(place)  # of a call that was killed before its rows were published
        if not keep:
            fresh.rmdir()
            return
        sync_folder(fresh)
        fresh.replace(place)
        sync_folder(place.parent)
