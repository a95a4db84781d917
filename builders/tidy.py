"""Rendered text to clean prose: spaces, orphaned punctuation, and sentences that lost a value."""

import re
import unicodedata
from functools import cache

from imagewikiqa.builders.lexicon import lexicon
from imagewikiqa.builders.marks import BREAK, GAP, HEADING, HOLE, ITEM, SEAM, SOUND

# What must never reach a reader; a sentence that holds one is dropped. Tags are added below.
_DEBRIS = (
    r"\{\{|\}\}|\[\[|\]\]|\{\||\|\}|\|-|\|\||''|<!--|-->|__[A-ZÄÖÜ]{3,}__|</"
    r"|&(?:nbsp|ndash|mdash|lt|gt|amp);"
    r"|(?-i:File|Datei|Fichier):|(?-i:Image|Category|Kategorie|Catégorie):(?=\S)|thumb\|"
)
_SPACES = re.compile(r"[\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]")
_INVISIBLE = re.compile(r"[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufeff]")
_ABBREVIATED = re.compile(
    r"(?:\b(?:[A-Z]|St|Dr|Mr|Mrs|Ms|c|ca|fl|vs|No|etc|Jr|Sr|e\.g|i\.e|lit|var|subsp))\.$"
)
_LONGEST = 12  # an abbreviation is shorter: what stands before decides nothing
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[A-Z0-9À-Þ]|[<{\[\x04])")

# Quantifiers are bounded so that a long run of punctuation costs linear time.
_MENDS = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"([,;:])(?:\s*[,;])+", r"\1"),
        (r"([(\[])(?:[\s,;:/·]|[–—](?=[\s)\]])){1,20}", r"\1"),
        (r"[\s,;:/·–—]{1,20}([)\]])", r"\1"),
        (r"\((?:or|and|see)?\)|\[\]", ""),
        (r"\s([,;])", r"\1"),
        (r"(?<=\w)\s([.:!?])(?=\s|$)", r"\1"),
        (r"[,;]\s?(?=[.:](?:\s|$))", ""),
        (r"(?<!\.)\.\s?\.(?=\s|$)", "."),
        (r" {2,}", " "),
    )
)


def tidy(text: str) -> str:
    """Return one line of rendered text as prose: NFC, single spaces, no orphaned punctuation."""
    text = _INVISIBLE.sub("", _SPACES.sub(" ", text))
    # A footnote often stands where the space between two sentences should be.
    text = re.sub(rf"([.!?]){SEAM}+(?=[A-Z])", r"\1 ", text).replace(SEAM, "")
    text = re.sub(rf"(?<=\d){GAP}", " ", text).replace(GAP, "")
    text = _inline_tag().sub("", _place_sounds(text))
    text = re.sub(r"'{2,}", "", text)
    text = re.sub(r"\s+", " ", text)
    text = unicodedata.normalize("NFC", _mend(_drop_holes(text)))
    # Mending moves brackets together, so the last word is the debris check's.
    return _drop_holes(text).strip()


def _place_sounds(text: str) -> str:
    """Drop spoken forms between brackets, as asides; elsewhere a sentence needs them."""
    depth, kept = 0, list[str]()
    for index, part in enumerate(text.split(SOUND)):
        if index % 2 == 0:
            depth = max(0, depth + part.count("(") - part.count(")"))
        if index % 2 == 0 or depth == 0:
            kept.append(part)
    return "".join(kept)


@cache
def _inline_tag() -> re.Pattern[str]:
    """Match tags that the parser left in the text because they were never closed."""
    return re.compile(rf"</?(?:{'|'.join(sorted(lexicon().inline_tags))})\b[^<>]*>", re.I)


@cache
def _block_tag() -> re.Pattern[str]:
    return re.compile(rf"</?(?:{'|'.join(sorted(lexicon().block_tags))})\b[^<>]*>", re.I)


@cache
def _debris() -> re.Pattern[str]:
    """Match what must not be read, and known tags that the parser could not make sense of."""
    words = lexicon()
    tags = words.sealed_tags | words.dropped_tags | words.block_tags | words.inline_tags
    names = "|".join(sorted(name for name in tags if len(name) > 1))
    return re.compile(rf"{_DEBRIS}|<(?:{names})\b", re.I)


def _mend(text: str) -> str:
    """Mend what dropped templates leave behind: "( ; x )", "a , b", "x, ."; to a fixed point."""
    for _ in range(10):  # nested brackets heal from the inside out
        mended = text
        for pattern, replacement in _MENDS:
            mended = pattern.sub(replacement, mended)
        if mended == text:
            break
        text = mended
    return re.sub(r"^[\s,;:.)|]+(?=\s|\w)", "", text) if re.match(r"[\s,;:)|]", text) else text


def _drop_holes(text: str) -> str:
    """Drop what cannot be read: brackets with a hole, then sentences with a hole or debris."""
    text = re.sub(rf"\s*\([^()]*{HOLE}[^()]*\)", "", text)
    if HOLE not in text and not _debris().search(text):
        return text
    return " ".join(s for s in sentences(text) if HOLE not in s and not _debris().search(s))


def sentences(text: str) -> list[str]:
    """Split prose at sentence ends, not after common abbreviations and initials."""
    found, start = [], 0
    for end in _SENTENCE_END.finditer(text):
        if not _ABBREVIATED.search(text[max(start, end.start() - _LONGEST) : end.start()]):
            found.append(text[start : end.end()].strip())
            start = end.end()
    return [*found, text[start:].strip()]


def lay_out(rendered: str) -> list[tuple[int, str]]:
    """Return the blocks of rendered text in order: (0, paragraph) or (heading level, title)."""
    rendered = re.sub(r" {2,}", " ", rendered)
    rendered = re.sub(rf"(?<![\n{ITEM}]) ?{ITEM}", f"\n{ITEM}", rendered)
    rendered = _block_tag().sub("\n\n", rendered).replace(BREAK, f"\n{BREAK}")
    blocks: list[tuple[int, str]] = []
    for raw in re.split(r"\n(?: ?\n)+", rendered):
        if raw.startswith(HEADING):
            level, text = int(raw[1]), tidy(raw[2:])
        else:
            level, text = 0, _paragraph(raw)
        if re.search(r"\w", text):
            blocks.append((level, text))
    return blocks


def _paragraph(raw: str) -> str:
    """Join a block's lines as the wiki does: text flows on, items and breaks start a line."""
    lines: list[str] = []
    flowing = False
    for line in raw.split("\n"):
        marked = line.startswith((ITEM, BREAK))
        line = line.lstrip(ITEM + BREAK + " ")
        if not marked and re.match(r"[|!]", line) and not re.match(r"!\w", line):
            flowing = False  # a row of a table that was never closed
        elif flowing and not marked and line:
            lines[-1] += f" {line}"
        elif line:
            lines.append(re.sub(r"^[*#:;]+\s*", "", line))
            flowing = not marked
    tidied = (tidy(line) for line in lines)
    return "\n".join(line for line in tidied if re.search(r"\w", line))
