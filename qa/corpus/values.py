"""What an answer can be: measured quantities, years, persons, places, phrases, list items."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from imagewikiqa.qa.corpus.forms import Kind
from imagewikiqa.qa.leaks import fold

_NUMBERS = {
    word: str(value)
    for value, word in enumerate(
        "one two three four five six seven eight nine ten eleven twelve".split(), start=1
    )
} | {"a single": "1", "twenty": "20", "forty": "40", "half a": "0.5"}
_NUMBER = rf"(?:(?:\d{{1,3}}(?:,\d{{3}})+|\d+)(?:\.\d+)?|{'|'.join(_NUMBERS)})"
# Unit as written -> (unit as shown, factor to the dimension's base unit)
_UNITS: dict[str, dict[str, tuple[str, float]]] = {
    "mass": {
        r"(?:kilograms?|kg)": ("kg", 1.0),
        r"(?:metric tons?|tonnes?|t)": ("tonnes", 1000.0),
        r"(?:grams?|g)": ("g", 0.001),
    },
    "length": {
        r"(?:kilometres?|kilometers?|km)": ("km", 1000.0),
        r"(?:centimetres?|centimeters?|cm)": ("cm", 0.01),
        r"(?:millimetres?|millimeters?|mm)": ("mm", 0.001),
        r"(?:metres?|meters?|m)": ("m", 1.0),
    },
    "speed": {r"(?:km/h|kilometres (?:per|an) hour|kilometers (?:per|an) hour|kph)": ("km/h", 1.0)},
    "time": {
        r"days?": ("days", 1.0),
        r"weeks?": ("weeks", 7.0),
        r"months?": ("months", 30.4),
        r"years?": ("years", 365.25),
    },
    "count": {r"": ("", 1.0)},
}
# A count is no measure: not '30 cm long', '2 years later', '5 per cent', 'two rows of'.
_NO_UNIT = (
    r"(?![\w/%.,]*\d)(?![\w/%])(?!\s*(?:%|cm|mm|km|kg|[mg]\b|(?:kilo|centi|milli)?met(?:er|re)s?"
    r"|(?:kilo)?grams?|tonnes?|tons?|years?|months?|weeks?|days?|hours?|minutes?|times?|per\b"
    r"|rows?|sets?|hundred|thousand|million|billion|pairs?|feet|foot|inch(?:es)?|pounds?|lb))"
)
_HEDGE = (
    r"(?:(?:about|around|approximately|roughly|nearly|almost|up to|over|between|from|at least"
    r"|more than|typically|usually|only|just|c\.|the|for|of|speeds? of)\s+){0,3}"
)
_CLAUSE = re.compile(
    r",? (?:which|where|who|because|although|while|when|so that|whereas|unless|since|as well as"
    r"|such as|especially|particularly|including|for example|in order|depending|before|after"
    r"|by way|with the|but)\b.*$"
    r"|,? and (?:it|they|is|are|its|their|was|were|has|have|also|then|most|can|settlers)\b.*$"
    r"|, (?:it|they|or simply|but|so|whose|mainly|mostly|usually|often|as|in)\b.*$"
)
_ASIDE = re.compile(r"\s*\([^)]*\)")
_ONCE = re.compile(r"^\s*(?:and )?(?:later|formerly|now|originally|sometimes|previously|once)\b")
_LEADING = re.compile(
    r"^(?:mainly|mostly|chiefly|usually|often|primarily|largely|almost entirely)\s+"
)
STATUS = {
    "LC": "Least Concern", "NT": "Near Threatened", "VU": "Vulnerable", "EN": "Endangered",
    "CR": "Critically Endangered", "EW": "Extinct in the Wild", "EX": "Extinct",
    "DD": "Data Deficient",
}  # fmt: skip
_LANGUAGES = (
    "Old High German,Ancient Greek,Old English,Middle English,Old French,Old Norse,Middle Dutch,"
    "Latin,Greek,French,German,Spanish,Portuguese,Italian,English,Dutch,Arabic,Persian,Turkish,"
    "Russian,Sanskrit,Hindi,Tamil,Malay,Mongolian,Japanese,Chinese,Hebrew,Nahuatl,Quechua,Guarani,"
    "Tupi,Taíno,Welsh,Gaelic,Irish,Scots,Norse,Icelandic,Swedish,Norwegian,Danish,Finnish,Polish,"
    "Czech,Hungarian,Yiddish,Swahili,Wolof,Bantu,Dharug,Inuktitut,Venetian,Romanian,Afrikaans,"
    "Javanese,Tibetan,Aramaic,Algonquian,Basque,Catalan,Nepali,Zulu,Māori,Hawaiian,Kimbundu,Tswana,"
    "Tatar,Kazakh,Ukrainian,Pali,Inuit,Greenlandic,Tagalog,Hawaiian,Semitic"
)
_LANGUAGE = re.compile(rf"\b({_LANGUAGES.replace(',', '|')})\b")


_PEOPLES = frozenset(
    "Africans Arabs Aztecs Celts Egyptians Europeans Greeks Indians Jews Mayans Romans".split()
)


@dataclass(frozen=True, slots=True)
class Value:
    """One answer: as shown, as compared, and its bounds in base units when it is measured."""

    text: str
    key: str
    low: float | None = None
    high: float | None = None


def measure(kind: Kind, after: str) -> Value | None:
    """Return the quantity that `after` begins with, hedges and 'between' apart; else None."""
    for unit, (shown, factor) in _UNITS[kind].items():
        joined = rf"(?P<low>{_NUMBER})(?:\s*(?:to|and|or|–|-)\s*(?P<high>{_NUMBER}))?"
        end = _NO_UNIT if kind == "count" else r"(?![\w/%])"
        match = re.match(rf"[\s,]*{_HEDGE}{joined}\s*{unit}{end}", after, re.IGNORECASE)
        if match:
            return _quantity(match["low"], match["high"], shown, factor)
    return None


def _quantity(low: str, high: str | None, unit: str, factor: float) -> Value | None:
    first, last = _digits(low), _digits(high or low)
    least, most = float(first.replace(",", "")), float(last.replace(",", ""))
    if least > most or most == 0:
        return None
    words = unit[:-1] if unit in {"days", "weeks", "months", "years"} and last == "1" else unit
    span = first if high is None else f"{first} to {last}"
    text = f"{span} {words}".strip()
    return Value(text, text, least * factor, most * factor)


def _digits(number: str) -> str:
    return _NUMBERS.get(number.lower(), number)


def year(text: str) -> Value | None:
    """Return the one year that a field or match holds; centuries and BC dates are left out."""
    years = re.findall(r"(?<![\d–,.])(1[0-9]{3}|20[0-2][0-9])(?![\d,])", text)
    if len(set(years)) != 1 or re.search(
        r"\d\s?[–-]\s?\d|\bBC|\d{4}s|\b(?:[Bb]y|[Ee]arly|[Ll]ate|[Bb]efore|[Cc]irca)\b|\bc\.", text
    ):
        return None
    number = float(years[0])
    return Value(years[0], years[0], number, number)


def phrase(text: str, most_words: int = 9) -> Value | None:
    """Return a trimmed noun phrase: no trailing clause, no aside, at most `most_words` words."""
    text = _LEADING.sub("", _CLAUSE.sub("", _ASIDE.sub("", text)).strip(" ,;:.\"'“”"))
    text = re.sub(r"\s+", " ", text)
    text += "." if re.search(r"\b[A-Z]\.[A-Z]$", text) else ""  # U.S.
    balanced = text.count('"') % 2 == 0 and "(" not in text and ")" not in text
    if not 3 <= len(text) <= 70 or len(text.split()) > most_words or not balanced:
        return None
    if re.search(r"[:;/=|<>{}\[\]]|\b(?:this|that|these|it|they|its|their|his|her)\b", text):
        return None
    if re.search(r"\b(?:and|or|of|the|a|an|in|to|for|by|with|from|as)$", text):
        return None
    return _worded(text)


def quoted(text: str) -> Value | None:
    """Return words that the page puts in quotation marks, whole; long ones give None."""
    text = text.strip(" ,;.")
    if not 3 <= len(text) <= 70 or re.search(r"[:;/=|<>{}\[\]\"]", text):
        return None
    return _worded(text)


def _worded(text: str) -> Value | None:
    """Return a phrase with a capital; None for marks without a letter or digit."""
    text = text[0].upper() + text[1:]
    key = _key(text)
    return Value(text, key) if key else None


def _key(text: str) -> str:
    """Return a phrase as it is compared: folded, without its article."""
    return re.sub(r"^(?:the|a|an) ", "", fold(text))


def first(text: str) -> Value | None:
    """Return what stands before the first comma: 'Malbork Castle, Poland' -> 'Malbork Castle'."""
    return phrase(re.split(r"[,;]", _ASIDE.sub("", text))[0], most_words=6)


def items(text: str) -> Iterator[Value]:
    """Yield the entries of a list field."""
    for listed in re.split(r"[,;\n](?![^()]*\))", text):
        if _ONCE.search(listed) or re.search(r"\([^)]*[A-Z\d]", listed):
            continue  # "formerly glass and metal", "red granite (in Egypt)": not said of all
        listed = _ASIDE.sub("", listed)
        for part in listed.split(" and "):
            part = re.sub(r"^(?:(?:usually|often|and|a|an|the)\s+)+", "", part.strip())
            value = None if re.search(r"\bor\b", part) else phrase(part, most_words=4)
            if value and not re.search(r"\d{3}|\betc\b|\bothers?\b|\bvarious\b|\bmany\b", part):
                yield value


def person(text: str) -> Value | None:
    """Return the one person a field or match names; several, a people or a firm give None."""
    text = _ASIDE.sub("", text).strip(" ,.")
    if re.search(r"[,;&\d|<>={}\[\]]| and ", text):
        return None
    tokens = text.split()
    small = {"von", "van", "de", "du", "da", "der", "la", "le", "of"}
    if tokens and tokens[-1] in _PEOPLES:
        return None
    if not 2 <= len(tokens) <= 5 or not all(t[0].isupper() or t in small for t in tokens):
        return None
    return Value(text, fold(text))


def place(text: str) -> Value | None:
    """Return a place or a short list of places, capitalised, clauses cut."""
    value = phrase(re.sub(r"\s+(?:in|during|around|about|by) (?:the )?\d.*$", "", text), 10)
    if value is None or not re.search(r"\b[A-ZÀ-Þ]", text) or re.search(r"\d", value.text):
        return None
    small = re.sub(r"\b(?:and|of|the|to|a|parts?|region|from)\b", "", value.text)
    lower = [word for word in small.split() if word[0].islower()]
    return value if len(lower) <= 3 else None


def taxon(text: str) -> Value | None:
    """Return a scientific name: a capitalised word, perhaps with epithets; common names cut."""
    match = re.match(
        r"[A-Z][a-z]+(?: (?:× )?[a-z\-]{3,}\b(?!\.)){0,2}(?: (?:subsp|ssp|var|f)\. [a-z\-]+)?",
        _ASIDE.sub("", text).strip(),
    )
    return Value(match[0], fold(match[0])) if match and len(match[0]) > 3 else None


def language(text: str) -> Value | None:
    """Return the first language named in a text; 'Spanish or Portuguese' is no answer."""
    match = _LANGUAGE.search(text)
    if match and re.match(r" or (?:perhaps )?[A-Z]", text[match.end() :]):
        return None
    return Value(match[1], fold(match[1])) if match else None


def number(text: str) -> Value | None:
    """Return a classification number, calling code or pitch range as written, plus sign apart."""
    text = _ASIDE.sub("", text).strip().removeprefix("+")
    if len(text) > 24 or not re.search(r"\d", text) or not re.fullmatch(r"[\w.♭♯+/ –-]+", text):
        return None
    return Value(text, fold(text))


def date(text: str) -> Value | None:
    """Return a day of the year as '29 July'."""
    months = "January February March April May June July August September October November December"
    day, _, month = text.partition(" ")
    return Value(text, fold(text)) if day.isdigit() and month in months.split() else None


def status(text: str) -> Value | None:
    """Return the name of an IUCN category from its code or name."""
    name = STATUS.get(text.strip().upper(), text.strip())
    return Value(name, fold(name)) if name in STATUS.values() else None
