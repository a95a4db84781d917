"""A judge without a model: it answers from the pages by retrieval, and blind from statistics."""

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

from imagewikiqa.core.digests import keyed_int
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry, Page
from imagewikiqa.qa.protocols import Answer, Ask
from imagewikiqa.qa.retrieval import (
    FUNCTION_WORDS,
    Index,
    Span,
    Weighting,
    content_words,
    is_number,
    words,
)

Weights = tuple[float, float, float, float]

WORDING = 0.8  # what an option's words are worth when they stand apart; next to each other, 1
ENOUGH = 0.5  # share of an option's words (by rarity) below which a window is no evidence
ANYWHERE = 0.2  # what an option is worth in a window that shares no word with the question
BEST_WINDOWS = Weighting()


class CorpusJudge:
    """Answer from the pages with the name, and as an adversary without it.

    It shares no code with the corpus author. Its score with the name says that author and judge
    read the same pages alike: report it as self-consistency, never as accuracy.

    `with_name` looks only at the pages of the class: a tie is `ambiguous`, no evidence `empty`.
    Without the name it must commit to one letter, as a blind reader would. Options it cannot tell
    apart share the guesses: over the four cyclic orders of one question each of k tied options is
    picked 4/k times. Four orders cannot deal to three: closed book, one of them, decided by a keyed
    hash, is picked twice; without the name, where a filter looks at the single question, all four
    options are picked once, as a third is no better than chance allows. Without a tie the option
    picked does not depend on the order shown.
    """

    name = "corpus"
    closed_book = True
    repeats = True  # the same ask has the same answer

    def __init__(self, pages: Sequence[Page], classes: Sequence[ClassEntry]) -> None:
        """Index the pages; raise ToolkitError when one speaks of a class that is not listed."""
        self._index = Index(pages)
        self._names = {entry.id: frozenset(words(entry.name)) for entry in classes}
        self._classes_of = [page.class_ids for page in pages]
        self._spans: dict[str, list[Span]] = {entry.id: [] for entry in classes}
        for number, page in enumerate(pages):
            for class_id in page.class_ids:
                if class_id not in self._spans:
                    raise ToolkitError(
                        f"page {page.id} speaks of class {class_id}, which the class list does not"
                        " hold: judge with the class list that the pages were fetched for"
                    )
                self._spans[class_id].append(self._index.page_span(number))
        self._holders: dict[tuple[str, ...], int] = {}
        self._found: dict[tuple[str, ...], dict[int, list[tuple[int, float]]]] = {}
        self._holding: dict[str, frozenset[int]] = {}
        self._matched: tuple[tuple[str, ...] | None, Sequence[float]] = (None, ())
        self._blind: dict[tuple[tuple[str, ...], tuple[str, ...]], float | None] = {}

    async def answer(self, ask: Ask) -> Answer:
        """Return the option with the most weight; raise ToolkitError for an unknown class."""
        weights = self.weigh(ask)
        best = max(weights)
        tied = [position for position, weight in enumerate(weights) if weight == best]
        if ask.condition != "with_name":
            if len(tied) == 3 and ask.condition == "without_name":
                tied = [0, 1, 2, 3]
            return Answer(state="answered", position=_turn(ask, tied))
        if best == 0:
            return Answer(state="empty")
        if len(tied) > 1:
            return Answer(state="ambiguous")
        return Answer(state="answered", position=tied[0])

    def weigh(self, ask: Ask) -> Weights:
        """Return the weight of each option, in shown order; equal weights cannot be told apart."""
        if ask.condition == "with_name":
            return self._weigh_with_name(ask)
        if ask.condition == "closed_book":
            a, b, c, d = (float(self.classes_holding(choice)) for choice in ask.choices)
            return a, b, c, d
        return self._weigh_without_name(ask)

    def classes_holding(self, option: str) -> int:
        """Return on how many classes' pages an option stands, by whole words, endings folded."""
        phrase = words(option)
        if phrase not in self._holders:
            windows = self._index.phrase(phrase, self._index.everything)
            pages = {self._index.page_of(window) for window in windows}
            self._holders[phrase] = len({c for page in pages for c in self._classes_of[page]})
        return self._holders[phrase]

    def _weigh_with_name(self, ask: Ask) -> Weights:
        if ask.class_id is None or ask.class_id not in self._spans:
            raise ToolkitError(
                f"the corpus judge was asked about class {ask.class_id}, which its class list does"
                " not hold: judge with the class list that the questions were written for"
            )
        # Every window is about the class, so its name would only drown the words that matter.
        name = self._names[ask.class_id]
        query = tuple(word for word in content_words(ask.question) if word not in name)
        total = sum(self._index.rarity(word) for word in query) or 1.0
        spans = self._spans[ask.class_id]

        def weight(option: str) -> float:
            best = 0.0
            for window, coverage in self._evidence(words(option), spans):
                match = self._index.relevance(query, window, BEST_WINDOWS) / total
                best = max(best, coverage**2 * (ANYWHERE + match))
            return round(best, 9)

        a, b, c, d = (weight(choice) for choice in ask.choices)
        return a, b, c, d

    def _weigh_without_name(self, ask: Ask) -> Weights:
        """Weigh each option by the window of any page that matches the question best.

        An option that no page holds is neither supported nor excluded: it stands in the middle of
        those that are, or else every invented wrong option would point at the right one.
        """
        query = content_words(ask.question)
        found = [self._blind_weight(query, words(choice)) for choice in ask.choices]
        known = [weight for weight in found if weight is not None]
        middle = round(median(known), 9) if known else 0.0
        a, b, c, d = (middle if weight is None else weight for weight in found)
        return a, b, c, d

    def _blind_weight(self, query: tuple[str, ...], option: tuple[str, ...]) -> float | None:
        key = (query, option)
        if key not in self._blind:
            self._blind[key] = self._best_blind_window(query, option)
        return self._blind[key]

    def _best_blind_window(self, query: tuple[str, ...], option: tuple[str, ...]) -> float | None:
        """Return how well question words point at a window with the option, and at its page.

        Words count by presence alone: a longer sentence or a repeated word would break ties by
        style, and a quarter of the plainest questions would be dropped by that luck.
        """
        windows = self._windows_by_page(option)
        match = self._page_match(query)
        gains = self._word_gains(query)
        best = 0.0
        for page in sorted(windows, key=lambda page: (-match[page], page)):
            if best >= 1 + match[page]:  # no window of this page or of a later one can do better
                break
            for window, coverage in windows[page]:
                near = sum(gain for holders, gain in gains if window in holders)
                best = max(best, coverage**2 * (near + match[page]))
        return round(best, 9) if windows else None

    def _windows_by_page(self, option: tuple[str, ...]) -> dict[int, list[tuple[int, float]]]:
        if option not in self._found:
            pages: dict[int, list[tuple[int, float]]] = defaultdict(list)
            for window, coverage in self._evidence(option, [self._index.everything]):
                pages[self._index.page_of(window)].append((window, coverage))
            self._found[option] = pages
        return self._found[option]

    def _word_gains(self, query: tuple[str, ...]) -> list[tuple[frozenset[int], float]]:
        """Return for each known question word its windows and its share of the rarity of all."""
        known = [word for word in query if self._index.has(word)]
        total = sum(self._index.rarity(word) for word in known) or 1.0
        for word in known:
            if word not in self._holding:
                windows = self._index.holding(word, self._index.everything)
                self._holding[word] = frozenset(windows)
        return [(self._holding[word], self._index.rarity(word) / total) for word in known]

    def _page_match(self, query: tuple[str, ...]) -> Sequence[float]:
        """Return for each page the share of the question's words it holds, by their rarity."""
        if self._matched[0] != query:  # one question's options are weighed in a row
            rarity = {w: self._index.page_rarity(w) for w in query if self._index.has(w)}
            total = sum(rarity.values()) or 1.0
            match = [0.0] * len(self._classes_of)
            for word, gain in rarity.items():
                for page in self._index.pages_holding(word):
                    match[page] += gain / total
            self._matched = (query, match)
        return self._matched[1]

    def _evidence(self, option: tuple[str, ...], spans: Sequence[Span]) -> list[tuple[int, float]]:
        """Return the windows that hold an option and how fully, 1 when word for word.

        Windows with only a part of it count when none has all. A quantity is never partly there:
        a window without each of an option's numbers and units is no evidence for it.
        """
        verbatim = [w for span in spans for w in self._index.phrase(option, span)]
        if verbatim or len(option) < 2:
            return [(window, 1.0) for window in verbatim]
        rarity = {word: self._index.rarity(word) for word in dict.fromkeys(option)}
        required = _required(option)
        keys = sorted(rarity, key=lambda w: (-rarity[w], w))[:2]
        total = sum(rarity.values())
        partly = []
        for window in dict.fromkeys(
            w for span in spans for key in keys for w in self._index.holding(key, span)
        ):
            here = {word: r for word, r in rarity.items() if self._index.window_has(window, word)}
            share = sum(here.values()) / total
            if share >= ENOUGH and required <= here.keys():
                partly.append((window, WORDING * share))
        return partly


def _turn(ask: Ask, tied: Sequence[int]) -> int:
    """Return one of the tied positions: whose turn it is follows from the order shown.

    The anchor, one option chosen by a keyed hash, stands at each position once over the four
    cyclic orders; that position deals the turns, to the tied options in another keyed order.
    """
    if len(tied) == 1:
        return tied[0]
    anchor = min(range(4), key=lambda place: keyed_int("anchor", ask.question, ask.choices[place]))
    turns = sorted(tied, key=lambda place: keyed_int("turn", ask.question, ask.choices[place]))
    return turns[anchor % len(turns)]


def _required(option: Sequence[str]) -> frozenset[str]:
    """Return the words without which an option is not there: its numbers and their units."""
    measured = (pair for pair in pairwise((*option, "")) if is_number(pair[0]))
    return frozenset(word for pair in measured for word in pair) - FUNCTION_WORDS - {""}
