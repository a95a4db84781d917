"""Sentences of a page with their offsets, and whether a sentence speaks of the class itself."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from imagewikiqa.core.records import ClassEntry, Page
from imagewikiqa.qa.leaks import fold, words
from imagewikiqa.qa.naming import plural

_END = re.compile(r"(?<=[.!?])[\"”’)]*\s+(?=[A-Z0-9\"“'(ÀÁÉÖØÜ])")
_ABBREVIATION = re.compile(
    r"\b(?:[A-Z]|St|Mt|Dr|Mr|Mrs|Ms|Jr|Sr|vs|ca|c|No|approx|etc|e\.g|i\.e)\.$"
)
# What may stand between the start of a sentence and the verb when the class is the subject.
_OPENERS = frozenset(
    """a all also an adult adults and are be both can commonly each ever generally in is it its
    large may most mostly normally of often one rarely single some species sometimes still the their
    they these this today typical typically usually wild mature healthy males females male
    animal animals bird birds plant plants tree trees fruit fruits breed dog dogs instrument
    instruments fish insect reptile mammal machine machines vehicle dish food flower flowers
    modern traditional ordinary standard domestic average over short distances wild on land water
    bear bears cat butterfly turtle lizard shark penguin eagle ostriches building structure now
    was were has have had been known widely classed regarded generally
    """.split()
)
_COPULAS = frozenset({"is", "are", "was", "were"})
_ARTICLES = frozenset({"a", "an", "the", "any", "one"})
_ASIDE = re.compile(r"\([^)]*\)|, (?:also|often|commonly|sometimes|or)\b[^,]*,")
_PRONOUNS = frozenset({"it", "its", "they", "their", "adults", "adult"})


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a page: its text, where it stands, and whether a pronoun in it is the class."""

    text: str
    start: int
    own_pronoun: bool

    @property
    def end(self) -> int:
        """Return the offset after the last character."""
        return self.start + len(self.text)


def split_sentences(text: str, offset: int = 0) -> Iterator[tuple[int, str]]:
    """Yield (offset, sentence) of one paragraph; abbreviations and initials do not end one."""
    begin = 0
    for match in _END.finditer(text):
        stop = match.start()
        if _ABBREVIATION.search(text[begin:stop]):
            continue
        yield offset + begin, text[begin:stop].strip()
        begin = match.end()
    if text[begin:].strip():
        yield offset + begin, text[begin:].rstrip()


def page_sentences(page: Page, own: frozenset[str]) -> list[Sentence]:
    """Return the prose sentences of a page, without headings and the Infobox block."""
    found = []
    prose = [section for section in page.sections if section.path != ("Infobox",)]
    for section in prose:
        body = page.text[section.start : section.end]
        for match in re.finditer(r"[^\n]+", body):
            pairs = list(split_sentences(match[0], section.start + match.start()))
            if len(pairs) == 1 and not pairs[0][1].endswith((".", "!", "?", '"')):
                continue  # a heading
            speaks = True  # a paragraph opens on the page's own subject
            for start, text in pairs:
                head = words(text)[:4]
                pronoun = bool(head) and head[0] in _PRONOUNS
                speaks = (pronoun and speaks) or any(word in own for word in head)
                found.append(Sentence(text, start, own_pronoun=speaks))
    return found


def own_words(entry: ClassEntry) -> frozenset[str]:
    """Return the words that name the class: of its names, in singular and plural."""
    names: Iterable[str] = (entry.name, *entry.synonyms, entry.title or "")
    found = {word for name in names for word in words(name)}
    return frozenset(found | {fold(plural(word)) for word in found if len(word) > 2})


def speaks_of_class(head: str, sentence: Sentence, own: frozenset[str]) -> bool:
    """Return whether the class is the subject of a sentence that begins with `head`.

    Either only openers and its own name stand there, or the sentence defines the class
    ("The koala is a tree-dwelling marsupial ...").
    """
    before = words(_ASIDE.sub(" ", head))
    subject = 0
    while subject < len(before) and (before[subject] in own or before[subject] in _OPENERS):
        if before[subject] in _COPULAS:
            break
        subject += 1
    named = any(word in own for word in before[:subject])
    if not named and not sentence.own_pronoun:
        return False
    if subject == len(before):
        return True
    defines = before[subject] in _COPULAS and (named or before[:subject] in (["it"], ["they"]))
    plain = all(word in _OPENERS or word in own for word in before[subject:])
    return plain or (defines and len(before) > subject + 1 and before[subject + 1] in _ARTICLES)
