"""The marks that rendered wikitext carries until it is laid out, and raised and lowered digits."""

import re

# Control characters: `markup.prepare` removes them from the input, so they cannot be forged.
HEADING, ITEM, BREAK, HOLE, SEAM = "\x01", "\x02", "\x03", "\x04", "\x05"
GAP = "\x06"  # a space if a digit stands before it
SOUND = "\x07"  # on both sides of a spoken form

_RAISED = str.maketrans("0123456789+-−n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻ⁿ")
_LOWERED = str.maketrans("0123456789+-−", "₀₁₂₃₄₅₆₇₈₉₊₋₋")


def superscript(text: str) -> str:
    """Return text as Unicode superscript when every character has one, else unchanged."""
    return text.translate(_RAISED) if re.fullmatch(r"[0-9+\-−n]+", text) else text


def subscript(text: str) -> str:
    """Return text as Unicode subscript when every character has one, else unchanged."""
    return text.translate(_LOWERED) if re.fullmatch(r"[0-9+\-−]+", text) else text


def flatten(text: str) -> str:
    """Return rendered text on one line: items and breaks joined with commas, no headings."""
    text = re.sub(rf"{HEADING}\d", "", text)
    parts = [
        re.sub(r"\s+", " ", part).strip(" ,;") for part in re.split(rf"[{ITEM}{BREAK}\n]", text)
    ]
    joined = ", ".join(part for part in parts if part)
    # A break before a bracket only wraps the line: "Tiger<br>(adult)".
    return re.sub(r", \(", " (", joined)
