"""What an option looks like without its meaning: the numbers a blind guesser could use."""

import re
from collections import Counter
from collections.abc import Sequence
from math import log

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
HEDGES = frozenset(
    "usually often typically generally mostly mainly primarily sometimes may can could some "
    "about approximately around various several many most certain".split()
)
ABSOLUTES = frozenset("always never only all none no every must entirely exclusively".split())
NAMES = (
    "characters", "words", "longest", "shortest", "length_rank", "word_length", "in_question",
    "digits", "capitals", "hedges", "absolutes", "list_marks", "brackets", "like_others_words",
    "like_others_letters", "rare_words", "seen_elsewhere", "middle_number", "first_word_shared",
)  # fmt: skip


class Vocabulary:
    """How often words and whole options occur over a set of questions; no labels enter."""

    def __init__(self, option_sets: Sequence[Sequence[str]]) -> None:
        self.options = Counter(text.casefold() for options in option_sets for text in options)
        self.words = Counter(
            word for options in option_sets for text in options for word in set(_words(text))
        )

    def rarity(self, words: Sequence[str]) -> float:
        """Return the mean of minus log frequency over words, 0 for none."""
        return -sum(log(self.words[word] or 1) for word in words) / max(1, len(words))


def features(
    question: str, choices: Sequence[str], vocabulary: Vocabulary
) -> list[tuple[float, ...]]:
    """Return one row of numbers per option, in the order of NAMES, unscaled."""
    asked = set(_words(question))
    words = [_words(text) for text in choices]
    grams = [_grams(text) for text in choices]
    lengths = [len(text) for text in choices]
    middles = _middle_numbers(choices)
    firsts = Counter(w[0] for w in words if w)
    rows: list[tuple[float, ...]] = []
    for i, text in enumerate(choices):
        bag = words[i]
        rows.append(
            (
                log(1 + len(text)),
                log(1 + len(bag)),
                float(lengths[i] == max(lengths)) / lengths.count(max(lengths)),
                float(lengths[i] == min(lengths)) / lengths.count(min(lengths)),
                (sum(n < lengths[i] for n in lengths) - sum(n > lengths[i] for n in lengths)) / 2,
                sum(map(len, bag)) / max(1, len(bag)),
                len(asked.intersection(bag)) / max(1, len(bag)),
                float(bool(NUMBER.search(text))),
                sum(w[0].isupper() for w in text.split()[1:]) / max(1, len(bag)),
                float(not HEDGES.isdisjoint(bag)),
                float(not ABSOLUTES.isdisjoint(bag)),
                float(text.count(",") + bag.count("and") + bag.count("or")),
                float(sum(map(text.count, "()-–/;:"))),
                _mean_overlap(i, [set(w) for w in words]),
                _mean_overlap(i, grams),
                vocabulary.rarity(bag),
                log(vocabulary.options[text.casefold()] or 1),
                middles[i],
                float(bool(bag) and firsts[bag[0]] > 1),
            )
        )
    return rows


def _words(text: str) -> list[str]:
    return WORD.findall(text.casefold())


def _grams(text: str) -> set[str]:
    folded = f" {text.casefold()} "
    return {folded[i : i + 3] for i in range(len(folded) - 2)}


def _mean_overlap(index: int, sets: Sequence[set[str]]) -> float:
    """Return the mean Jaccard overlap of one set with each of the others."""
    own = sets[index]
    others = [other for i, other in enumerate(sets) if i != index]
    return sum(len(own & o) / max(1, len(own | o)) for o in others) / max(1, len(others))


def _middle_numbers(choices: Sequence[str]) -> list[float]:
    """Return 1 for options whose number is neither smallest nor largest, when all hold one."""
    found = [NUMBER.search(text) for text in choices]
    numbers = [value for match in found if (value := _value(match)) is not None]
    if len(numbers) < len(choices):
        return [0.0] * len(choices)
    return [float(min(numbers) < value < max(numbers)) for value in numbers]


def _value(match: re.Match[str] | None) -> float | None:
    """Return the number matched, commas read as thousands; None where it is not one number."""
    if match is None or match.group().count(".") > 1 or not match.group().isascii():
        return None
    return float(match.group().replace(",", ""))
