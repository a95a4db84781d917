"""Numbers and names as a report says them; the files beside it hold names whole."""

_NAME = 40  # characters of a name that are shown


def share(part: int, whole: int) -> str:
    """Return a share in percent, as in 12.3%; nothing of nothing is 0%."""
    percent = 100 * part / whole if whole else 0.0
    return f"{percent:.1f}%" if part else "0%"


def mean(total: int, count: int) -> str:
    """Return a mean with one digit, or a dash where there is nothing to take it of."""
    return f"{total / count:,.1f}" if count else "–"


def megabytes(size: int) -> str:
    """Return bytes in MB, or in GB from 10,000 MB on."""
    return f"{size / 1e6:,.1f} MB" if size < 10**10 else f"{size / 1e9:,.1f} GB"


def short(name: str) -> str:
    """Return a name of any length as a table shows it."""
    return name if len(name) <= _NAME else f"{name[:_NAME]}…"
