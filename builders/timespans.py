"""Dates and spans of time as a reader sees them: date templates, as of, circa."""

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def _month(text: str) -> str:
    if text.isdecimal() and 1 <= int(text) <= 12:
        return _MONTHS[int(text) - 1]
    return text if text[:1].isalpha() else ""


def _spell(year: str, month: str, day: str, day_first: bool) -> str:
    name = _month(month)
    number = day.lstrip("0") if day.isdecimal() else ""
    if not name:
        return year
    if not number:
        return f"{name} {year}".strip()
    return (
        f"{number} {name} {year}".strip() if day_first else f"{name} {number}, {year}".strip(", ")
    )


def render_date(positional: tuple[str, ...], named: dict[str, str]) -> str:
    """Return the first date of a date template; ages are left out, since they change."""
    parts = [*positional, "", "", ""]
    if parts[0] and not parts[0].isdecimal():
        return parts[0]
    return _spell(parts[0], parts[1], parts[2], named.get("df", "") in ("y", "yes"))


def render_as_of(positional: tuple[str, ...], named: dict[str, str]) -> str:
    """Return {{as of|2008|5}} as "As of May 2008"; `lc` and `since` choose the first words."""
    if named.get("alt"):
        return named["alt"]
    parts = [*positional, "", "", ""]
    opening = "Since" if named.get("since") else "As of"
    opening = opening.lower() if named.get("lc") else opening
    return f"{opening} {_spell(parts[0], parts[1], parts[2], named.get('df', '') != 'US')}"


def render_circa(mark: str, positional: tuple[str, ...]) -> str:
    """Return {{circa|1500|1520}} as "c. 1500 – c. 1520", and the mark alone without a year."""
    years = [part for part in positional if part]
    return " – ".join(f"{mark} {year}" for year in years) or mark
