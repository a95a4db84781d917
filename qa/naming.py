"""The grammar of class names: determiners, plurals, and "this object" made into a name and back."""

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
    r"\b(?:(?:a|an|the)\s+)?(?P<which>this object|these objects|that object)\b", re.IGNORECASE
)
_VERBS = {"is": "are", "was": "were", "does": "do", "has": "have"}


@lru_cache(maxsize=1)
def _engine() -> "Engine":
    import inflect  # takes a fifth of a second: only when grammar is needed

    return inflect.engine()


@lru_cache(maxsize=4096)
def plural(name: str) -> str:
    """Return the plural of a singular noun phrase: 'fox' -> 'foxes', 'bow tie' -> 'bow ties'."""
    head, of, rest = name.partition(" of ")
    return f"{_engine().plural_noun(head) or head}{of}{rest}"


@lru_cache(maxsize=4096)
def singular(name: str) -> str:
    """Return the singular of a noun phrase, unchanged when it is none."""
    return _engine().singular_noun(name) or name


@lru_cache(maxsize=4096)
def with_article(name: str) -> str:
    """Return a name with 'a' or 'an' by sound: 'an hourglass', 'a unicycle'."""
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
        many = match["which"].lower() == "these objects"
        words = plural_phrase(entry) if many else noun_phrase(entry)
        before = question[: match.start()].rstrip()
        return words[0].upper() + words[1:] if not before or before[-1] in ".?!:" else words

    named = _PLACEHOLDERS.sub(name, question)
    return _agree(named, entry) if entry.number == "plural" else named


def has_placeholder(question: str) -> bool:
    """Return whether a question speaks of 'this object' or 'these objects'."""
    return _PLACEHOLDERS.search(question) is not None


def _agree(text: str, entry: ClassEntry) -> str:
    """Make 'is sunglasses' and 'sunglasses is' plural; other verbs are left as written."""
    name = re.escape(entry.name)
    verbs = "|".join(_VERBS)
    text = re.sub(
        rf"\b({verbs})\s+({name})\b", lambda m: f"{_VERBS[m[1].lower()]} {m[2]}", text, flags=re.I
    )
    return re.sub(
        rf"\b({name})\s+({verbs})\b", lambda m: f"{m[1]} {_VERBS[m[2].lower()]}", text, flags=re.I
    )
