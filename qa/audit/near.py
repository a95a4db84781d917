"""Pairs of like texts by character 3-grams, found through an index instead of by all pairs."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

ALIKE, OF = 4, 5  # alike: 3-gram sets with a Jaccard similarity of at least 4/5


def grams(text: str) -> frozenset[str]:
    """Return the character 3-grams of a text with one space at either end."""
    padded = f" {text} "
    return frozenset(padded[i : i + 3] for i in range(len(padded) - 2))


def like_pairs(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield index pairs (i < j) of distinct texts that are alike, in a fixed order.

    Prefix filtering (Bayardo et al. 2007): two sets can only be alike when they share one of
    their few rarest grams, so only texts under a common rare gram are ever compared. Exact.
    """
    sets = [grams(text) for text in texts]
    frequency = Counter(gram for one in sets for gram in one)
    index: dict[str, list[int]] = defaultdict(list)
    order = sorted(range(len(texts)), key=lambda i: (len(sets[i]), i))
    for i in order:
        own = sorted(sets[i], key=lambda gram: (frequency[gram], gram))
        prefix = own[: len(own) - -(-ALIKE * len(own) // OF) + 1]
        seen: set[int] = set()
        for gram in prefix:
            seen.update(j for j in index[gram] if OF * len(sets[j]) >= ALIKE * len(own))
            index[gram].append(i)
        for j in sorted(seen):
            shared = len(sets[i] & sets[j])
            if OF * shared >= ALIKE * (len(sets[i]) + len(sets[j]) - shared):
                yield min(i, j), max(i, j)


class LikeTexts:
    """Pairs of questions with equal or like texts, counted across and within classes."""

    def __init__(self, texts: Sequence[str], classes: Sequence[str]) -> None:
        """Find all pairs; `texts` are normalised, `classes` say where each text stands."""
        members: dict[str, list[int]] = defaultdict(list)
        for i, text in enumerate(texts):
            members[text].append(i)
        groups = list(members.values())
        self._classes = classes
        self._linked: list[list[int]] = [[] for _ in groups]
        self._groups = groups
        self.across = self.within = 0
        for group in groups:
            self._count(group, group)
        for i, j in like_pairs(list(members)):
            self._linked[i].append(j)
            self._linked[j].append(i)
            self._count(groups[i], groups[j])

    def partners(self, across: bool) -> Iterator[tuple[int, list[int]]]:
        """Yield each index and those like it, of other classes or of its own."""
        for number, group in enumerate(self._groups):
            reach = [group, *(self._groups[k] for k in self._linked[number])]
            for i in group:
                like = [j for part in reach for j in part if j != i]
                like = [j for j in like if (self._classes[j] != self._classes[i]) == across]
                if like:
                    yield i, sorted(like)

    def _count(self, one: Sequence[int], two: Sequence[int]) -> None:
        """Add the pairs between two groups; a group with itself counts each pair once."""
        left = Counter(self._classes[i] for i in one)
        right = Counter(self._classes[i] for i in two)
        if one is two:
            same = sum(n * (n - 1) // 2 for n in left.values())
            total = len(one) * (len(one) - 1) // 2
        else:
            same = sum(n * right[name] for name, n in left.items())
            total = len(one) * len(two)
        self.within += same
        self.across += total - same
