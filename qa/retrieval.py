"""Find where pages speak of some words: sentences, light stems, and an index that scores them."""

import re
import unicodedata
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log

from imagewikiqa.core.records import Page

_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+(?:['’][^\W\d_]+)*")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_STOP = re.compile(r"[.!?]+[\"'”’)\]]*\s+(?=[\"'“‘(\[]*[A-Z0-9À-Þ])")
_ABBREVIATED = re.compile(
    r"(?:^|[\s(])(?:[A-Zc]|[A-Z]\.[A-Z]|[Ss]t|[Dd]r|[Mm]rs?|ca|cf|vs|[Nn]o|approx|spp?|var|subsp"
    r"|e\.g|i\.e|[Ff]ig|[Vv]ol|Mt|Jr|Sr|Inc|Ltd|Co)\.$"
)
_LONGEST = 12  # an abbreviation is shorter: what stands before decides nothing
_VOWEL = re.compile("[aeiouy]")
_SHORT = dict(
    pair.split("=")
    for pair in """one=1 two=2 three=3 four=4 five=5 six=6 seven=7 eight=8 nine=9 ten=10 eleven=11
    twelve=12 fifteen=15 twenty=20 thirty=30 forty=40 fifty=50 sixty=60 seventy=70 eighty=80
    ninety=90 gram=g gramme=g kilogram=kg kilogramme=kg tonne=t millimetre=mm millimeter=mm
    centimetre=cm centimeter=cm metre=m meter=m kilometre=km kilometer=km litre=l liter=l
    minute=min hour=h""".split()
)
# Words that say nothing about what is asked; kept in options, where "in the sea" is not "sea".
FUNCTION_WORDS = frozenset(
    """a about all also am an and any are as at be been being best but by can could did do does
    doing during each for from had has have having he her his how i if in into is it its itself
    many may might more most much must no nor not of on one only or other our out over own per
    she should so some such than that the their them then there these they this those through to
    too under up used usually very was we were what when where which while who whom whose why
    will with within without would you your following object objects statement true""".split()
)


def sentence_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the start and end of each sentence, in code points; a line break always ends one."""
    for line in re.finditer(r"[^\n]+", text):
        start = line.start()
        for stop in _STOP.finditer(text, line.start(), line.end()):
            head = text[max(start, stop.start() + 1 - _LONGEST) : stop.start() + 1]
            if not (stop.group().startswith(".") and _ABBREVIATED.search(head)):
                yield start, stop.end()
                start = stop.end()
        if text[start : line.end()].strip():
            yield start, line.end()


def words(text: str) -> tuple[str, ...]:
    """Return the stems of a text in order; 1,000 metres read as 1000 m, two as 2."""
    return tuple(_stem(match.group()) for match in _WORD.finditer(_plain(text)))


def content_words(text: str) -> tuple[str, ...]:
    """Return the distinct stems that carry meaning, sorted: no function words, no 'object'."""
    found = (match.group() for match in _WORD.finditer(_plain(text)))
    return tuple(sorted({_stem(word) for word in found if word not in FUNCTION_WORDS}))


def is_number(word: str) -> bool:
    """Return whether a word from `words` is a number."""
    return word[0].isdecimal()


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighting:
    """BM25's two dials: how fast repeats stop counting, and how much long windows lose."""

    k1: float = 1.2
    b: float = 0.5


Span = tuple[int, int]  # a stretch of the index's stream, end excluded


class Index:
    """Pages as windows of one sentence each, with the headings above it, in reading order."""

    def __init__(self, pages: Sequence[Page]) -> None:
        self._ids: dict[str, int] = {}
        self._at: list[array[int]] = [array("I")]  # word id 0 is the border between windows
        self._windows_with: list[int] = [0]
        self._stream = array("I")
        self._starts = array("I")
        self._spans: list[Span] = []
        for page in pages:
            before = len(self._stream)
            for start, end, headings in _placed_sentences(page):
                self._add(words(headings), words(page.text[start:end]))
            self._spans.append((before, len(self._stream)))
        self._page_starts = array("I", (span[0] for span in self._spans))
        self._pages_with: list[array[int]] = [array("I") for _ in self._at]
        for number, (a, b) in enumerate(self._spans):
            for known in set(self._stream[a:b]):
                self._pages_with[known].append(number)

    @property
    def everything(self) -> Span:
        """Return the span of all pages."""
        return 0, len(self._stream)

    def page_span(self, page: int) -> Span:
        """Return the span of one page, by its position among the pages given."""
        return self._spans[page]

    def page_of(self, window: int) -> int:
        """Return the position of the page that a window stands on."""
        return bisect_right(self._page_starts, self._starts[window]) - 1

    def rarity(self, word: str) -> float:
        """Return BM25's idf over windows, ln(1 + (N - n + 0.5) / (n + 0.5)); high for unknowns."""
        return _idf(self._windows_with[self._ids.get(word, 0)], len(self._starts))

    def page_rarity(self, word: str) -> float:
        """Return the same over pages: near 0 for a word that every page holds."""
        return _idf(len(self.pages_holding(word)), len(self._spans))

    def has(self, word: str) -> bool:
        """Return whether any page holds the word."""
        return word in self._ids

    def pages_holding(self, word: str) -> Sequence[int]:
        """Return the positions of the pages that hold a word, in order."""
        return self._pages_with[self._ids[word]] if self.has(word) else ()

    def phrase(self, phrase: Sequence[str], span: Span) -> list[int]:
        """Return the windows within a span that hold the words next to each other, in order."""
        if not phrase or not all(self.has(word) for word in phrase):
            return []
        target = array("I", (self._ids[word] for word in phrase))
        offset = min(range(len(target)), key=lambda i: len(self._at[target[i]]))
        starts = (position - offset for position in self._positions(target[offset], span))
        hits = (s for s in starts if s >= 0 and self._stream[s : s + len(target)] == target)
        return self._windows(hits)

    def holding(self, word: str, span: Span) -> list[int]:
        """Return the windows within a span that hold a word."""
        return self._windows(self._positions(self._ids[word], span)) if self.has(word) else []

    def window_has(self, window: int, word: str) -> bool:
        """Return whether a window, its headings included, holds the word."""
        return self.has(word) and self._ids[word] in self._body(window)

    def relevance(self, query: Sequence[str], window: int, weighting: Weighting) -> float:
        """Return the BM25 score of a window for distinct query words (Robertson 1994).

        A window's length counts its headings and its two borders too.
        """
        body = self._body(window)
        norm = 1 - weighting.b + weighting.b * len(body) * len(self._starts) / len(self._stream)
        score = 0.0
        for word in query:
            count = body.count(self._ids[word]) if self.has(word) else 0
            if count:
                gain = count * (weighting.k1 + 1) / (count + weighting.k1 * norm)
                score += self.rarity(word) * gain
        return score

    def _add(self, *parts: Sequence[str]) -> None:
        """Append one window; a border after each part keeps phrases from running across."""
        start = len(self._stream)
        self._starts.append(start)
        for part in parts:
            for word in part:
                known = self._ids.get(word)
                if known is None:
                    known = self._ids[word] = len(self._at)
                    self._at.append(array("I"))
                    self._windows_with.append(0)
                positions = self._at[known]
                self._windows_with[known] += not positions or positions[-1] < start
                positions.append(len(self._stream))
                self._stream.append(known)
            self._stream.append(0)

    def _positions(self, word: int, span: Span) -> "array[int]":
        positions = self._at[word]
        if span == self.everything:
            return positions
        return positions[bisect_left(positions, span[0]) : bisect_left(positions, span[1])]

    def _windows(self, positions: "Iterator[int] | array[int]") -> list[int]:
        found = (bisect_right(self._starts, position) - 1 for position in positions)
        return list(dict.fromkeys(found))

    def _body(self, window: int) -> "array[int]":
        end = self._starts[window + 1] if window + 1 < len(self._starts) else len(self._stream)
        return self._stream[self._starts[window] : end]


def _placed_sentences(page: Page) -> Iterator[tuple[int, int, str]]:
    """Yield each sentence's span and the headings of the innermost section it stands in."""
    sections = sorted(page.sections, key=lambda section: section.start)
    starts = [section.start for section in sections]
    for start, end in sentence_spans(page.text):
        above = reversed(sections[: bisect_right(starts, start)])
        inside = next((section for section in above if section.end > start), None)
        yield start, end, " / ".join(inside.path) if inside else ""


def _idf(holders: int, total: int) -> float:
    return log(1 + (total - holders + 0.5) / (holders + 0.5))


def _plain(text: str) -> str:
    return unicodedata.normalize("NFC", text).casefold()


def _stem(word: str) -> str:
    """Fold plurals, possessives, verb endings, number words and units: eats, eating -> eat."""
    if word[0].isdecimal():
        return word.replace(",", "") if _THOUSANDS.fullmatch(word) else word
    word = _singular(re.sub(r"['’]s?$", "", word))
    if word in _SHORT:
        return _SHORT[word]
    for ending, shortest in (("ing", 6), ("ed", 5)):
        stem = word.removesuffix(ending)
        if stem != word and len(word) >= shortest and _VOWEL.search(stem) and stem[-1] != "e":
            return stem[:-1] if stem[-1] == stem[-2] and stem[-1] not in "lsz" else _no_e(stem)
    return _no_e(word)


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith("sses"):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word


def _no_e(word: str) -> str:
    return word[:-1] if word.endswith("e") and len(word) > 3 else word
