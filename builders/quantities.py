"""Numbers with units as a reader sees them: convert, val, fractions and heights."""

import re

from imagewikiqa.builders.lexicon import lexicon
from imagewikiqa.builders.marks import superscript

# The words between the numbers of a range in {{convert}}, and how they are shown.
_JOINERS = {
    "-": "–", "–": "–", "—": "–", "to": " to ", "to(-)": " to ", "and": " and ", "and(-)": " and ",
    "or": " or ", "x": " × ", "×": " × ", "xx": " × ", "*": " × ", "by": " by ", "by(x)": " by ",
    "+/-": " ± ", "±": " ± ", "&": " & ", ",": ", ", "/": "/", "to about": " to about ",
    "and about": " and about ", "x(x)": " × ", "&to": " to ", "and(/)": " and ", "till": " to ",
}  # fmt: skip
_NUMBER = re.compile(
    r"[-−+]?[\d.,]*\d[\d.,]*(?:e[-+]?\d+)?(?:\s*[+/⁄ ]{1,2}\s*\d+(?:[/⁄]+\d+)?)*|[½¼¾⅓⅔]", re.I
)
_SCALES = {"e3": "thousand", "e6": "million", "e9": "billion", "e12": "trillion"}


def group_thousands(text: str, least: int = 5) -> str:
    """Return a text with commas in its whole numbers of at least `least` digits."""
    whole = rf"(?<![\d.,])\d{{{least},}}(?![\d,])"
    return re.sub(whole, lambda m: f"{int(m.group()):,}", text)


def render_convert(positional: tuple[str, ...], named: dict[str, str]) -> str:
    """Return the input side of {{convert}}: "90–310 kg", "5 ft 6 in", "90-kilogram" for adj=on."""
    values = [value.strip() for value in positional]
    if not values or not _is_number(values[0]):
        return " ".join(values[:2])
    shown, index = _shown_number(values[0]), 1
    while index + 1 < len(values) and values[index] in _JOINERS and _is_number(values[index + 1]):
        shown += _JOINERS[values[index]] + _shown_number(values[index + 1])
        index += 2
    return _with_units(shown, values[index:], named)


def _with_units(shown: str, rest: list[str], named: dict[str, str]) -> str:
    if not rest or not rest[0]:
        return shown
    if named.get("adj") in ("on", "mid"):
        middle = rest[-1] if named["adj"] == "mid" and rest[-1].startswith("-") else ""
        return f"{shown.replace(' ', '-')}-{_unit(rest[0], adjective=True)}{middle}"
    text = f"{shown} {_unit(rest[0])}"
    index = 1
    # Compound and mixed input: 5|ft|6|in, and 3|ft|by|2|ft as range with a unit at each end.
    while index + 1 < len(rest) and rest[index] and _starts_quantity(rest, index):
        if rest[index] in _JOINERS:
            text += _JOINERS[rest[index]] + _shown_number(rest[index + 1])
            index += 2
            text += f" {_unit(rest[index])}" if index < len(rest) else ""
        else:
            text += f" {_shown_number(rest[index])} {_unit(rest[index + 1])}"
            index += 1
        index += 1
    return text.replace(" °", " °").strip()


def _starts_quantity(rest: list[str], index: int) -> bool:
    if rest[index] in _JOINERS:
        return _is_number(rest[index + 1])
    # {{convert|5|m|0}}: a lone number after the unit is a rounding, not a quantity.
    return _is_number(rest[index]) and rest[index + 1] in lexicon().units


def _unit(code: str, adjective: bool = False) -> str:
    scale = re.match(r"e(?:3|6|9|12)(?=\D)", code)
    if scale:
        joint = "-" if adjective else " "
        return f"{_SCALES[scale.group()]}{joint}{_unit(code[scale.end() :], adjective)}"
    symbol, word = lexicon().units.get(code, [code, code])
    return word if adjective else symbol


def _is_number(text: str) -> bool:
    return bool(_NUMBER.fullmatch(text.replace("&", "")))


def _shown_number(text: str) -> str:
    whole = re.fullmatch(r"([-−+]?\d+)[+ ](\d+)[/⁄]+(\d+)", text)
    if whole:
        return f"{whole[1]} {whole[2]}/{whole[3]}"
    power = re.fullmatch(r"([\d.]+)e([-+]?\d+)", text, re.I)
    if power:
        return f"{power[1]}×10{superscript(power[2].lstrip('+'))}"
    return group_thousands(text.replace("//", "/"), 4)  # as {{convert}} does


def render_fraction(positional: tuple[str, ...]) -> str:
    """Return {{frac}} as "1/2" or "3 1/2"."""
    parts = [part for part in positional if part]
    match parts:
        case []:
            return ""
        case [denominator]:
            return f"1/{denominator}"
        case [numerator, denominator]:
            return f"{numerator}/{denominator}"
        case [whole, numerator, denominator, *_]:
            return f"{whole} {numerator}/{denominator}"
        case _:
            return ""


def render_value(positional: tuple[str, ...], named: dict[str, str]) -> str:
    """Return {{val}}: value, uncertainty, power of ten and unit, as in "1.5±0.1 ×10⁶ kg"."""
    if not positional:
        return ""
    text = named.get("p", "") + group_thousands(positional[0])
    if len(positional) > 1 and positional[1]:
        second = positional[1]
        text += second if second.startswith("(") else f"±{second}"
    if named.get("e"):
        text += f"×10{superscript(named['e'])}"
    unit = named.get("u") or named.get("ul") or ""
    return f"{text}{named.get('s', '')} {unit}".strip()


def render_height(named: dict[str, str]) -> str:
    """Return {{height}}: "1.77 m", or "5 ft 10 in"."""
    parts = [f"{named[k]} {u}" for k, u in (("ft", "ft"), ("in", "in")) if named.get(k)]
    metric = [
        f"{named[k]} {u}"
        for k, u in (("m", "m"), ("meter", "m"), ("meters", "m"), ("cm", "cm"))
        if named.get(k)
    ]
    return " ".join(parts or metric)
