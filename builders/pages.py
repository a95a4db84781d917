"""Pages for classes: open a source, match its pages to classes, and clean one page."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from imagewikiqa.builders.dump import read_dump
from imagewikiqa.builders.dump_index import locate
from imagewikiqa.builders.folder import read_folder
from imagewikiqa.builders.matching import (
    Matched,
    MatchedPage,
    Source,
    match,
    several,
    shared,
)
from imagewikiqa.builders.multistream import find_pages
from imagewikiqa.builders.raw import RawPage, flaw, is_disambiguation, reject
from imagewikiqa.builders.sample import read_sample
from imagewikiqa.builders.unused import LISTED
from imagewikiqa.builders.wikitext import clean
from imagewikiqa.core.digests import text_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.progress import Progress
from imagewikiqa.core.records import Page, Reject

__all__ = [
    "LISTED", "MIN_WORDS", "Matched", "MatchedPage", "Source", "flaw", "is_disambiguation",
    "make_page", "match", "open_source", "several", "shared",
]  # fmt: skip

MIN_WORDS = 60  # of clean prose; a shorter page cannot feed five questions


def open_source(spec: str, *, workers: int = 1) -> Source:
    """Return the source named by `sample`, `dump:FILE` or `folder:DIR`; raise ToolkitError.

    A multistream dump is read by that many processes, and with its index beside it, or given in
    its place, only where the pages asked for are.
    """
    kind, _, rest = spec.partition(":")
    path = Path(rest)
    if spec == "sample":
        return Source(spec=spec, read=read_sample)
    if kind == "dump" and rest:
        return _dump_source(spec, path, workers)
    if kind == "folder" and rest:
        if not path.is_dir():
            raise ToolkitError(f"there is no folder {rest}: check the path after folder:")
        return Source(spec=spec, read=lambda: read_folder(path))
    raise ToolkitError(
        f"unknown source of pages {spec!r}; have: wikipedia, pins:FILE, dump:FILE, folder:DIR,"
        " sample"
    )


def _dump_source(spec: str, path: Path, workers: int) -> Source:
    files = locate(path)

    def watched(progress: Progress | None = None) -> Iterator[RawPage | Reject]:
        return read_dump(files.dump, workers=workers, progress=progress)

    find = partial(find_pages, files.dump, files.index, workers=workers) if files.index else None
    return Source(spec=spec, read=watched, watched=watched, find=find)


def make_page(matched: MatchedPage) -> Page | Reject:
    """Return a page as clean text, or the Reject of one with under `MIN_WORDS` words of prose."""
    raw = matched.raw
    cleaned = clean(raw.wikitext)
    prose = [s for s in cleaned.sections if s.path != ("Infobox",)]
    words = sum(len(re.findall(r"\w+", cleaned.text[s.start : s.end])) for s in prose)
    if words < MIN_WORDS:
        classes = ", ".join(matched.class_ids)
        return reject(raw.id, "too short", f"{raw.title}: {words} words, for {classes}")
    return Page(
        id=raw.id,
        class_ids=matched.class_ids,
        title=raw.title,
        page_id=raw.page_id,
        revision_id=raw.revision_id,
        revision_timestamp=raw.timestamp,
        url=raw.url,
        language=raw.language,
        license=raw.license,
        text=cleaned.text,
        sections=cleaned.sections,
        facts=cleaned.facts,
        source=raw.source,
        sha256=text_digest(raw.wikitext),
    )
