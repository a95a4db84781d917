"""Templates that carry meaning, rendered as their readers see them; all others are dropped."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from imagewikiqa.builders.lexicon import Lexicon, lexicon
from imagewikiqa.builders.marks import GAP, HOLE, SEAM, SOUND, flatten, subscript, superscript
from imagewikiqa.builders.quantities import (
    group_thousands,
    render_convert,
    render_fraction,
    render_height,
    render_value,
)
from imagewikiqa.builders.timespans import render_as_of, render_circa, render_date

Render = Callable[[Any], str]


@dataclass(frozen=True, slots=True)
class Arguments:
    """A template's rendered arguments: positional ones in order, named ones by lower-case name."""

    name: str
    positional: tuple[str, ...]
    named: dict[str, str]

    def at(self, index: int) -> str:
        """Return a positional argument (from 0), empty when it is missing."""
        return self.positional[index] if index < len(self.positional) else ""

    def first_of(self, *names: str) -> str:
        """Return the first named argument that is there and not empty."""
        return next((self.named[n] for n in names if self.named.get(n)), "")


def template_name(template: Any) -> str:
    """Return a template's name in lower case, spaces for underscores, without "Template:"."""
    name = re.sub(rf"[\s_{SEAM}]+", " ", str(template.name)).strip().casefold()
    return name.removeprefix("template:").removeprefix("vorlage:").strip()


def render_template(template: Any, render: Render) -> str:
    """Return what a template shows in prose; the empty text for one without words of its own."""
    name, words = template_name(template), lexicon()
    if name in words.characters:
        return words.characters[name]
    if name in words.computed or name.split(":")[0] in words.computed:
        return HOLE
    function, colon, rest = name.partition(":")
    if colon and function in ("formatnum", "lc", "uc", "lcfirst", "ucfirst"):
        return (
            group_thousands(rest.strip(), 4)
            if function == "formatnum"
            else _raw_after_colon(template)
        )
    handler = _HANDLERS.get(name) or _group_handler(name, words)
    return handler(_arguments(template, name, render)) if handler else ""


def _raw_after_colon(template: Any) -> str:
    return str(template.name).partition(":")[2].strip()


def _arguments(template: Any, name: str, render: Render) -> Arguments:
    positional: dict[int, str] = {}
    named: dict[str, str] = {}
    for parameter in template.params:
        key, value = str(parameter.name).strip(), _spaced(render(parameter.value)).strip()
        if key.isdecimal() and 0 < int(key) <= 200:
            positional[int(key)] = value
        else:
            named[key.casefold()] = value
    values = tuple(positional.get(i, "") for i in range(1, max(positional, default=0) + 1))
    return Arguments(name, values, named)


def _spaced(value: str) -> str:
    return re.sub(rf"(?<=\d){GAP}", " ", value)


def _group_handler(name: str, words: Lexicon) -> Callable[[Arguments], str] | None:
    groups: tuple[tuple[frozenset[str], Callable[[Arguments], str]], ...] = (
        (words.first, lambda a: a.at(0)),
        (words.second, lambda a: a.at(1)),
        (words.last, lambda a: a.positional[-1] if a.positional else ""),
        (words.joined, lambda a: "".join(a.positional)),
        (words.quotes, _quote),
        (words.lists, _list),
    )
    for names, handler in groups:
        if name in names:
            return handler
    if name in words.money:
        return _money
    return _language if re.fullmatch(r"lang-[a-z-]+", name) else None


def _quote(a: Arguments) -> str:
    return f"\n\n{a.at(0) or a.first_of('text', 'quote', 'content')}\n\n"


def _list(a: Arguments) -> str:
    values = [*a.positional, *([] if a.positional else [a.first_of("list", "items")])]
    return ", ".join(line for line in map(flatten, values) if line)


def _money(a: Arguments) -> str:
    return f"{lexicon().money[a.name]}{group_thousands(a.at(0))}"


def _language(a: Arguments) -> str:
    if a.name == "langx":
        code, text = a.at(0), a.at(1)
    else:
        code, text = a.name.removeprefix("lang-"), a.at(0)
    language = lexicon().languages.get(code)
    hidden = a.first_of("label", "links", "link") in ("none", "-")
    return f"{language}: {text}" if language and text and not hidden else text


def _chinese(a: Arguments) -> str:
    characters = a.at(0) or a.first_of("c", "s", "t")
    pinyin = a.first_of("p")
    parts = [f"Chinese: {characters}" if characters else "", f"pinyin: {pinyin}" if pinyin else ""]
    return "; ".join(part for part in parts if part)


def _nihongo(a: Arguments) -> str:
    english, rest = a.at(0), [part for part in (a.at(1), a.at(2)) if part]
    if not english:
        english, rest = a.at(2), [part for part in (a.at(1),) if part]
    return f"{english} ({', '.join(rest)})" if english and rest else english or ", ".join(rest)


def _interlanguage(a: Arguments) -> str:
    """{{ill|Title|de|Titel}}, and the old order {{ill|de|Titel|Title}}."""
    if a.first_of("lt"):
        return a.first_of("lt")
    if re.fullmatch(r"[a-z]{2,3}", a.at(0)):
        return a.at(2) or a.at(1)
    return a.at(0)


def _sound(a: Arguments) -> str:
    """{{IPA|/a/}}, and with a language first: {{IPA|fr|/a/}}."""
    return (
        f"{SOUND}{a.at(1) if re.fullmatch(r'[a-z]{2,3}', a.at(0)) and a.at(1) else a.at(0)}{SOUND}"
    )


def _harvard(a: Arguments) -> str:
    """{{harvtxt|Smith|Jones|2010}}: the authors are the subject of a sentence."""
    *names, year = [part for part in a.positional if part] or [""]
    return f"{' & '.join(names)} ({year})" if names else year


def _sort_name(a: Arguments) -> str:
    return f"{a.at(0)} {a.at(1)}".strip()


def _keys(a: Arguments) -> str:
    return "+".join(part for part in a.positional if part)


def _chemistry(a: Arguments) -> str:
    return "".join(subscript(part) for part in a.positional)


def _chemistry2(a: Arguments) -> str:
    formula = re.sub(r"(?<=[A-Za-z)\]])\d+", lambda m: subscript(m.group()), a.at(0))
    return re.sub(r"\^(\d*[+-])", lambda m: superscript(m.group(1)), formula)


def _ship(a: Arguments) -> str:
    if a.name == "ship":
        return f"{a.at(0)} {a.at(1)}".strip()
    return f"{a.name.upper()} {a.at(0)}".strip()


def _ship_class(a: Arguments) -> str:
    return f"{a.at(0)}-class {a.at(1)}".strip()


def _nuclide(a: Arguments) -> str:
    return "-".join(part for part in a.positional[:2] if part)


def _million_years(a: Arguments) -> str:
    ages = [part for part in a.positional[:2] if re.fullmatch(r"[\d.,]+", part)]
    text = f"{'–'.join(ages)} million years ago" if ages else flatten(", ".join(a.positional))
    return f"{text} " if a.name.startswith("fossil") else text  # a bar stands behind it


def _marriage(a: Arguments) -> str:
    years = "–".join(part for part in a.positional[1:3] if part)
    return f"{a.at(0)} (married {years})" if years else a.at(0)


def _species_list(a: Arguments) -> str:
    pairs = [f"{a.at(i)} {a.at(i + 1)}".strip() for i in range(0, len(a.positional), 2)]
    return ", ".join(pair for pair in pairs if pair)


def _music(a: Arguments) -> str:
    return {"flat": "♭", "sharp": "♯", "natural": "♮", "b": "♭", "#": "♯"}.get(a.at(0), a.at(0))


def _literally(a: Arguments) -> str:
    return f"lit. '{a.at(0)}'" if a.at(0) else ""


def _currency(a: Arguments) -> str:
    return f"{a.at(0)} {a.at(1)}".strip()


_HANDLERS: dict[str, Callable[[Arguments], str]] = {
    **dict.fromkeys(
        ("convert", "cvt", "convinfobox", "conv"), lambda a: render_convert(a.positional, a.named)
    ),
    **dict.fromkeys(("frac", "sfrac", "fraction"), lambda a: GAP + render_fraction(a.positional)),
    "val": lambda a: render_value(a.positional, a.named),
    "height": lambda a: render_height(a.named),
    "e": lambda a: f"×10{superscript(a.at(0))}",
    "sup": lambda a: superscript(a.at(0)),
    "sub": lambda a: subscript(a.at(0)),
    "radic": lambda a: f"√{a.at(0)}",
    "angbr": lambda a: f"⟨{a.at(0)}⟩",
    **dict.fromkeys(("as of", "asof"), lambda a: render_as_of(a.positional, a.named)),
    **dict.fromkeys(("circa", "c.", "ca."), lambda a: render_circa("c.", a.positional)),
    **dict.fromkeys(("floruit", "fl."), lambda a: render_circa("fl.", a.positional[:1])),
    **dict.fromkeys(("reign", "r."), lambda a: f"r. {'–'.join(a.positional[:2])}"),
    **dict.fromkeys(
        (
            "birth date",
            "birth date and age",
            "death date",
            "death date and age",
            "bda",
            "dda",
            "start date",
            "end date",
            "start date and age",
            "start and end dates",
            "film date",
            "birth year and age",
            "release date",
            "dts",
            "birth-date",
            "death-date",
            "date",
            "birth-date and age",
            "death year and age",
            "start-date",
            "end date and age",
            "release date and age",
            "launch date",
        ),
        lambda a: render_date(a.positional, a.named),
    ),
    "langx": _language,
    "zh": _chinese,
    **dict.fromkeys(("nihongo", "nihongo2", "nihongo3", "korean", "zh-nihongo"), _nihongo),
    **dict.fromkeys(("ill", "interlanguage link", "link-interwiki"), _interlanguage),
    **dict.fromkeys(("ipa", "ipalink", "ipa link"), _sound),
    "ipaslink": lambda a: f"{SOUND}/{a.at(0)}/{SOUND}",
    "ipablink": lambda a: f"{SOUND}[{a.at(0)}]{SOUND}",
    "harvtxt": _harvard,
    "sortname": _sort_name,
    **dict.fromkeys(("keypress", "key press", "key", "keys"), _keys),
    "chem": _chemistry,
    "chem2": _chemistry2,
    **dict.fromkeys(("uss", "hms", "ss", "ms", "mv", "rms", "hmas", "hmcs", "ship"), _ship),
    **dict.fromkeys(("sclass", "sclass2", "sclass-", "sclass2-"), _ship_class),
    **dict.fromkeys(("nuclide2", "simplenuclide2", "simplenuclide", "nuclide"), _nuclide),
    **dict.fromkeys(
        ("fossil range", "fossilrange", "mya", "ma", "geological range"), _million_years
    ),
    "marriage": _marriage,
    **dict.fromkeys(("species list", "specieslist", "taxon list"), _species_list),
    "music": _music,
    "us patent": lambda a: f"U.S. Patent {group_thousands(a.at(0))}",
    "oldstyledate": lambda a: f"{a.at(0)}, {a.at(1)}".strip(", "),
    **dict.fromkeys(("lit", "lit.", "literal translation", "literally"), _literally),
    **dict.fromkeys(("currency", "unité", "unit"), _currency),
}
