"""How often a mixture's conversations say the name of each class: by the paper's rule and by ours.

The paper (section 3.3) counts sentences whose tokens hold the tokens of a name with a token before
and one after: a name that begins or ends its sentence is not counted. Ours counts mentions of names
and synonyms at word bounds anywhere, the longest one where several begin together.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import chain, filterfalse, islice

from imagewikiqa.core.records import ClassEntry
from imagewikiqa.mixtures.tokens import paper_tokens
from imagewikiqa.qa.leaks import fold

_MARK = "##"  # what the paper's code puts between tokens
_WORD = re.compile(r"\w+")
_ENOUGH = 1000  # sentences that tell which words are rare
_SENTENCES = re.compile(r"(?<=[.!?])\s+|\n+")


class PaperCounter:
    """Counts sentences by the paper's rule. Keys are tokenised names, as the paper stores them."""

    def __init__(self, names: Iterable[str]) -> None:
        """Take the names of a class list in order; one that stands twice counts twice."""
        times = Counter(tuple(paper_tokens(name.lower())) for name in names)
        self._names = list(times)
        self._times = list(times.values())
        self._seen = [0] * len(times)
        self._single = {name[0]: at for at, name in enumerate(self._names) if len(name) == 1}
        self._learnt = False
        self._anchor(Counter())
        # A sentence is tokenised only if it holds all pieces of letters and digits of some name.
        self._pieces = _Pieces(self._names)

    def _anchor(self, usual: Counter[str]) -> None:
        """Look for each name of several tokens by the one that is seen least; `usual` counts them.

        Any would give the same counts: "model" finds the Ford Model T in a fifth of all sentences
        about language models, and "ford" in none.
        """
        shared = Counter(token for tokens in self._names for token in tokens)
        # By that token: its place in the name, the name and its number.
        self._longer: defaultdict[str, list[tuple[int, list[str], int]]] = defaultdict(list)
        for number, tokens in enumerate(self._names):
            if len(tokens) > 1:
                rarest = min(tokens, key=lambda token: (usual[token], shared[token], -len(token)))
                self._longer[rarest].append((tokens.index(rarest), list(tokens), number))
        self._anchors = frozenset(self._single.keys() | self._longer.keys())

    @property
    def counts(self) -> Counter[str]:
        """Return the sentences that hold each name, by its tokens; names without any are not there.

        The paper counts a name once for every time it stands in the class list.
        """
        rows = zip(self._names, self._seen, self._times, strict=True)
        return Counter({" ".join(name): seen * times for name, seen, times in rows if seen})

    def see_tokens(self, sentences: Iterable[list[str]]) -> None:
        """Count the names in sentences, each a list of lower-case tokens."""
        rest = iter(sentences)
        first = list(islice(rest, _ENOUGH))
        if len(first) == _ENOUGH and not self._learnt:
            self._learnt = True
            self._anchor(Counter(chain.from_iterable(first)))
        for tokens in filterfalse(self._anchors.isdisjoint, chain(first, rest)):
            self._see(tokens)

    def _see(self, tokens: list[str]) -> None:
        """Count the names in one sentence."""
        if _MARK[0] in "".join(tokens):
            self._see_slowly(tokens)
            return
        within = tokens[1:-1]
        for token in self._anchors.intersection(within):
            if token in self._single:
                self._seen[self._single[token]] += 1
            if token in self._longer:
                self._see_longer(token, within)

    def _see_longer(self, anchor: str, within: list[str]) -> None:
        """Count each name of several tokens of which `anchor` is one, once."""
        at = -1
        found: set[int] = set()
        for _ in range(within.count(anchor)):
            at = within.index(anchor, at + 1)
            for offset, name, number in self._longer[anchor]:
                start = at - offset
                if start >= 0 and within[start : start + len(name)] == name:
                    found.add(number)
        for number in found:
            self._seen[number] += 1

    def see_sentence(self, sentence: str) -> None:
        """Count the names in one sentence; most are never tokenised."""
        lower = sentence.lower()
        if self._pieces.may_hold(lower):
            self.see_tokens([paper_tokens(lower)])

    def see_text(self, text: str) -> None:
        """Count the names in every sentence of a text."""
        for sentence in _SENTENCES.split(text):
            self.see_sentence(sentence)

    def _see_slowly(self, tokens: list[str]) -> None:
        """Count as the paper's code does: a token with its mark inside may look like two."""
        joined = _MARK.join(tokens)
        for number, name in enumerate(self._names):
            if _MARK + _MARK.join(name) + _MARK in joined:
                self._seen[number] += 1


class _Pieces:
    """Which texts may hold a name: those that hold its runs of letters and digits, in any order."""

    def __init__(self, names: Iterable[tuple[str, ...]]) -> None:
        self._names = [_WORD.findall(" ".join(tokens)) for tokens in names]
        self._always = not all(self._names)  # nothing to look for: every sentence is tokenised
        self._usual: Counter[str] = Counter()
        self._seen = 0
        self._anchor()

    def _anchor(self) -> None:
        """Look for each name by the word that is seen least, or else the longest."""
        self._others: defaultdict[str, list[list[str]]] = defaultdict(list)
        for words in filter(None, self._names):
            rarest = min(words, key=lambda word: (self._usual[word], -len(word)))
            self._others[rarest].append([word for word in words if word != rarest])
        self._firsts = frozenset(self._others)

    def may_hold(self, lower: str) -> bool:
        """Return False only for a text whose tokens hold no name."""
        words = _WORD.findall(lower)
        if self._seen < _ENOUGH:
            self._usual.update(words)
            self._seen += 1
            if self._seen == _ENOUGH:
                self._anchor()
        for piece in self._firsts.intersection(words):
            for others in self._others[piece]:
                if all(other in lower for other in others):
                    return True
        return self._always or any(split in lower for split in _SPLITS)


# Where the tokeniser cuts inside a run of letters: "isn't" -> "is", "n't"; "cannot" -> "can",
# "not".
_SPLITS = ("n't", "'tis", "'twas", "cannot", "gimme", "gonna", "gotta", "lemme", "wanna")


class MentionCounter:
    """Counts mentions of classes: names and synonyms at word bounds, in any case."""

    def __init__(self, classes: Iterable[ClassEntry]) -> None:
        """Take the classes; a phrase that several classes have counts for each of them."""
        self.counts: Counter[str] = Counter()
        self._classes: defaultdict[str, list[str]] = defaultdict(list)
        for entry in classes:
            for phrase in dict.fromkeys(map(fold, (entry.name, *entry.synonyms))):
                if phrase:
                    self._classes[phrase].append(entry.id)
        starts: defaultdict[str, list[str]] = defaultdict(list)
        self._odd: list[str] = []  # phrases that begin with no word
        for phrase in sorted(self._classes, key=lambda one: (-len(one), one)):
            word = _WORD.match(phrase)
            if word:
                starts[word[0]].append(phrase)
            else:
                self._odd.append(phrase)
        self._starts = dict(starts)
        self._firsts = frozenset(starts)

    def see_text(self, text: str) -> None:
        """Count the mentions in one text: the longest phrase at each place, none inside another."""
        folded = _folded(text)
        if not self._odd and self._firsts.isdisjoint(_WORD.findall(folded)):
            return
        end = 0
        for start, phrases in self._places(folded):
            if start < end:
                continue
            for phrase in phrases:
                stop = start + len(phrase)
                if folded.startswith(phrase, start) and not _WORD.match(folded, stop):
                    for class_id in self._classes[phrase]:
                        self.counts[class_id] += 1
                    end = stop
                    break

    def _places(self, folded: str) -> list[tuple[int, list[str]]]:
        """Return where phrases may begin and which, from left to right."""
        starts = self._starts
        places = [
            (word.start(), starts[word[0]]) for word in _WORD.finditer(folded) if word[0] in starts
        ]
        if self._odd:
            either = "|".join(map(re.escape, self._odd))
            odd = re.finditer(rf"(?<!\w)(?={either})", folded)
            places += [(found.start(), self._odd) for found in odd]
            places.sort(key=lambda one: one[0])
        return places


def _folded(text: str) -> str:
    """Return fold(text), without regular expressions where there are but ASCII characters."""
    if text.isascii():
        return " ".join(text.lower().replace("-", " ").split())
    return fold(text)
