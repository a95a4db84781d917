"""Cells of a CSV file for people: a spreadsheet may run what a text begins with."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "'")


def inert(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula; `plain` undoes it."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def plain(text: str) -> str:
    """Return a text as it was before `inert`."""
    return text[1:] if text[:1] == "'" and text[1:].startswith(_FORMULA) else text
