"""One shard looked at: its counts, and a table with a row for each sample."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from imagewikiqa.core.digests import keyed_int
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry
from imagewikiqa.mixtures.inspect.facts import Facts, facts_of
from imagewikiqa.mixtures.inspect.names import ClassNames
from imagewikiqa.mixtures.inspect.tally import Tally
from imagewikiqa.mixtures.inspect.tokenizer import TokenizerFile
from imagewikiqa.mixtures.reader.shards import Check, Shards

COLUMNS = pa.schema(
    [
        pa.field("shard", pa.string(), nullable=False),
        pa.field("place", pa.int32(), nullable=False),
        pa.field("key", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("source_id", pa.string(), nullable=False),
        pa.field("template", pa.string(), nullable=False),
        pa.field("class_id", pa.string()),
        pa.field("named_class_id", pa.string()),
        pa.field("turns", pa.int32(), nullable=False),
        pa.field("human_words", pa.int32(), nullable=False),
        pa.field("gpt_words", pa.int32(), nullable=False),
        pa.field("tokens", pa.int32()),  # null without a tokenizer
        pa.field("format", pa.string()),  # this and the next: null for text only
        pa.field("width", pa.int32()),
        pa.field("height", pa.int32()),
        pa.field("image_bytes", pa.int32()),
        pa.field("image_mark", pa.uint64()),
        pa.field("row_mark", pa.uint64(), nullable=False),
        pa.field("conversation_mark", pa.uint64(), nullable=False),
        pa.field("faults", pa.string()),  # null for none
    ]
)
DICTIONARIES = ("shard", "source", "template", "class_id", "named_class_id", "format", "faults")


class Looked(NamedTuple):
    """What was found in a shard."""

    tally: Tally
    table: pa.Table


@dataclass(frozen=True, slots=True)
class Inspector:
    """Looks at any shard of a mixture; it travels to worker processes."""

    folder: Path
    manifest: str  # its sha256, so that no process takes an older mixture of the folder for this
    check: Check
    cache: Path
    seed: int = 0  # of the contact sheet
    classes: tuple[ClassEntry, ...] = ()
    tokenizer: TokenizerFile | None = None

    @property
    def shards(self) -> Shards:
        """Return the open shards, of this process."""
        return _opened(self.folder, self.manifest, self.check, self.cache)

    def __call__(self, shard: int) -> Looked:
        """Return what a shard holds; ToolkitError where it is not what its receipt says."""
        numbers = self.shards.numbers(shard)
        tally, names = Tally(), ClassNames(self.classes)
        rows = []
        for number in numbers:
            facts = facts_of(self.shards.read(number))
            tally.see(facts, number, keyed_int(self.seed, facts.template, facts.row_mark))
            for turn in facts.turns if self.classes else ():
                names.see(*turn)
            rows.append(facts)
        tally.keep_few()
        tally.names = names.counts if self.classes else {}
        tokens: Sequence[int | None] = [None] * len(rows)
        if self.tokenizer is not None:
            counted = self._tokens(self.tokenizer, rows)
            tally.see_tokens(counted)
            tokens = counted
        return Looked(tally, _table(self.shards.rows[shard].shard, rows, tokens))

    @staticmethod
    def _tokens(tokenizer: TokenizerFile, rows: Sequence[Facts]) -> list[int]:
        """Return the tokens of all turns of each sample."""
        lengths = tokenizer.lengths([text for row in rows for _, text in row.turns])
        ends = list(accumulate((len(row.turns) for row in rows), initial=0))
        return [sum(lengths[start:end]) for start, end in pairwise(ends)]


@lru_cache(maxsize=1)
def _opened(folder: Path, manifest: str, check: Check, cache: Path) -> Shards:
    shards = Shards(folder, check, cache)
    if shards.sha256 != manifest:
        raise ToolkitError(f"{folder} was built anew while it was looked at: run again")
    return shards


def _table(shard: str, rows: Sequence[Facts], tokens: Sequence[int | None]) -> pa.Table:
    images = [row.image for row in rows]
    words = {who: [_words(row, who) for row in rows] for who in ("human", "gpt")}
    columns = {
        "shard": [shard] * len(rows),
        "place": range(len(rows)),
        "key": [row.key for row in rows],
        "source": [row.source for row in rows],
        "source_id": [row.source_id for row in rows],
        "template": [row.template for row in rows],
        "class_id": [row.class_id for row in rows],
        "named_class_id": [row.named_class_id for row in rows],
        "turns": [len(row.turns) for row in rows],
        "human_words": words["human"],
        "gpt_words": words["gpt"],
        "tokens": tokens,
        "format": [image and image.format for image in images],
        "width": [image and image.width for image in images],
        "height": [image and image.height for image in images],
        "image_bytes": [image and image.bytes for image in images],
        "image_mark": [image and image.mark for image in images],
        "row_mark": [row.row_mark for row in rows],
        "conversation_mark": [row.conversation_mark for row in rows],
        "faults": ["; ".join(row.faults) or None for row in rows],
    }
    return pa.table({name: list(column) for name, column in columns.items()}, schema=COLUMNS)


def _words(row: Facts, who: str) -> int:
    return sum(len(text.split()) for speaker, text in row.turns if speaker == who)
