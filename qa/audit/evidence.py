"""Checks of the evidence: shared between classes, silent on the answer, absent from its page."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.qa.audit.checks import finding
from imagewikiqa.qa.audit.containers import read_rows
from imagewikiqa.qa.audit.records import AuditQuestion, Finding
from imagewikiqa.qa.audit.text import content_words

_GAP = re.compile(r"\s*(?:\.\.\.|…|\[…\])\s*")


@dataclass(frozen=True, slots=True)
class PageText:
    """One page to look evidence up in; `flat` has single spaces and no case."""

    text: str
    flat: str


@dataclass(frozen=True)
class Pages:
    """Page texts by record id, by class id, and by case-folded title."""

    all: tuple[PageText, ...]
    by_key: dict[str, tuple[PageText, ...]]

    def of(self, question: AuditQuestion) -> tuple[PageText, ...]:
        """Return the page an evidence names, else the pages of its class, else all pages."""
        keys = [question.first.evidence_page, question.class_id, *question.names]
        for key in keys:
            if key and (found := self.by_key.get(key.casefold())):
                return found
        return self.all


def load_pages(path: Path) -> Pages:
    """Read pages.jsonl, or any JSON lines with `title` and `text`. Raises ToolkitError."""
    _, rows = read_rows(path)
    pages: list[PageText] = []
    keys: dict[str, list[PageText]] = defaultdict(list)
    for row in rows:
        fields = row.fields or {}
        text, title = fields.get("text"), fields.get("title")
        if not isinstance(text, str) or not isinstance(title, str):
            raise ToolkitError(
                f"{path}, row {row.number}: {row.problem or 'no text fields title and text'}; a"
                " page file has one JSON object with title and text per line"
            )
        page = PageText(text, _flat(text))
        pages.append(page)
        classes = fields.get("class_ids")
        named = [title, fields.get("id"), *(classes if isinstance(classes, list) else [])]
        for key in {k.casefold() for k in named if isinstance(k, str)}:
            keys[key].append(page)
    if not pages:
        raise ToolkitError(f"{path} holds no page: give a pages.jsonl with title and text")
    return Pages(tuple(pages), {key: tuple(found) for key, found in keys.items()})


def evidence_findings(questions: Sequence[AuditQuestion], pages: Pages | None) -> Iterator[Finding]:
    """Yield findings on evidence; the page check runs only when pages are given."""
    yield from _shared(questions)
    for question in questions:
        evidence = question.first.evidence
        if not evidence:
            yield finding(question, "evidence_missing", question.question[:300])
            continue
        if not content_words(question.right) & content_words(evidence):
            detail = f"“{question.right[:150]}” against: {evidence[:300]}"
            yield finding(question, "evidence_without_answer", detail)
        if pages is not None and not _stands(question, evidence, pages):
            yield finding(question, "evidence_not_in_page", evidence[:300])


def shared_texts(questions: Sequence[AuditQuestion]) -> list[list[AuditQuestion]]:
    """Return the questions of each evidence text that serves two classes or more."""
    together: dict[str, list[AuditQuestion]] = defaultdict(list)
    for question in questions:
        if question.first.evidence:
            together[question.first.evidence].append(question)
    return [same for same in together.values() if len({q.class_id for q in same}) > 1]


def _shared(questions: Sequence[AuditQuestion]) -> Iterator[Finding]:
    for same in shared_texts(questions):
        classes = sorted({q.class_id for q in same})
        for question in same:
            evidence = (question.first.evidence or "")[:200]
            detail = f"{question.class_id}; also of {len(classes) - 1} more: {evidence}"
            yield finding(question, "evidence_shared_across_classes", detail)


def _stands(question: AuditQuestion, evidence: str, pages: Pages) -> bool:
    """Return whether evidence stands in its page: at its offset when it has one, else anywhere.

    Without an offset, case and spacing may differ and "..." may skip text, in order.
    """
    found = pages.of(question)
    start = question.first.evidence_start
    if start is not None:
        return any(page.text[start : start + len(evidence)] == evidence for page in found)
    parts = [part for part in map(_flat, _GAP.split(evidence)) if part]
    return bool(parts) and any(_in_order(parts, page.flat) for page in found)


def _in_order(parts: Sequence[str], text: str) -> bool:
    position = 0
    for part in parts:
        position = text.find(part, position)
        if position < 0:
            return False
        position += len(part)
    return True


def _flat(text: str) -> str:
    return " ".join(text.casefold().split())
