"""Text in Markdown templates: shown as it is, whatever it holds."""

import re

from markupsafe import Markup

from imagewikiqa.core.intervals import Interval
from imagewikiqa.core.report.page import visible

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#~$!&@]|:(?=//))")


def plain(text: object) -> Markup:
    """Return a text on one line, with what Markdown would read escaped."""
    return Markup(_MARKDOWN.sub(r"\\\1", _line(text)))


def code(text: object) -> Markup:
    """Return a text for a code span or a fenced line: one line, no backtick, no pipe."""
    return Markup(_line(text).replace("`", "'").replace("|", "¦"))


def indented(text: str) -> Markup:
    """Return a text as an indented block of code, which nothing in it can close."""
    return Markup("\n".join(f"    {visible(line)}" for line in text.splitlines()))


def rate_text(rate: Interval) -> str:
    """Return a rate in words: '25.3% (20.1 to 31.0)'."""
    return f"{100 * rate.estimate:.1f}% ({100 * rate.low:.1f} to {100 * rate.high:.1f})"


def _line(text: object) -> str:
    return " ".join(str(visible(str(text))).split())
