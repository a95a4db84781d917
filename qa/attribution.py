"""Credit for the pages that questions quote: ATTRIBUTION.tsv and the licence of the set."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.files import publish_text
from imagewikiqa.core.records import Page, Question

ATTRIBUTION = "ATTRIBUTION.tsv"
COLUMNS = ("title", "page_id", "revision_id", "permanent_link", "licence", "changes")
CHANGES = "excerpted; questions and answer options written from the text"
SetLicence = Literal["cc-by-sa-4.0", "cc-by-4.0", "other"]

# Texts whose terms allow a release of changed excerpts under CC BY 4.0 or CC BY-SA 4.0.
_ATTRIBUTION_ONLY = ("CC-BY-2.0", "CC-BY-2.5", "CC-BY-3.0", "CC-BY-4.0", "CC0-1.0")
_SHARE_ALIKE = ("CC-BY-SA-2.0", "CC-BY-SA-2.5", "CC-BY-SA-3.0", "CC-BY-SA-4.0")


def cited_pages(questions: Iterable[Question], pages: Iterable[Page]) -> tuple[Page, ...]:
    """Return the pages that questions quote, each once, in the order of `pages`.

    Raises ToolkitError when a question's page is missing, is another revision, or does not hold
    the quote at its offsets: nothing may leave without a credit that leads to its words.
    """
    known = {page.id: page for page in pages}
    cited: set[str] = set()
    for question in questions:
        page = known.get(question.evidence.page)
        problem = "is not among the pages" if page is None else _mismatch(question, page)
        if problem:
            raise ToolkitError(
                f"question {question.id} quotes the page {question.evidence.page}, which {problem}:"
                " export with the pages.jsonl that the questions were drafted from"
            )
        cited.add(question.evidence.page)
    return tuple(page for identity, page in known.items() if identity in cited)


def write_attribution(path: Path, questions: Iterable[Question], pages: Iterable[Page]) -> int:
    """Publish one row per quoted page, tab-separated with a header; return how many.

    The licence asks for credit, a link to the revision, its own name, and a word that the text
    was changed (CC BY-SA 4.0, section 3a). Raises ToolkitError as `cited_pages` does.
    """
    rows = [_row(page) for page in cited_pages(questions, pages)]
    lines = ("\t".join(map(_cell, row)) for row in (COLUMNS, *rows))
    publish_text(path, "".join(f"{line}\n" for line in lines))
    return len(rows)


def set_licence(pages: Iterable[Page]) -> SetLicence:
    """Return the licence to release the set under, from the pages that it quotes.

    One share-alike page makes it CC BY-SA 4.0. A page of any other or unknown licence makes it
    "other": nobody has said then that the set may be released.
    """
    licences = {_normal(page.license) for page in pages}
    if licences - {*_ATTRIBUTION_ONLY, *_SHARE_ALIKE}:
        return "other"
    return "cc-by-sa-4.0" if licences & {*_SHARE_ALIKE} else "cc-by-4.0"


def _mismatch(question: Question, page: Page) -> str:
    evidence = question.evidence
    if evidence.revision_id != page.revision_id:
        return f"is there as revision {page.revision_id}, not {evidence.revision_id}"
    if page.text[evidence.start : evidence.end] != evidence.quote:
        return f"does not hold the quote at {evidence.start} to {evidence.end}"
    return ""


def _row(page: Page) -> tuple[object, ...]:
    return page.title, page.page_id, page.revision_id, page.url, page.license, CHANGES


def _cell(value: object) -> str:
    """Return a value on one line without tabs; empty for None."""
    return "" if value is None else " ".join(str(value).split())


def _normal(licence: str) -> str:
    return "-".join(licence.upper().split())
