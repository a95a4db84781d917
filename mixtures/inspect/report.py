"""The page of an inspection: the figures that decide first, then plots, samples and tables."""

from collections.abc import Iterator

from imagewikiqa.core.report.summary import Listing, Summary
from imagewikiqa.mixtures.inspect.figures import (
    CHARACTERS_A_TOKEN,
    Finding,
    by_part,
    findings,
    tokens,
)
from imagewikiqa.mixtures.inspect.inspection import Inspection
from imagewikiqa.mixtures.inspect.listings import (
    class_tables,
    lengths_table,
    parts_table,
    repeats_tables,
    shards_table,
)
from imagewikiqa.mixtures.inspect.picturing import plots
from imagewikiqa.mixtures.inspect.sheet import contact_sheet
from imagewikiqa.mixtures.inspect.tables import FILES
from imagewikiqa.mixtures.inspect.words import megabytes, share


def report(found: Inspection) -> Summary:
    """Return the page of a mixture."""
    odd = findings(found)
    return Summary(
        title=f"Mixture {found.name}",
        eyebrow="Inspection of a mixture",
        lead=_lead(found, odd),
        figures=_tiles(found),
        plots=plots(found),
        counts={
            "Samples by source": by_part(found, 0),
            "Samples by template": by_part(found, 1),
            "Images by format": found.tally.formats,
        },
        pictures=contact_sheet(found.tally, found.reader, found.known_classes()),
        pictures_title="Samples, drawn from every source and template",
        listings=[
            _findings_table(odd),
            parts_table(found),
            lengths_table(found),
            *class_tables(found),
            *repeats_tables(found),
            shards_table(found),
        ],
        files=FILES,
        notes=list(_notes(found)),
    )


def _lead(found: Inspection, odd: list[Finding]) -> str:
    sources, count = len(by_part(found, 0)), len(found.shards)
    part = "" if found.whole else f"the first {count:,} of {found.all_shards:,} shards were seen; "
    said = (
        f"{part}{found.tally.samples:,} samples from {sources:,} source{'s'[: sources > 1]} in"
        f" {count:,} shard{'s'[: count > 1]}."
    )
    if not odd:
        return f"{said[0].upper()}{said[1:]} Nothing in them looks odd."
    first = "; ".join(f"{one.what} ({one.times:,})" for one in odd[:3])
    more = f"; and {len(odd) - 3} more" if len(odd) > 3 else ""
    return f"{said[0].upper()}{said[1:]} To look at: {first}{more}."


def _tiles(found: Inspection) -> dict[str, object]:
    tally = found.tally
    images, _, whole = found.repeats
    text_only, known = tally.total("text only"), len(found.known_classes())
    counted = "text tokens" if found.counted_tokens else "text tokens, estimated"
    tiles: dict[str, object] = {
        "samples": tally.samples,
        "with an image": tally.samples - text_only,
        "text only": text_only,
        "different images": images.distinct,
    }
    if tally.classes:
        tiles["classes seen, of those known"] = f"{len(tally.classes):,} of {known:,}"
    return tiles | {
        "turns": tally.total("turns"),
        "words of answers": tally.total("gpt words"),
        counted: tokens(found),
        "duplicates of another row": share(whole.by_other_row, whole.samples),
        "samples with a fault": tally.faulty,
        "size": megabytes(sum(one.bytes for one in found.shards)),
    }


def _findings_table(odd: list[Finding]) -> Listing:
    return Listing(
        title="What to look at",
        heads=("Finding", "Count", "For example"),
        rows=[(one.what, f"{one.times:,}", one.where) for one in odd],
        file="samples.parquet",
        numeric=(1,),
    )


def _notes(found: Inspection) -> Iterator[str]:
    yield (
        "Words are what stands between spaces. The mark of the image, <image>, belongs to no text"
        " and is counted nowhere."
    )
    if found.counted_tokens:
        yield (
            "Tokens are those of the tokenizer given, for the text of all turns alone: without the"
            " words that a chat format adds, and without those that stand for an image."
        )
    else:
        yield (
            f"No tokenizer was given, so tokens are an estimate, one for {CHARACTERS_A_TOKEN}"
            " characters, which is near the truth for English alone: --tokenizer counts them."
            " An image's tokens are not among them."
        )
    yield (
        "A row is one of a source; epochs and several templates show it again on purpose, which is"
        " told apart from another row with the same content. Images are the same when their bytes"
        " are, by the first 64 bits of their sha256."
    )
    if found.plan is None:
        yield "The folder has no plan.json, so nothing is compared with what was planned."
