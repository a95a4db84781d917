"""Sentences of a page with their offsets, and whether a sentence speaks of the class itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from imagewikiqa.core.records import ClassEntry, Page
from imagewikiqa.qa.leaks import fold, words
from imagewikiqa.qa.naming import plural

_END = re.compile(r"(?<=[.!?])(?P<close>[\"”’)]*)\s+(?=[A-Z0-9\"“'(ÀÁÉÖØÜ])")
_ABBREVIATION = re.compile(
    r"\b(?:[A-Z]|St|Mt|Dr|Mr|Mrs|Ms|Jr|Sr|vs|ca|c|No|approx|etc|e\.g|i\.e)\.$"
)
_LONGEST = 12  # an abbreviation is shorter: what stands before decides nothing
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
_BRACKETS = re.compile(r"\s*\([^)]*\)")
_ASIDE = re.compile(r"\([^)]*\)|, (?:also|often|commonly|sometimes|or)\b[^,]*,")
_PRONOUNS = frozenset({"it", "its", "they", "their", "adults", "adult"})
_LEADS = frozenset(
    """a all an adult adults both common females free healthy in it large many males mature modern
    most ordinary some the these this traditional typical wild""".split()
)
_WORD_LEADS = frozenset("the its their english common modern a of in".split())
_WORD_FILLERS = frozenset(
    """the of a an for it in this sense as itself probably likely ultimately perhaps may also
    in english animal bird plant fish""".split()
)
_TOKEN = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|[,;:.]")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a page: its text, where it stands, and of what the paragraph speaks."""

    text: str
    start: int
    own_pronoun: bool  # it speaks of the class, by name or by a pronoun
    continues: bool  # the sentence before it spoke of the class or named it

    @property
    def begins_with_pronoun(self) -> bool:
        """Return whether the sentence needs the one before it to be understood."""
        return bool(set(words(self.text)[:1]) & _PRONOUNS)

    @property
    def end(self) -> int:
        """Return the offset after the last character."""
        return self.start + len(self.text)


def split_sentences(text: str, offset: int = 0) -> Iterator[tuple[int, str]]:
    """Yield (offset, sentence) of one paragraph; abbreviations and initials do not end one."""
    begin = len(text) - len(text.lstrip())
    for match in _END.finditer(text, begin):
        if _ABBREVIATION.search(text[max(begin, match.start() - _LONGEST) : match.start()]):
            continue
        stop = match.end("close")
        yield offset + begin, text[begin:stop]
        begin = match.end()
    if text[begin:].strip():
        yield offset + begin, text[begin:].rstrip()


def page_sentences(page: Page, entry: ClassEntry) -> list[Sentence]:
    """Return the prose sentences of a page, without headings and the Infobox block."""
    found: list[Sentence] = []
    own, heads = own_words(entry), _heads(entry)
    prose = [section for section in page.sections if section.path != ("Infobox",)]
    for section in prose:
        body = page.text[section.start : section.end]
        quoted = False  # "Of the Vedas he said:" opens a quotation, whose "it" is another thing
        for match in re.finditer(r"[^\n]+", body):
            pairs = list(split_sentences(match[0], section.start + match.start()))
            if len(pairs) == 1 and not pairs[0][1].endswith((".", "!", "?", '"', ":")):
                continue  # a heading
            speaks = not quoted  # a paragraph opens on the page's own subject
            for start, text in pairs:
                before = speaks or (bool(found) and bool(heads & set(words(found[-1].text))))
                pronoun = bool(set(words(text)[:1]) & _PRONOUNS)
                speaks = (pronoun and speaks) or _opens_on(text, own, heads)
                found.append(Sentence(text, start, own_pronoun=speaks, continues=before))
            quoted = match[0].endswith(":")
    return found


def _opens_on(text: str, own: frozenset[str], heads: frozenset[str]) -> bool:
    """Return whether a sentence's subject is the class: 'The tiger', not 'The Siberian tiger'.

    A name that goes on in capitals is another one: 'Samsung Fire' is not Samsung.
    """
    tokens = _TOKEN.findall(_BRACKETS.sub("", text))[:12]
    folded = [fold(token) for token in tokens]
    at = 0
    while at < len(tokens) and folded[at] in _LEADS and folded[at] not in own:
        at += 1
    first = at
    while at < len(tokens) and folded[at] in own:
        at += 1
    if at == first or folded[at - 1] not in heads:
        return False
    return at == len(tokens) or not tokens[at][0].isupper()


def own_words(entry: ClassEntry) -> frozenset[str]:
    """Return the words that name the class: of its names, in singular and plural."""
    titles = (title.partition(" (")[0] for title in entry.titles)  # "(dog breed)" names no dog
    found = {word for name in (entry.name, *entry.synonyms, *titles) for word in words(name)}
    return frozenset(found | {fold(plural(word)) for word in found if len(word) > 2})


def _heads(entry: ClassEntry) -> frozenset[str]:
    """Return the head nouns of the class's names: a husky is no Siberian, a Siberian is none."""
    found: set[str] = set()
    for name in (entry.name, *entry.synonyms, *entry.titles):
        before = re.split(r" of | des |\s*[,(]", name)[0]
        for part in (name, before):
            found.update(words(part)[-1:])
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


def is_named(names: frozenset[str], sentence: Sentence, match: re.Match[str]) -> bool:
    """Return whether 'the word X ...' explains the class's own name.

    `match` starts at 'word', 'name' or 'term' and its group `w` holds what follows up to the verb.
    X must be (the beginning of) a word of the name; without X the paragraph must speak of the
    class: 'The Latin word' and 'the city's name' explain other words.
    """
    if set(words(sentence.text[: match.start()])) - _WORD_LEADS:
        return False
    said = [word for word in words(match["w"]) if word not in _WORD_FILLERS]
    if not said:
        return sentence.continues
    return all(
        word in names or any(len(word) > 3 and name.startswith(word) for name in names)
        for word in said
    )
