"""An encyclopedia of which only lists of candidate titles, and perhaps some pages, are known."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from imagewikiqa.builders.raw import normal_title
from imagewikiqa.builders.resolve.knowledge import DISAMBIGUATION, Found
from imagewikiqa.builders.resolve.words import squeeze, stems


class Offline:
    """Knowledge from candidate lists.

    `listed` gives the titles that a search for a phrase found; `pages` what is known of some
    titles. With `widen` a search also finds every listed title that shares a word with the phrase.
    """

    def __init__(
        self,
        listed: Mapping[str, Sequence[str]],
        pages: Mapping[str, Found] | None = None,
        *,
        widen: bool = False,
    ) -> None:
        self._listed: dict[str, list[str]] = defaultdict(list)
        for phrase, titles in listed.items():
            self._listed[squeeze(phrase)].extend(map(normal_title, titles))
        self._pages = {normal_title(title): found for title, found in (pages or {}).items()}
        self._titles = {t for titles in self._listed.values() for t in titles} | {*self._pages}
        dabs = (title for title in self._titles if title.endswith(DISAMBIGUATION))
        self._with_list = {squeeze(title.removesuffix(DISAMBIGUATION)) for title in dabs}
        self._by_word: dict[str, set[str]] = defaultdict(set)
        for title in self._titles if widen else ():
            for word in stems(title):
                self._by_word[word].add(title)

    def look_up(self, titles: Sequence[str]) -> dict[str, Found]:
        """Return the titles that are listed, or that a listed "X (disambiguation)" implies."""
        found = {title: self._find(normal_title(title)) for title in titles}
        return {title: page for title, page in found.items() if page is not None}

    def describe(self, titles: Sequence[str]) -> dict[str, Found]:
        """Return what is known of titles."""
        return {t: self._pages[normal_title(t)] for t in titles if normal_title(t) in self._pages}

    def search(self, text: str) -> list[str]:
        """Return the list of a phrase; with `widen`, then the titles that share a word with it."""
        near = {title for word in sorted(stems(text)) for title in self._by_word.get(word, ())}
        return [*dict.fromkeys((*self._listed.get(squeeze(text), ()), *sorted(near)))]

    def links(self, title: str) -> list[str]:
        """Return nothing: lists do not say which page a title was linked from."""
        return []

    def _find(self, title: str) -> Found | None:
        if title in self._pages:
            return replace(self._pages[title], lead="", categories=(), description="")
        if title.endswith(DISAMBIGUATION):
            return Found(title=title, is_disambiguation=True) if title in self._titles else None
        # The page "X (disambiguation)" exists only beside a page "X".
        plain = "(" not in title and squeeze(title) in self._with_list
        known = title in self._titles or plain
        return Found(title=title) if known else None
