"""Wrong options that the class's own page states where it states the right one."""

import re
from collections.abc import Iterator

from imagewikiqa.core.records import Draft, Page
from imagewikiqa.qa.corpus.sentences import split_sentences
from imagewikiqa.qa.leaks import contains_phrase, fold, words

TRUE_BY_PAGE = "a wrong option is true by the page"

_ARTICLE = re.compile(r"^(?:the|a|an) ")
_SMALL = frozenset("and the for with from that are its into near also one two most".split())
# A clause after one of these words may name what is not so: "unlike bamboo", "rather than grass".
_CONTRAST = re.compile(
    r"\b(?:not|no|never|neither|nor|without|unlike|than|instead|but|although|though|whereas|while"
    r"|however|except|formerly|once|often mistaken|confused|similar|like|related)\b"
)


def true_options(draft: Draft, page: Page) -> list[str]:
    """Return the wrong options that hold by the page, in the draft's order.

    An option holds when its words stand beside the right option's in one statement: a sentence of
    the quoted evidence or one value of the infobox. Only statements that also hold half of the
    right option's words are read, so that both answer the same question, and none that contrast or
    deny. Bare numbers say nothing, and what the question itself names is not an answer.
    """
    right, *wrong = (_key(choice.text) for choice in draft.choices)
    question = fold(draft.question)
    said = [_without(text, right) for text in _statements(draft, page) if _states(text, right)]
    found = []
    for option, key in zip(draft.choices[1:], wrong, strict=True):
        if _speaks(key) and not contains_phrase(question, key):
            if any(contains_phrase(text, key) for text in said):
                found.append(option.text)
    return found


def _statements(draft: Draft, page: Page) -> Iterator[str]:
    """Yield, folded, the sentences that the evidence touches and the values of the infobox."""
    start, end = draft.evidence.start, draft.evidence.end
    first = page.text.rfind("\n", 0, start) + 1
    last = page.text.find("\n", end)
    for at, sentence in split_sentences(page.text[first : None if last < 0 else last], first):
        if at < end and at + len(sentence) > start:
            yield fold(sentence)
    yield from map(fold, page.facts.values())


def _states(text: str, right: str) -> bool:
    """Return whether a text says at least half of the right option's words, and denies nothing."""
    if _CONTRAST.search(_without(text, right)):
        return False
    own = _telling(right)
    here = set(words(text))
    return contains_phrase(text, right) or 0 < len(own) <= 2 * len(own & here)


def _without(text: str, right: str) -> str:
    """Return a statement without the right option: "bamboo shoots" is no "bamboo"."""
    return re.sub(rf"(?<!\w){re.escape(right)}(?!\w)", "|", text)


def _key(option: str) -> str:
    return _ARTICLE.sub("", fold(option)).rstrip(".,;:!")


def _speaks(key: str) -> bool:
    """Return whether an option has a word that says something alone."""
    return bool(_telling(key))


def _telling(key: str) -> set[str]:
    return {word for word in words(key) if len(word) > 2 and word not in _SMALL}
