"""The part of a page around a quote, cut where sentences or lines end, as data in a prompt."""

import re

from imagewikiqa.core.records import Evidence, Page

AROUND = 1_500  # characters before and after the quote
_END = re.compile(r"[.!?]\s|\n")
_RULE = re.compile(r"={4,}")


def passage_around(page: Page, evidence: Evidence, around: int = AROUND) -> str:
    """Return the quote with what surrounds it; no line of it can pass for the prompt's own."""
    text = page.text
    start = max(0, evidence.start - around)
    end = min(len(text), evidence.end + around)
    if start and (first := _END.search(text, start, evidence.start)):
        start = first.end()
    if end < len(text):
        ends = [match.end() for match in _END.finditer(text, evidence.end, end)]
        end = ends[-1] if ends else end
    return as_data(text[start:end])


def as_data(text: str) -> str:
    """Return a text that cannot close the lines of equal signs it is shown between."""
    return _RULE.sub("===", text.strip())
