"""A finished mixture looked at whole: one pass over its shards, by any number of processes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pydantic import ValidationError

from imagewikiqa.core.cache import user_cache
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish
from imagewikiqa.core.parquet import parquet_bytes
from imagewikiqa.core.progress import Progress, Silent
from imagewikiqa.core.records import ClassEntry
from imagewikiqa.core.spread import spread
from imagewikiqa.mixtures.inspect.duplicates import Marks, Repeats, all_repeats
from imagewikiqa.mixtures.inspect.shard import COLUMNS, DICTIONARIES, Inspector
from imagewikiqa.mixtures.inspect.tally import Tally
from imagewikiqa.mixtures.inspect.tokenizer import TokenizerFile
from imagewikiqa.mixtures.plan_report import PlanReport
from imagewikiqa.mixtures.reader.shards import Shards
from imagewikiqa.mixtures.reader.trusted import read_manifest

SAMPLES = "samples.parquet"
_MARKS = ("image_mark", "row_mark", "conversation_mark")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """How full a shard is."""

    name: str
    samples: int
    text_only: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a mixture holds, beside the row for each sample that is on disk."""

    name: str
    all_shards: int  # of the mixture; `shards` are those that were looked at
    shards: tuple[Shard, ...]
    tally: Tally
    repeats: list[Repeats]
    plan: PlanReport | None  # None where the folder has no plan.json
    classes: tuple[ClassEntry, ...]
    counted_tokens: bool
    reader: Shards

    @property
    def whole(self) -> bool:
        """Return whether every shard was looked at."""
        return len(self.shards) == self.all_shards

    def known_classes(self) -> dict[str, str]:
        """Return the name of each class that was planned, is in the class list, or was seen.

        In the order of the class list, then of the ids; a class outside the list is named by its
        id.
        """
        planned = {one for part in (self.plan.sources if self.plan else ()) for one in part.classes}
        others = planned | self.tally.classes.keys()
        listed = {one.id: one.name for one in self.classes}
        return listed | {one: one for one in sorted(others - listed.keys())}


def inspect_mixture(
    folder: Path,
    out: Path,
    *,
    classes: Sequence[ClassEntry] = (),
    tokenizer: TokenizerFile | None = None,
    seed: int = 0,
    limit: int | None = None,
    workers: int = 1,
    progress: Progress | None = None,
    cache: Path | None = None,
) -> Inspection:
    """Look at every sample of the first `limit` shards; write OUT/samples.parquet on the way.

    Of a sample 24 bytes stay in memory. `seed` draws the contact sheet. The same mixture gives the
    same counts and bytes with any number of `workers`. Raises ToolkitError for a mixture that is
    unfinished, incomplete or other than its manifest says, and for the plan of another one.
    """
    opened = read_manifest(folder)
    inspector = Inspector(
        folder, opened.sha256, "shard", cache or user_cache() / "mixtures", seed, tuple(classes),
        tokenizer,
    )  # fmt: skip
    reader = inspector.shards
    plan = _plan(folder, opened.manifest.plan)
    names = reader.rows[:limit]
    watch = progress or Silent()
    watch.begin("samples", sum(one.count for one in names), 0)
    pass_ = _Pass()
    tables = pass_.over(inspector, len(names), workers, watch)
    publish(out / SAMPLES, parquet_bytes(tables, COLUMNS, DICTIONARIES))
    watch.end()
    return Inspection(
        name=names[0].shard.rpartition("-")[0] or names[0].shard,
        all_shards=len(reader.rows),
        shards=tuple(
            Shard(name=row.shard, samples=row.count, text_only=text_only, bytes=row.bytes)
            for row, text_only in zip(names, pass_.text_only, strict=True)
        ),
        tally=pass_.tally,
        repeats=pass_.repeats(),
        plan=plan,
        classes=tuple(classes),
        counted_tokens=tokenizer is not None,
        reader=reader,
    )


class _Pass:
    """What is kept while shards go by."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.text_only = list[int]()
        self._marks: dict[str, list[Marks]] = {name: [] for name in _MARKS}
        self._has_image: list[np.ndarray[tuple[int], np.dtype[np.bool_]]] = []

    def over(
        self, inspector: Inspector, shards: int, workers: int, watch: Progress
    ) -> Iterator[pa.Table]:
        """Look at shards and yield their tables, in order."""
        for tally, table in spread(inspector, range(shards), workers):
            self.tally.add(tally)
            self.text_only.append(tally.total("text only"))
            self._has_image.append(table["image_mark"].is_valid().to_numpy())
            for name in _MARKS:
                self._marks[name].append(table[name].fill_null(0).to_numpy())
            watch.advance(table.num_rows)
            yield table

    def repeats(self) -> list[Repeats]:
        """Return what stands more than once in all shards together."""
        images, rows, conversations = (np.concatenate(self._marks[name]) for name in _MARKS)
        return all_repeats(images, np.concatenate(self._has_image), conversations, rows)


def _plan(folder: Path, digest: str) -> PlanReport | None:
    """Return the counts that the mixture was planned with; None where they were not kept."""
    path = folder / "plan.json"
    if not path.is_file():
        return None
    try:
        report = PlanReport.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ToolkitError(f"{path} is damaged: put back the one of the build") from error
    if report.plan != digest:
        raise ToolkitError(f"{path} is the plan of another mixture: put back the one of the build")
    return report
