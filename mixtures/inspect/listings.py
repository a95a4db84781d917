"""The tables on the page of an inspection: short, the most telling rows first."""

from collections.abc import Iterator, Sequence

from imagewikiqa.core.report.summary import Listing
from imagewikiqa.mixtures.inspect.duplicates import Repeats
from imagewikiqa.mixtures.inspect.facts import facts_of
from imagewikiqa.mixtures.inspect.figures import ClassRow, class_rows
from imagewikiqa.mixtures.inspect.inspection import Inspection, Shard
from imagewikiqa.mixtures.inspect.measures import spread_of
from imagewikiqa.mixtures.inspect.names import RULES, SAID
from imagewikiqa.mixtures.inspect.tally import MEASURES
from imagewikiqa.mixtures.inspect.words import mean, megabytes, share, short

_SIDE = 8  # rows of a table's either end
_GROUPS = 5  # of each kind of repeat
_CHARACTERS = 120
_MOST = 30  # sources and templates


def parts_table(found: Inspection) -> Listing:
    """Return the counts of each source and template, largest first."""
    heads = ("Source", "Template", "Samples", "Share", "Text only", "Turns", "Words asked",
             "Words answered")  # fmt: skip
    parts = sorted(found.tally.parts.items(), key=lambda one: (-one[1]["samples"], one[0]))
    rows = [
        (
            *map(short, part),
            f"{counts['samples']:,}",
            share(counts["samples"], found.tally.samples),
            f"{counts['text only']:,}",
            mean(counts["turns"], counts["samples"]),
            mean(counts["human words"], counts["human turns"]),
            mean(counts["gpt words"], counts["gpt turns"]),
        )
        for part, counts in parts
    ]
    return Listing(title="Sources and templates", heads=heads, rows=rows[:_MOST], total=len(rows),
                   note="Turns are those of a sample, words those of a turn, on average.",
                   file="sources.csv", numeric=range(2, len(heads)))  # fmt: skip


def lengths_table(found: Inspection) -> Listing:
    """Return how long texts and how large images are."""
    heads = ("Measure", "Mean", "Least", "Median", "90%", "99%", "Most", "Counted")
    spreads = [(name, spread_of(found.tally.measure(name))) for name in MEASURES]
    rows = [
        (name, f"{one.mean:,.1f}", *(f"{value:,}" for value in one[2:]), f"{one.counted:,}")
        for name, one in spreads if one is not None
    ]  # fmt: skip
    return Listing(title="Lengths and sizes", heads=heads, rows=rows, file="measures.csv",
                   numeric=range(1, len(heads)))  # fmt: skip


def class_tables(found: Inspection) -> Iterator[Listing]:
    """Yield the classes least and most seen, and those least and most named."""
    rows = class_rows(found)
    if found.tally.classes:
        yield _seen(rows, found.tally.samples)
    if found.classes:
        yield _named(rows)


def _seen(rows: Sequence[ClassRow], samples: int) -> Listing:
    ranked = sorted((row for row in rows if row.samples), key=lambda row: (row.samples, row.id))
    never = [row.name for row in rows if not row.samples]
    return Listing(
        title="Classes, least and most seen",
        heads=("Class", "Id", "Samples", "Share"),
        rows=[
            (short(row.name), short(row.id), f"{row.samples:,}", share(row.samples, samples))
            for row in _ends(ranked)
        ],
        file="classes.csv",
        numeric=(2, 3),
        note=f"{_never(never, len(rows), 'seen')} {_shown(ranked, 'seen')}",
    )


def _named(rows: Sequence[ClassRow]) -> Listing:
    place = RULES.index(SAID)
    ranked = sorted(
        (row for row in rows if row.named[place]), key=lambda row: (row.named[place], row.id)
    )
    never = [row.name for row in rows if not row.named[place]]
    return Listing(
        title="Class names in conversations, least and most said",
        heads=("Class", "Id", *(rule.capitalize() for rule in RULES)),
        rows=[
            (short(row.name), short(row.id), *(f"{times:,}" for times in row.named))
            for row in _ends(ranked)
        ],
        file="classes.csv",
        numeric=range(2, 2 + len(RULES)),
        note="Ours counts names and synonyms at word bounds, the longest where several begin"
        " together. The paper counts sentences that hold the tokens of a name with a token"
        " before and one after, so an answer that is the name alone counts for nothing."
        f" {_never(never, len(rows), 'named')} {_shown(ranked, 'named')}",
    )


def _never(names: Sequence[str], known: int, what: str) -> str:
    if not names:
        return f"Each of the {known:,} known classes is {what}."
    first = ", ".join(map(short, names[:_SIDE]))
    more = ", and others" if len(names) > _SIDE else ""
    return f"Of {known:,} known classes {len(names):,} are never {what}: {first}{more}."


def _shown(ranked: Sequence[ClassRow], what: str) -> str:
    if len(ranked) <= 2 * _SIDE:
        return ""
    return f"Shown are the {_SIDE} least and the {_SIDE} most {what}; all are in classes.csv."


def _ends(ranked: Sequence[ClassRow]) -> Sequence[ClassRow]:
    """Return the first and the last rows; all of a short table."""
    return ranked if len(ranked) <= 2 * _SIDE else [*ranked[:_SIDE], *ranked[-_SIDE:]]


def repeats_tables(found: Inspection) -> Iterator[Listing]:
    """Yield what stands more than once: how much of each kind, and the largest groups."""
    yield Listing(
        title="What stands more than once",
        heads=("The same", "Samples", "Different", "Again, by the same row", "By another row"),
        rows=[
            (one.same, *(f"{count:,}" for count in (
                one.samples, one.distinct, one.by_same_row, one.by_other_row)))
            for one in found.repeats
        ],
        file="repeats.parquet", numeric=range(1, 5),
        note="Epochs and several templates show a row again on purpose. Another row with the same"
        " image may be another question; with the same image and words it is a duplicate.",
    )  # fmt: skip
    rows = [row for one in found.repeats for row in _groups(one, found)]
    if rows:
        yield Listing(
            title="Shared by the most rows",
            heads=("The same", "Rows", "Samples", "First seen in", "What it says"),
            rows=rows, total=sum(int((one.rows > 1).sum()) for one in found.repeats),
            file="repeats.parquet", numeric=(1, 2),
        )  # fmt: skip


def _groups(one: Repeats, found: Inspection) -> Iterator[tuple[str, ...]]:
    for group in one.largest(_GROUPS):
        shard, place = found.reader.shard_of(group.first)
        said = " / ".join(text for _, text in facts_of(found.reader.read(group.first)).turns)
        cut = said if len(said) <= _CHARACTERS else f"{said[:_CHARACTERS]}…"
        where = f"{shard} sample {place}"
        yield one.same, f"{group.rows:,}", f"{group.samples:,}", where, cut


def shards_table(found: Inspection) -> Listing:
    """Return how full the shards are, those with images and those of text alone."""
    kinds = {
        "with images": [one for one in found.shards if one.text_only < one.samples],
        "text only": [one for one in found.shards if one.text_only == one.samples],
    }
    rows = [(kind, f"{len(shards):,}", *_fill(shards)) for kind, shards in kinds.items() if shards]
    heads = ("Shards", "Number", "Samples, least", "Samples, most", "Size, least", "Size, most",
             "Size, all")  # fmt: skip
    return Listing(title="How full the shards are", heads=heads, rows=rows, file="shards.csv",
                   total=len(rows), numeric=range(1, len(heads)))  # fmt: skip


def _fill(shards: Sequence[Shard]) -> tuple[str, ...]:
    samples, sizes = [one.samples for one in shards], [one.bytes for one in shards]
    return (f"{min(samples):,}", f"{max(samples):,}", megabytes(min(sizes)), megabytes(max(sizes)),
            megabytes(sum(sizes)))  # fmt: skip
