"""The plan of a mixture: which sample stands at which place of which shard, from indexes alone.

Places are decided by a keyed hash of the seed, the source and the row, so the plan is the same on
any machine and in any order of arrival, and samples keep their order when a source grows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from imagewikiqa.core.digests import file_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish, publish_text
from imagewikiqa.core.parquet import parquet_bytes
from imagewikiqa.core.progress import Progress, Silent
from imagewikiqa.core.records import Reject
from imagewikiqa.core.runs import pretty
from imagewikiqa.core.tables import write_table
from imagewikiqa.mixtures.cutting import cut, interleaved
from imagewikiqa.mixtures.draws import Draws, draw, shares
from imagewikiqa.mixtures.keyed import Keys, keyed_ints, sample_ids
from imagewikiqa.mixtures.plan_file import COLUMNS, DICTIONARIES, PLAN, REJECTS, REPORT
from imagewikiqa.mixtures.plan_report import PlanReport, SourceReport
from imagewikiqa.mixtures.recipe import Recipe, SourceSettings
from imagewikiqa.mixtures.sources.index import KINDS, Ints, SourceIndex
from imagewikiqa.mixtures.sources.protocol import Source
from imagewikiqa.prompts.conversation import load_conversation

MOST_SHARDS = 100_000  # whose manifest readers take: it stays below 16 MiB


def plan(
    recipe: Recipe, sources: Sequence[Source], out: Path, progress: Progress | None = None
) -> PlanReport:
    """Write OUT/plan.parquet and OUT/plan.json; return the counts of what became of every row.

    OUT/rejects.jsonl names each row that is asked for and cannot be used. A row group is a shard.
    No image is opened. Raises ToolkitError for a source of which nothing can be drawn.
    """
    indexes = [source.index() for source in sources]
    parts = shares(recipe, indexes)
    drawn = [
        draw(source.settings, index, recipe.seed, part)
        for source, index, part in zip(sources, indexes, parts, strict=True)
    ]
    if not any(len(one.rows) for one in drawn):
        raise ToolkitError(f"the recipe {recipe.name} draws no sample at all: ask for more epochs")
    every = _placed(recipe, indexes, drawn)
    shards = _shards(recipe, every)
    if len(shards) > MOST_SHARDS:
        raise ToolkitError(
            f"the recipe {recipe.name} makes {len(shards):,} shards, more than {MOST_SHARDS:,},"
            " which no manifest holds: let a shard have more samples or bytes"
        )
    (out / REPORT).unlink(missing_ok=True)
    tables = _tables(recipe, indexes, every, shards, progress or Silent())
    publish(out / PLAN, parquet_bytes(tables, COLUMNS, DICTIONARIES))
    write_table(out / REJECTS, _rejects(recipe, indexes))
    report = PlanReport(
        name=recipe.name,
        recipe=recipe.digest,
        sources=[
            _report(source, index, one)
            for source, index, one in zip(sources, indexes, drawn, strict=True)
        ],
        samples=len(every.rows),
        shards=len(shards),
        text_only_shards=sum(not every.kinds[shard[0]] for shard in shards),
        bytes=int(every.sizes.sum()),
        plan=file_digest(out / PLAN),
    )
    publish_text(out / REPORT, pretty(report.model_dump(mode="json")))
    return report


@dataclass(frozen=True, slots=True)
class _Placed:
    """All draws of all sources, in the order in which they will stand."""

    sources: npt.NDArray[np.int16]
    rows: npt.NDArray[np.int32]
    repeats: npt.NDArray[np.int32]
    templates: npt.NDArray[np.int8]
    sizes: Ints
    kinds: npt.NDArray[np.int8]


def _placed(recipe: Recipe, indexes: Sequence[SourceIndex], drawn: Sequence[Draws]) -> _Placed:
    keys = [
        _keys(recipe, source, index, one)
        for source, index, one in zip(recipe.sources, indexes, drawn, strict=True)
    ]
    order = np.argsort(np.concatenate([place for place, _ in keys]), kind="stable")
    counts = [len(one.rows) for one in drawn]
    pairs = list(zip(indexes, drawn, strict=True))
    return _Placed(
        sources=np.repeat(np.arange(len(drawn), dtype=np.int16), counts)[order],
        rows=np.concatenate([one.rows.astype(np.int32) for one in drawn])[order],
        repeats=np.concatenate([one.repeats.astype(np.int32) for one in drawn])[order],
        templates=np.concatenate([template for _, template in keys])[order],
        sizes=np.concatenate([index.sizes[one.rows] for index, one in pairs])[order],
        kinds=_kinds(recipe, np.concatenate([index.kinds[one.rows] for index, one in pairs]))[
            order
        ],
    )


def _kinds(recipe: Recipe, kinds: npt.NDArray[np.int8]) -> npt.NDArray[np.int8]:
    """Return what images are in their shards: all are made JPEG unless their bytes are kept."""
    kept = recipe.image.policy == "keep"
    return kinds if kept else np.minimum(kinds, KINDS.index("jpg"))


def _keys(
    recipe: Recipe, source: SourceSettings, index: SourceIndex, drawn: Draws
) -> tuple[Keys, npt.NDArray[np.int8]]:
    """Return what orders the draws of a source, and which of its templates each takes."""
    places = np.empty(len(drawn.rows), np.uint64)
    templates = np.zeros(len(drawn.rows), np.int8)
    order = np.argsort(drawn.repeats, kind="stable")
    repeats, starts = np.unique(drawn.repeats[order], return_index=True)
    for repeat, here in zip(repeats.tolist(), np.split(order, starts[1:]), strict=False):
        names = index.ids.take(pa.array(drawn.rows[here]))
        seed, after = recipe.seed, (repeat,)
        places[here] = keyed_ints(seed, "place", source.name, names=names, after=after)
        if repeat == 0:
            _refuse_twins(source.name, names, places[here])
        if len(source.templates) > 1:
            keys = keyed_ints(seed, "template", source.name, names=names, after=after)
            templates[here] = keys % np.uint64(len(source.templates))
    return places, templates


def _refuse_twins(source: str, names: pa.Array, keys: Keys) -> None:
    """Raise ToolkitError where two rows have one id: their samples could not be told apart."""
    order = np.argsort(keys, kind="stable")
    again = np.flatnonzero(keys[order[1:]] == keys[order[:-1]])
    for first, second in zip(order[again].tolist(), order[again + 1].tolist(), strict=True):
        if names[first] == names[second]:
            raise ToolkitError(
                f"two rows of source {source} have the id {names[first].as_py()!r}: make its table"
                " again"
            )


def _shards(recipe: Recipe, every: _Placed) -> list[Ints]:
    """Return the draws of each shard in their order.

    A shard holds images of one kind, or text only: other readers take the columns of all its
    samples from the first few.
    """
    most = recipe.shard.samples, recipe.shard.megabytes * 1e6
    kinds: list[list[Ints]] = []
    for kind in (*range(1, len(KINDS)), KINDS.index("")):
        draws = np.flatnonzero(every.kinds == kind)
        places = cut(every.sizes[draws], *most)
        bounds = zip(places[:-1], places[1:], strict=True)
        kinds.append([draws[start:stop] for start, stop in bounds])
    left = [iter(kind) for kind in kinds]
    return [next(left[kind]) for kind in interleaved([len(kind) for kind in kinds])]


def _tables(
    recipe: Recipe,
    indexes: Sequence[SourceIndex],
    every: _Placed,
    shards: Sequence[Ints],
    progress: Progress,
) -> Iterator[pa.Table]:
    """Yield a table for each shard."""
    progress.begin("plan", len(every.rows), 0)
    names = pa.array([source.name for source in recipe.sources], pa.string())
    for number, draws in enumerate(shards):
        source_of = every.sources[draws]
        samples, digests, templates = _described(recipe, indexes, every, draws)
        columns = {
            "shard": np.full(len(draws), number, np.int32),
            "slot": np.arange(len(draws), dtype=np.int32),
            "sample_id": samples,
            "repeat": every.repeats[draws],
            "source": names.take(pa.array(source_of)),
            "row": every.rows[draws],
            "template": templates,
            "image_sha256": digests,
        }
        yield pa.table({name: pa.array(one) for name, one in columns.items()}, schema=COLUMNS)
        progress.advance(len(draws))
    progress.end()


def _described(
    recipe: Recipe, indexes: Sequence[SourceIndex], every: _Placed, draws: Ints
) -> tuple[pa.Array, pa.Array, pa.Array]:
    """Return id, image digest and template of the draws of a shard, in their order."""
    found: list[tuple[pa.Array, pa.Array, pa.Array]] = []
    places: list[Ints] = []
    pairs = every.sources[draws].astype(np.int64) * 128 + every.templates[draws]
    for pair in np.unique(pairs).tolist():
        here = np.flatnonzero(pairs == pair)
        source, index = recipe.sources[pair // 128], indexes[pair // 128]
        template = source.templates[pair % 128]
        rows = pa.array(every.rows[draws[here]])
        ids = sample_ids(source.name, load_conversation(template).ref, index.ids.take(rows))
        found.append((ids, index.image_sha256.take(rows), pa.repeat(template, len(here))))
        places.append(here)
    back = pa.array(np.argsort(np.concatenate(places), kind="stable"))
    ids, digests, templates = (
        pa.concat_arrays(list(column)).take(back) for column in zip(*found, strict=True)
    )
    return ids, digests, templates


def _rejects(recipe: Recipe, indexes: Sequence[SourceIndex]) -> Iterator[Reject]:
    for source, index in zip(recipe.sources, indexes, strict=True):
        for row, reason in index.rejected():
            name = f"{source.name}:{row}"
            yield Reject(id=f"plan:{name}", stage="plan", input=name, reason=reason)


def _report(source: Source, index: SourceIndex, drawn: Draws) -> SourceReport:
    settings = source.settings
    by_class = np.bincount(index.class_of[drawn.rows] + 1, minlength=len(index.class_ids) + 1)
    return SourceReport(
        name=settings.name,
        index=source.digest(),
        templates={one: load_conversation(one).sha256 for one in settings.templates},
        rows=index.rows,
        left_out={**index.left_out(), **drawn.left_out},
        rows_drawn=int((drawn.repeats == 0).sum()),
        samples=len(drawn.rows),
        text_only=int((~index.has_image[drawn.rows]).sum()),
        classes=dict(zip(index.class_ids, by_class[1:].tolist(), strict=True)),
    )
