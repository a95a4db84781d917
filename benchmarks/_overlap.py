"""How alike two texts are, by their words: how many are shared, and how many in one order."""

import re
import unicodedata
from collections import Counter, defaultdict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Shares of words, from 0 to 1: of ours in theirs, of theirs in ours, and in the same order."""

    words: int  # of ours
    their_words: int
    precision: float
    recall: float
    f1: float
    order: float  # as f1, of the longest common subsequence


def words(text: str) -> list[str]:
    """Return the words of a text: compatible forms folded (H₂O is h2o), digits ungrouped."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.findall(r"\w+", re.sub(r"(?<=\d),(?=\d{3})", "", plain))


def compare(ours: str, theirs: str) -> Overlap:
    """Compare two texts word by word."""
    a, b = words(ours), words(theirs)
    shared = (Counter(a) & Counter(b)).total()
    total = max(1, len(a) + len(b))
    return Overlap(
        words=len(a),
        their_words=len(b),
        precision=shared / max(1, len(a)),
        recall=shared / max(1, len(b)),
        f1=2 * shared / total,
        order=2 * common_subsequence(a, b) / total,
    )


def common_subsequence(a: list[str], b: list[str]) -> int:
    """Return the length of the longest common subsequence, by bits (Hyyrö 2004)."""
    places: dict[str, int] = defaultdict(int)
    for index, word in enumerate(a):
        places[word] |= 1 << index
    full = (1 << len(a)) - 1
    row = full
    for word in b:
        match = row & places.get(word, 0)
        row = ((row + match) | (row - match)) & full
    return len(a) - row.bit_count()
