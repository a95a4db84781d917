"""Long pages cut to a budget of tokens: whole sections, those most likely to hold facts first."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from imagewikiqa.core.records import Page
from imagewikiqa.qa.corpus.sentences import split_sentences
from imagewikiqa.qa.kinds import KINDS

CHARACTERS_A_TOKEN = 4  # of English, as core.llm estimates requests
ELISION = "[...]"
INFOBOX = ("Infobox",)
_LATER = 0.5  # what a last section loses beside the first: articles begin with what matters
_ASIDE = re.compile(
    r"\b(?:popular culture|in (?:the )?(?:media|fiction|art|film|literature|music|sports?)|see also"
    r"|further reading|external links|references|notes|bibliography|sources|citations|gallery"
    r"|notable|lists? of|awards|discography|filmography|conservation of|controvers\w+|criticism"
    r"|cultur(?:e|al)|traditions?|superstitions?|symbolism|mythology|folklore|legends?|religion|heraldry|trivia|mascots?"
    r"|legal|legislation|law|lawsuits?|politics|economy|demographics)\b",
    re.IGNORECASE,
)
_TITLE = re.compile(
    r"\b(?:description|characteristics|appearance|anatomy|morphology|physiology|biology"
    r"|ecology|habitat|distribution|range|diet|feeding|behaviou?r|reproduction|taxonomy|etymology"
    r"|names?|naming|origins?|history|design|construction|materials?|uses?|usage|types?|varieties"
    r"|production|preparation|ingredients|technique|operation|mechanism|size|features)\b",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"(?<![\w.])\d[\d,.]*")


@dataclass(frozen=True, slots=True)
class _Block:
    """A section with its paragraphs as spans of a page's text; `rank` orders the choice."""

    page: int
    paragraphs: tuple[tuple[int, int], ...]
    rank: tuple[int, float]


def cut_pages(pages: Sequence[Page], tokens: int) -> list[str]:
    """Return the texts of a class's pages, together within about `tokens` tokens.

    Pages that fit are whole. Else leads and infoboxes are chosen first, then whole sections by how
    much they promise (words that go with the kinds of question, numbers, their titles; early ones
    before late ones), and of a section that does not fit its first paragraphs. What is chosen is
    in page order, and "[...]" stands where something is left out. Of a page with no paragraph
    within the budget the first sentences are shown.
    """
    budget = tokens * CHARACTERS_A_TOKEN
    if sum(len(page.text) for page in pages) <= budget:
        return [page.text for page in pages]
    blocks = [block for at, page in enumerate(pages) for block in _blocks(at, page)]
    chosen: list[list[tuple[int, int]]] = [[] for _ in pages]
    for block in sorted(blocks, key=lambda one: one.rank):
        for start, end in block.paragraphs:
            if end - start > budget:
                break
            chosen[block.page].append((start, end))
            budget -= end - start + 1
    share = tokens * CHARACTERS_A_TOKEN // len(pages)
    return [
        _joined(page.text, sorted(spans)) if spans else _opening(page.text, share)
        for page, spans in zip(pages, chosen, strict=True)
    ]


def _blocks(at: int, page: Page) -> Iterator[_Block]:
    """Yield the sections of a page; one without sections is a single lead."""
    spans = [(one.path, one.start, one.end) for one in page.sections]
    for number, (path, start, end) in enumerate(spans or [((), 0, len(page.text))]):
        body = page.text[start:end]
        lines = re.finditer(r"[^\n]*\S[^\n]*", body)
        paragraphs = tuple((start + line.start(), start + line.end()) for line in lines)
        always = number == 0 or path == INFOBOX
        early = 1 - _LATER * number / len(page.sections) if page.sections else 1
        rank = (0, float(at)) if always else (1, -early * promise(path, body))
        if paragraphs:
            yield _Block(at, paragraphs, rank)


def promise(path: Sequence[str], body: str) -> float:
    """Return how much a section promises: cue words and numbers a character, weighed by title."""
    cues = sum(len(kind.cues.findall(body)) for kind in KINDS.values())
    kinds = sum(kind.cues.search(body) is not None for kind in KINDS.values())
    density = (cues + 2 * len(_NUMBER.findall(body))) / (len(body) + 200)
    title = " / ".join(path)
    weight = 0.2 if _ASIDE.search(title) else 1.6 if _TITLE.search(title) else 1.0
    return weight * density * (1 + kinds / len(KINDS))


def _joined(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """Return spans of a text in order, "[...]" where words between them are left out."""
    parts: list[str] = []
    before = 0
    for start, end in spans:
        if text[before:start].strip():
            parts.append(ELISION)
        parts.append(text[start:end])
        before = end
    return "\n".join([*parts, ELISION] if text[before:].strip() else parts)


def _opening(text: str, size: int) -> str:
    """Return the first sentences within a size, or the first words of a sentence too long."""
    end = 0
    for start, sentence in split_sentences(text[: size + 1]):
        if start + len(sentence) <= size:
            end = start + len(sentence)
    return f"{text[: end or size].rstrip()}\n{ELISION}"
