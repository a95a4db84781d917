"""Pairs of like texts by character 3-grams, exact and fast enough for thousands."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

ALIKE, OF = 4, 5  # alike: 3-gram sets with a Jaccard similarity of at least 4/5
BLOCK = 1024


def grams(text: str) -> frozenset[str]:
    """Return the character 3-grams of a text with one space at either end."""
    padded = f" {text} "
    return frozenset(padded[i : i + 3] for i in range(len(padded) - 2))


def like_pairs(texts: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Yield index pairs (i < j) of distinct texts that are alike, in a fixed order.

    Exact: shared grams of all pairs come from products of 0/1 matrices, block by block, and only
    of blocks whose set sizes allow the similarity at all.
    """
    sets = [grams(text) for text in texts]
    order = sorted(range(len(texts)), key=lambda i: (len(sets[i]), i))
    used = Counter(gram for one in sets for gram in one)
    column = {gram: n for n, gram in enumerate(sorted(g for g, count in used.items() if count > 1))}
    starts = range(0, len(order), BLOCK)
    for left in starts:
        rows = order[left : left + BLOCK]
        matrix, sizes = _incidence(rows, sets, column)
        for right in range(left, len(order), BLOCK):
            others = order[right : right + BLOCK]
            if OF * len(sets[rows[-1]]) < ALIKE * len(sets[others[0]]):
                break
            other, other_sizes = _incidence(others, sets, column)
            shared = matrix @ other.T
            alike = OF * shared >= ALIKE * (sizes[:, None] + other_sizes[None, :] - shared)
            for a, b in zip(
                *np.nonzero(np.triu(alike, 1) if left == right else alike), strict=True
            ):
                yield min(rows[a], others[b]), max(rows[a], others[b])


def _incidence(
    rows: Sequence[int], sets: Sequence[frozenset[str]], column: dict[str, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return which grams each text has, as 0 or 1, and how many; float32 counts are exact."""
    matrix = np.zeros((len(rows), len(column)), dtype=np.float32)
    for place, i in enumerate(rows):
        matrix[place, [column[gram] for gram in sets[i] if gram in column]] = 1
    return matrix, np.array([len(sets[i]) for i in rows], dtype=np.float32)


def like_groups(texts: Sequence[str]) -> list[set[int]]:
    """Return, for each text, the indexes of all equal or like texts, itself included."""
    members: dict[str, list[int]] = defaultdict(list)
    for index, text in enumerate(texts):
        members[text].append(index)
    distinct = list(members)
    like = {text: set(same) for text, same in members.items()}
    for first, second in like_pairs(distinct):
        like[distinct[first]].update(members[distinct[second]])
        like[distinct[second]].update(members[distinct[first]])
    return [like[text] for text in texts]


def like_in_both(asked: Sequence[str], offered: Sequence[str]) -> list[set[int]]:
    """Return, for each index, those whose two texts are both equal or like, itself included.

    The second texts are compared only where the first ones hang together: of many questions with
    few wordings, or with few wordings in common, that spares most of the work.
    """
    near = like_groups(asked)
    found: list[set[int]] = [set() for _ in asked]
    for members in _chains(asked, near):
        inside = like_groups([offered[i] for i in members])
        for i, like in zip(members, inside, strict=True):
            found[i] = {members[place] for place in like} & near[i]
    return found


def _chains(texts: Sequence[str], near: Sequence[set[int]]) -> Iterator[list[int]]:
    """Yield the indexes in groups, so that likes, and likes of likes, are in one group."""
    placed: set[int] = set()
    for start in range(len(texts)):
        if start in placed:
            continue
        placed.add(start)
        group, known = [start], set[str]()
        for one in group:  # grows while it is read
            if texts[one] not in known:  # equal texts have the same likes
                known.add(texts[one])
                new = near[one] - placed
                placed |= new
                group += sorted(new)
        yield group


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
