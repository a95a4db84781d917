"""The evidence for and against an article, each piece with its weight in log-odds."""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import takewhile

from imagewikiqa.builders.resolve.knowledge import DISAMBIGUATION, Found
from imagewikiqa.builders.resolve.lead import first_sentence, is_list, nouns, opening, said_to_be
from imagewikiqa.builders.resolve.phrases import Names, Phrase
from imagewikiqa.builders.resolve.records import Clue, ClueKind
from imagewikiqa.builders.resolve.subject import Standing, Subject
from imagewikiqa.builders.resolve.titles import (
    Title,
    added,
    fit,
    is_name_like,
    is_shouted,
    parted,
)
from imagewikiqa.builders.resolve.words import fold, squeeze, stem, stems

# Set by hand, then adjusted on the 512 classes that automatic matching resolved; never on others.
PRIOR = -2.6
NAME, NAME_WORDS = 4.8, 5.6  # a name of one word is more often ambiguous
SYNONYM, SYNONYM_WORDS, SCIENTIFIC = 1.8, 3.5, 5.0
WEAK = {"": 0.0, "part of the name": -3.5, "shared with another class": -1.5,
        "names another class": -6.0}  # fmt: skip
BY_REDIRECT, BY_VARIANT, BY_LONGER, BY_KIND = -0.7, -0.3, 0.45, 0.9
UNNAMED = -2.0  # no phrase is the title or leads to it
PART = 3.2  # "Vault (architecture)" for a vaulted ceiling: the bracket does what the name did
LISTS = -5.0
OUTDONE = -1.5  # known by a synonym while another article has the class's own name
QUALIFIER: dict[Standing, float] = {
    "near hypernym": 3.0, "hypernym": 2.2, "field": 2.2, "definition": 1.4, "kind": -2.5,
    "unknown": -3.5, "contrary": -5.0,
}  # fmt: skip
# The lead says more than a bracket that the class does not mention.
QUALIFIER_READ: dict[Standing, float] = {"kind": 0.0, "unknown": -1.0}
SAID: dict[Standing, float] = {
    "near hypernym": 3.0, "hypernym": 2.2, "field": 0.0, "definition": 1.2, "kind": 1.2,
    "unknown": 0.0, "contrary": -4.0,
}  # fmt: skip
STANDINGS: tuple[Standing, ...] = (
    "near hypernym", "hypernym", "definition", "field", "kind", "contrary", "unknown",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """An article that may be meant, and the ways that led to it."""

    page: Found
    phrases: tuple[Phrase, ...]  # whose exact title is this page or redirects to it
    ways: tuple[str, ...]

    @property
    def title(self) -> Title:
        """Return the title in its parts."""
        return parted(self.page.title)


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """All titles found for a class, as each of them is looked at beside the others."""

    qualified: Mapping[str, tuple[str, ...]]  # by the wording of what stands before the qualifier
    plain: tuple[str, ...]  # sorted

    def same(self, title: Title) -> tuple[str, ...]:
        """Return the titles of these words with a qualifier."""
        return self.qualified.get(squeeze(title.base), ())

    def longer(self, title: Title) -> tuple[str, ...]:
        """Return up to two titles that begin with a title's words."""
        begin = f"{title.text} "
        at = bisect_left(self.plain, begin)
        return tuple(takewhile(lambda text: text.startswith(begin), self.plain[at : at + 2]))


def around(pages: Iterable[Found]) -> Around:
    """Return the titles of pages for comparison, in an order of their own."""
    titles = [parted(text) for text in sorted({page.title for page in pages})]
    qualified: dict[str, list[str]] = defaultdict(list)
    for title in titles:
        if title.qualifier:
            qualified[squeeze(title.base)].append(title.text)
    return Around(
        qualified={base: tuple(texts) for base, texts in qualified.items()},
        plain=tuple(title.text for title in titles if not title.qualifier),
    )


def strength(phrase: Phrase) -> float:
    """Return what it proves that a title equals a phrase."""
    several = phrase.words > 1
    if phrase.source == "name":
        weight = NAME_WORDS if several else NAME
    elif phrase.source == "scientific name":
        weight = SCIENTIFIC
    else:
        weight = SYNONYM_WORDS if several else SYNONYM
    return weight + WEAK[phrase.weakness]


def clues(lead: Lead, subject: Subject, others: Around, rivals: Names) -> list[Clue]:
    """Return all evidence for one article."""
    found = [
        _clue("prior", PRIOR, "most articles that a search finds are about something else"),
        *_by_title(lead, subject),
        *_by_standing(lead, others),
        *_by_qualifier(lead, subject),
        *_by_rival(lead.title, subject, rivals),
        *_by_text(lead.page, subject),
    ]
    if lead.page.fragment and not _is_own(lead):
        found.append(_clue("section", -1.0, f"redirects to the section {lead.page.fragment!r}"))
    return [clue for clue in found if clue.weight]


def _clue(kind: ClueKind, weight: float, detail: str) -> Clue:
    return Clue(kind=kind, weight=round(weight, 3), detail=detail)


def _is_own(lead: Lead) -> bool:
    return any(fit(lead.title, phrase) in ("same", "variant") for phrase in lead.phrases)


def _by_title(lead: Lead, subject: Subject) -> Iterable[Clue]:
    """Yield what title and redirects say: the best phrase counts, others add a little."""
    options = [option for p in subject.phrases if (option := _named(lead, p, subject)) is not None]
    if not options:
        overlap = subject.rarity.overlap(stems(lead.title.text), subject.told | subject.above)
        shared = "; its words stand in the definition" if overlap else ""
        yield _clue("title", UNNAMED + 1.2 * overlap, f"no phrase leads to it{shared}")
        return
    best, (phrase, clue) = max(
        enumerate(options), key=lambda option: (option[1][1].weight, -option[0])
    )
    yield clue
    more = [p.text for i, (p, c) in enumerate(options) if i != best and c.weight > 0.5]
    yield _clue("more names", 0.6 * min(len(more), 3), f"also named {', '.join(more[:3])}")
    if clue.kind == "title":
        yield from _by_case(lead.title, phrase, subject)


def _named(lead: Lead, phrase: Phrase, subject: Subject) -> tuple[Phrase, Clue] | None:
    how, weight = fit(lead.title, phrase), strength(phrase)
    if phrase.weakness == "part of the name" and lead.title.qualifier and how != "none":
        weight = PART if QUALIFIER[_qualified(lead.title, subject)] > 0 else weight
    said = f"the {phrase.source} {phrase.text!r}"
    said += f" ({phrase.weakness})" if phrase.weakness else ""
    if how == "same":
        return phrase, _clue("title", weight, f"the title is {said}")
    if how == "variant":
        return phrase, _clue("title", weight + BY_VARIANT, f"the title is a form of {said}")
    if phrase in lead.phrases:
        return phrase, _clue("redirect", weight + BY_REDIRECT, f"redirected from {said}")
    if how == "longer" and weight > 0:
        extra = added(lead.title, phrase)
        known = subject.rarity.overlap(extra, subject.told | subject.above | subject.names)
        if extra and extra <= subject.above and stem(lead.title.base.split()[-1]) in extra:
            what = f"the title adds what kind it is to {said}"
            return phrase, _clue("title", weight * BY_KIND, what)
        if not extra or known > 0.5:
            weight *= BY_LONGER * (known if extra else 1)
            return phrase, _clue("title", weight, f"the title adds known words to {said}")
    return None


def _by_case(title: Title, phrase: Phrase, subject: Subject) -> Iterable[Clue]:
    if is_shouted(title, phrase):
        yield _clue("case", -4.0, "capitals inside the title: an acronym or a brand")
    elif is_name_like(title, phrase) and not subject.is_breed:
        yield _clue("case", -2.5, "the title is written like the name of one thing")


def _by_standing(lead: Lead, others: Around) -> Iterable[Clue]:
    """Yield whether a plain title is the main meaning of its words, or a list of meanings."""
    title = lead.title
    if title.qualifier or lead.page.is_disambiguation is False:
        return
    same, longer = others.same(title), others.longer(title)
    if any(text.endswith(DISAMBIGUATION) for text in same):
        yield _clue("standing", 0.4, "other meanings are on a page of their own")
        return
    count = len(same) + 0.5 * len(longer)
    weight = -3.5 if count >= 2 else -1.0 * count
    if count:
        yield _clue("standing", weight, f"may be a list of meanings, as {(same + longer)[0]!r}")


def _by_qualifier(lead: Lead, subject: Subject) -> Iterable[Clue]:
    if qualifier := lead.title.qualifier:
        standing = _qualified(lead.title, subject)
        weight = QUALIFIER[standing]
        if lead.page.lead and standing in QUALIFIER_READ:
            weight = QUALIFIER_READ[standing]
        yield _clue("qualifier", weight, f"{qualifier!r}: {standing}")


def _qualified(title: Title, subject: Subject) -> Standing:
    """Return how what stands in a title's brackets, or after its comma, stands to the class."""
    if title.placed:
        return "near hypernym" if _is_name(title.text, subject) else "contrary"
    words = fold(title.qualifier).split()
    whole = subject.says(fold(title.qualifier))
    standing = whole if whole in ("field", "contrary") else subject.says(words[-1])
    if standing in ("unknown", "kind") and len(words) > 1:
        # "sports equipment" tells a field by its first word.
        said = {subject.says(word) for word in words[:-1]}
        own: tuple[Standing, ...] = ("field", "hypernym", "near hypernym")
        standing = "field" if said & {*own} else "definition" if "definition" in said else standing
    if title.qualifier[0].isupper() and standing not in ("near hypernym", "hypernym", "field"):
        return "contrary"  # "Greenhouse (Leeds)", "Pelican (Bill Short)"
    return standing


def _is_name(text: str, subject: Subject) -> bool:
    return any(squeeze(phrase.text) == squeeze(text) for phrase in subject.phrases)


def outdone(lead: Lead, subject: Subject, named: Iterable[str]) -> Iterable[Clue]:
    """Yield that others have the class's own name, for an article known by a synonym only."""
    names = [phrase for phrase in subject.phrases if phrase.source == "name"]
    own = any(fit(lead.title, p) in ("same", "variant") or p in lead.phrases for p in names)
    other = next((title for title in named if title != lead.page.title), None)
    if other and not own and not lead.page.lead:
        yield _clue("rival", OUTDONE, f"{other!r} has the name of the class")


def has_name(lead: Lead, subject: Subject) -> bool:
    """Say whether a title is the class's own name, plain or with a bracket that agrees."""
    title = lead.title
    if title.qualifier and QUALIFIER[_qualified(title, subject)] < 0:
        return False
    return any(fit(title, p) == "same" for p in subject.phrases if p.source == "name")


def _by_rival(title: Title, subject: Subject, rivals: Names) -> Iterable[Clue]:
    owners = rivals.get(squeeze(title.text), ())
    if owners and subject.entry.id not in owners:
        yield _clue("rival", -3.0, f"the title is the name of the class {owners[0]}")


def _by_text(page: Found, subject: Subject) -> Iterable[Clue]:
    """Yield what lead, description and categories say, where the encyclopedia gave them."""
    if page.lead:
        if is_list(page.lead):
            yield _clue("lead", LISTS, "the lead only lists meanings")
            return
        sentence = first_sentence(page.lead)
        yield _of_nouns("lead", said_to_be(sentence), subject, 1.0)
        yield from _of_lead(page.lead, subject)
    if page.description:
        yield _of_nouns("description", nouns(page.description), subject, 0.6)
    if page.categories:
        words = stems(" ".join(page.categories)) - stems(page.title)
        shared = words & (subject.near | subject.names)
        yield _clue("categories", 1.0 if shared else 0.0, f"named {', '.join(sorted(shared))}")


def _of_nouns(kind: ClueKind, said: tuple[str, ...], subject: Subject, scale: float) -> Clue:
    own = [noun for noun in said if not stems(noun) <= subject.names or noun in subject.near]
    standings = {noun: subject.says(noun) for noun in own or said}
    if not standings:
        return _clue(kind, 0.0, "says nothing of its kind")
    noun = min(standings, key=lambda word: STANDINGS.index(standings[word]))
    return _clue(kind, scale * SAID[standings[noun]], f"says '{noun}': {standings[noun]}")


def _shared(words: list[str]) -> str:
    return f"shares {', '.join(words[:6]) or 'nothing'}"


def _of_lead(lead: str, subject: Subject) -> Iterable[Clue]:
    told = subject.told - subject.names
    words = stems(opening(lead))
    overlap = subject.rarity.overlap(told, words)
    shared = sorted(told & words, key=lambda word: (-subject.rarity.weight(word), word))
    yield _clue("definition", 4.0 * math.sqrt(overlap) - 1.5, _shared(shared))
    for phrase in subject.phrases:
        if phrase.source == "scientific name" and phrase.text in lead:
            yield _clue("scientific name", 3.0, f"the lead names {phrase.text}")
            break
