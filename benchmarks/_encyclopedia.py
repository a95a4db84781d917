"""An invented encyclopedia: one article for each ImageNet class, and what is true in it.

Every article states one value for each of ATTRIBUTES. Values are drawn by a keyed hash from one
list, the same for all classes, so that neither length nor words give a right option away.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from xml.sax.saxutils import escape

from benchmarks._dumps import HEAD, PAGE, TAIL
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.digests import keyed_int
from imagewikiqa.core.records import ClassEntry

ATTRIBUTES = (
    "region of first description", "preferred resting place", "customary season of gathering",
    "traditional keeper", "most common covering", "usual companion", "favoured surface",
    "typical sound at dusk", "ancestral homeland", "accepted unit of trade",
)  # fmt: skip
_STARTS = ("Bel", "Cor", "Dal", "Fen", "Gor", "Hal", "Ister", "Jul", "Kest", "Lom", "Mar", "Nor")
_MIDDLES = ("a", "ando", "e", "ella", "i", "ina", "o", "ora", "u")
_ENDS = (
    "bury",
    "dale",
    "fold",
    "gate",
    "ham",
    "holt",
    "lund",
    "mere",
    "nock",
    "ridge",
    "stow",
    "wick",
)
_FILLER = (
    "Observers have written about it for generations, and their notes agree in most respects.",
    "Several accounts were lost, but the remaining ones are detailed enough for comparison.",
    "It is described in the same manner by writers who never met one another.",
    "Later authors added measurements and drawings without changing the older findings.",
)


def value(class_id: str, attribute: str) -> str:
    """Return what an article says of an attribute of its class."""
    return word("value", class_id, attribute)


def word(*key: str | int) -> str:
    """Return an invented proper name, decided by the key."""
    drawn = keyed_int("word", *key)
    start, drawn = _STARTS[drawn % len(_STARTS)], drawn // len(_STARTS)
    middle, drawn = _MIDDLES[drawn % len(_MIDDLES)], drawn // len(_MIDDLES)
    end, drawn = _ENDS[drawn % len(_ENDS)], drawn // len(_ENDS)
    second = _STARTS[drawn % len(_STARTS)] + _ENDS[drawn // len(_STARTS) % len(_ENDS)]
    return f"{start}{middle}{end} {second}"


def sentence(class_id: str, attribute: str) -> str:
    """Return the words in which an article states an attribute."""
    return f"Its {attribute} is {value(class_id, attribute)}."


def article(entry: ClassEntry) -> str:
    """Return the wikitext of a class."""
    title = (*entry.titles, entry.name)[0]
    lines = [f"'''{title}''' is known from many written accounts. {_FILLER[0]}"]
    for number, attribute in enumerate(ATTRIBUTES):
        if number % 3 == 0:
            lines.append(f"== Findings of series {number // 3 + 1} ==")
        filler = _FILLER[keyed_int("filler", entry.id, attribute) % len(_FILLER)]
        lines.append(f"{sentence(entry.id, attribute)} {filler}")
    return "\n\n".join(lines)


def write_dump(path: Path, classes: int) -> None:
    """Write the articles of the first classes as a MediaWiki export."""
    with path.open("w", encoding="utf-8") as out:
        out.write(HEAD)
        for number, (title, text) in enumerate(_articles(classes), start=1):
            said = escape(text)
            out.write(PAGE.format(title=escape(title), number=number, revision=number + 10**6,
                                  size=len(said.encode()), text=said))  # fmt: skip
        out.write(TAIL)


def _articles(classes: int) -> Iterator[tuple[str, str]]:
    seen: set[str] = set()
    for entry in load_classes("imagenet")[:classes]:
        title = (*entry.titles, entry.name)[0]
        if title not in seen:  # two classes may share an article
            seen.add(title)
            yield title, article(entry)


@cache
def _first_owner() -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in load_classes("imagenet"):
        found.setdefault((*entry.titles, entry.name)[0], entry.id)
    return found


@cache
def _names() -> list[tuple[re.Pattern[str], str]]:
    """Return every class name as a pattern, the longest first, with the id whose article it has."""
    named = []
    for entry in load_classes("imagenet"):
        owner = _first_owner()[(*entry.titles, entry.name)[0]]
        named.append((entry.name, owner))
    named.sort(key=lambda pair: -len(pair[0]))
    return [(re.compile(rf"(?<!\w){re.escape(name)}", re.I), owner) for name, owner in named]


def known_value(question: str) -> str | None:
    """Return the right answer to a question that names its class, None when it names none."""
    attribute = next((one for one in ATTRIBUTES if one in question), None)
    if attribute is None:
        return None
    rest = question.replace(attribute, "")
    owner = next((one for pattern, one in _names() if pattern.search(rest)), None)
    return None if owner is None else value(owner, attribute)
