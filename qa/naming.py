"""The grammar of class names: determiners, plurals, and "this object" made into a name and back."""

import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING

from imagewikiqa.core.records import ClassEntry

if TYPE_CHECKING:
    from inflect import engine as Engine

PLACEHOLDER = "this object"
_STEM_CHOICE = re.compile(r"\[([^|\]]*)\|([^|\]]*)\]")
# "a this object", "the this object" are slips of LLM authors: the determiner goes.
_PLACEHOLDERS = re.compile(
    r"\b(?:(?:a|an|the)\s+)?(?P<which>this object|these objects|that object)\b"
    r"(?P<own>['’]s\b|(?<=s)['’](?= \w))?",
    re.IGNORECASE,
)
# Where the grammar engine is wrong, by the last word of a name.
_PLURALS = {
    "bison": "bison", "grouse": "grouse", "kuvasz": "kuvaszok", "thief": "thieves",
    "triceratops": "triceratops", "pyrenees": "Pyrenees", "pekingese": "Pekingese",
    "maltese": "Maltese", "malinois": "Malinois", "passer-by": "passers-by",
    **{word: word + "s" for word in "apso banjo burrito dingo flamingo gecko junco t".split()},
}  # fmt: skip
_WHOLE_PLURALS = {"hen of the woods mushroom": "hen of the woods mushrooms"}
_PART_OF = re.compile(r" (?:of|des|de) ")  # the head stands before it
# Read letter by letter, or as a number that begins with a vowel: 'an SUV', 'an 80-inch screen'.
_SPELLED = re.compile(r"(?:[AEFHILMNORSX](?:[A-Z]{0,2}|[A-Z]*\d\w*)|8\d*|11|18)(?![\w'’.])")
_PLURAL_VERBS = {"is": "are", "was": "were", "does": "do", "has": "have"}
_SINGULAR_VERBS = {many: one for one, many in _PLURAL_VERBS.items()}


@lru_cache(maxsize=1)
def _engine() -> "Engine":
    import inflect  # takes a fifth of a second: only when grammar is needed

    return inflect.engine()


@lru_cache(maxsize=4096)
def plural(name: str) -> str:
    """Return the plural of a singular noun phrase: 'fox' -> 'foxes', 'bow tie' -> 'bow ties'."""
    if name.lower() in _WHOLE_PLURALS:
        return _WHOLE_PLURALS[name.lower()]
    joint = _PART_OF.search(name)
    if joint:
        return plural(name[: joint.start()]) + name[joint.start() :]
    before, space, last = name.rpartition(" ")
    return f"{before}{space}{_plural_word(last)}"


def _plural_word(word: str) -> str:
    """Return a word's plural with the word's own capitals: the engine makes 'Huskys' of 'Husky'."""
    lower = word.lower()
    many = _PLURALS.get(lower) or str(_engine().plural_noun(lower) or lower)
    kept = len(os.path.commonprefix([lower, many.lower()]))
    return word[:kept] + many[kept:]


@lru_cache(maxsize=4096)
def singular(name: str) -> str:
    """Return the singular of a noun phrase, unchanged when it is none."""
    return _engine().singular_noun(name) or name


@lru_cache(maxsize=4096)
def with_article(name: str) -> str:
    """Return a name with 'a' or 'an' by sound: 'an hourglass', 'a unicycle', 'an SUV'."""
    if _SPELLED.match(name):
        return f"an {name}"
    return str(_engine().a(name))


def noun_phrase(entry: ClassEntry) -> str:
    """Return the class as a kind: 'the tiger', 'guacamole', 'sunglasses'."""
    return f"the {entry.name}" if entry.number == "count" else entry.name


def one_phrase(entry: ClassEntry) -> str:
    """Return one of the class: 'a tiger', 'guacamole', 'sunglasses'."""
    return with_article(entry.name) if entry.number == "count" else entry.name


def plural_phrase(entry: ClassEntry) -> str:
    """Return several of the class: 'tigers', 'guacamole', 'sunglasses'."""
    return plural(entry.name) if entry.number == "count" else entry.name


def render_stem(stem: str, entry: ClassEntry | None) -> str:
    """Fill a stem's slots and let [does|do] agree; without an entry {obj} is 'this object'."""
    many = entry is not None and entry.number == "plural"
    stem = _STEM_CHOICE.sub(lambda match: match[2 if many else 1], stem)
    if entry is None:
        return stem.replace("{obj}", PLACEHOLDER)
    forms = {"{obj}": noun_phrase, "{plural}": plural_phrase, "{a}": one_phrase}
    for slot, phrase in forms.items():
        if slot in stem:
            stem = stem.replace(slot, phrase(entry))
    return stem.replace("{bare}", entry.name)


def name_question(question: str, entry: ClassEntry) -> str:
    """Return a written question with every placeholder replaced by the class name.

    Keeps the name's own case, starts sentences with a capital, repairs "a this object", turns
    "these objects" into the plural and lets a plural name's verb agree (upstream bug 4).
    """

    def name(match: re.Match[str]) -> str:
        several = match["which"].lower() == "these objects"
        words = plural_phrase(entry) if several else noun_phrase(entry)
        before = question[: match.start()].rstrip()
        words = _capital(words) if not before or before[-1] in ".?!" else words
        if match["own"] is None:
            return words
        many = entry.number == "plural" or (several and entry.number == "count")
        return f"{words}'" if many and words.endswith("s") else f"{words}'s"

    named = _PLACEHOLDERS.sub(name, question)
    return named if entry.number == "count" else _agree(named, entry)


def has_placeholder(question: str) -> bool:
    """Return whether a question speaks of 'this object' or 'these objects'."""
    return _PLACEHOLDERS.search(question) is not None


def _capital(words: str) -> str:
    """Return words with a capital first letter, except names such as 'iPods'."""
    return words if re.match(r"[a-z][A-Z]", words) else words[0].upper() + words[1:]


def _agree(text: str, entry: ClassEntry) -> str:
    """Make 'is sunglasses' plural and 'guacamole are' singular; other verbs are left as written."""
    verbs = _PLURAL_VERBS if entry.number == "plural" else _SINGULAR_VERBS
    either = "|".join(verbs)
    name = rf"{re.escape(entry.name)}\b(?!['’])"

    def right(verb: str) -> str:
        found = verbs[verb.lower()]
        return found.capitalize() if verb[0].isupper() else found

    text = re.sub(rf"\b({either})(\s+{name})", lambda m: f"{right(m[1])}{m[2]}", text, flags=re.I)
    return re.sub(rf"(\b{name}\s+)({either})\b", lambda m: f"{m[1]}{right(m[2])}", text, flags=re.I)
