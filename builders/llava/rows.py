"""The clean rows of a file or mix in order, each with its id: the heart of every LLaVA reader."""

import hashlib
import json
from collections.abc import Iterator, Sequence

from imagewikiqa.builders.llava.defects import DefectError
from imagewikiqa.builders.llava.mix import MixPart, read_part
from imagewikiqa.builders.llava.row import LlavaRow, clean_row
from imagewikiqa.core.progress import Progress, Silent


def iterate_rows(
    parts: Sequence[MixPart], seed: int = 0, progress: Progress | None = None
) -> Iterator[tuple[str, str, LlavaRow | DefectError]]:
    """Yield id, source and the clean row or its defect for every row that the mix takes, in order.

    The second and later rows with the same images and conversation are defects; for that 16 bytes
    of each row are remembered, about 50 MB for 665,000 rows.
    """
    watcher = progress or Silent()
    seen: set[int] = set()
    for part in parts:
        for position, raw in read_part(part, seed, watcher.advance):
            found: LlavaRow | DefectError
            try:
                found = clean_row(raw)
                _refuse_repeated(found, seen)
            except DefectError as defect:
                found = defect
            yield f"{part.source}#{position:07d}", part.source, found


def _refuse_repeated(row: LlavaRow, seen: set[int]) -> None:
    said = [(turn.speaker, turn.value) for turn in row.turns]
    content = json.dumps([row.images, said], ensure_ascii=False)
    try:
        row.row_id.encode()
        key = int.from_bytes(hashlib.blake2b(content.encode(), digest_size=16).digest())
    except UnicodeEncodeError as error:
        raise DefectError("broken character", f"at {error.start}") from error
    if key in seen:
        raise DefectError("duplicate row")
    seen.add(key)
