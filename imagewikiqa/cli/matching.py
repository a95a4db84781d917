"""Which page serves which class, found once a run: to read a dump again takes hours."""

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

from imagewikiqa.builders.pages import MatchedPage, Source, match
from imagewikiqa.core.digests import file_digest
from imagewikiqa.core.files import publish, publish_text
from imagewikiqa.core.progress import Progress
from imagewikiqa.core.records import ClassEntry, Reject
from imagewikiqa.core.runs import pretty
from imagewikiqa.core.tables import write_table

_ROW = TypeAdapter(MatchedPage)


def matched_pages(
    source: Source,
    classes: tuple[ClassEntry, ...],
    work: Path,
    key: str,
    untitled: Sequence[Reject] = (),
    progress: Progress | None = None,
) -> list[MatchedPage]:
    """Return the pages of the classes, read from the source only when no match of `key` is kept.

    `key` stands for all that decides the match but the file name of a dump, which its pages carry.
    `untitled` are Rejects of classes that had no title to ask for. Writes match.jsonl and
    match.rejects.jsonl below `work`, and the receipt match.json last.
    """
    pages, rejects = work / "match.jsonl", work / "match.rejects.jsonl"
    receipt, named = work / "match.json", {"key": key, "source": Path(source.spec).name}
    if _kept(receipt, named, [pages, rejects]):
        with pages.open("rb") as stream:
            return [_ROW.validate_json(line) for line in stream]
    receipt.unlink(missing_ok=True)
    found = match(source, classes, progress)
    publish(pages, (_ROW.dump_json(page) + b"\n" for page in found.pages))
    write_table(rejects, [*found.rejects, *untitled])
    digests = {file.name: file_digest(file) for file in (pages, rejects)}
    publish_text(receipt, pretty({**named, "files": digests}))
    return list(found.pages)


def _kept(receipt: Path, named: dict[str, str], files: list[Path]) -> bool:
    """Return whether the receipt is of this match and its files are as they were written."""
    if not receipt.is_file() or not all(file.is_file() for file in files):
        return False
    try:
        said = json.loads(receipt.read_bytes())
    except ValueError:  # a damaged receipt is none: the match is made again
        return False
    return bool(said == {**named, "files": {file.name: file_digest(file) for file in files}})
