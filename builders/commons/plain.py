"""The text of a piece of HTML that strangers wrote; nothing of it is run, fetched or kept."""

import unicodedata
from html.parser import HTMLParser

LONGEST = 20_000  # characters of HTML; parsers of longer nonsense may take forever
_SILENT = frozenset({"script", "style", "template", "noscript", "iframe", "object", "svg"})
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
)
_LINES = frozenset({"br", "div", "dd", "dl", "dt", "li", "ol", "p", "table", "td", "tr", "ul"})


def plain_text(html: str) -> str:
    """Return what a reader sees of some HTML on one line, its lines parted by semicolons.

    Hidden parts, scripts, and characters without a shape (controls, direction marks) are left out.
    Raises ValueError for more than LONGEST characters.
    """
    if len(html) > LONGEST:
        raise ValueError(f"{len(html):,} characters of HTML")
    reader = _Reader()
    reader.feed(html)
    reader.close()
    lines = (" ".join(visible(line).split()) for line in "".join(reader.parts).split("\n"))
    return "; ".join(line for line in lines if line)


def visible(text: str) -> str:
    """Return a text with every character that has no shape of its own made a space or dropped."""
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    kind = unicodedata.category(character)
    if kind in ("Cf", "Cs", "Co", "Cn"):
        return ""
    return " " if kind in ("Cc", "Zl", "Zp", "Zs") else character


class _Reader(HTMLParser):
    """Collects text outside of hidden elements."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self._hidden = 0  # depth inside a hidden element

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        style = "".join((dict(attrs).get("style") or "").lower().split())
        if self._hidden or tag in _SILENT or "display:none" in style:
            self._hidden += tag not in _VOID
        elif tag in _LINES:
            self.parts.append("\n")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _LINES and not self._hidden:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            self._hidden -= tag not in _VOID
        elif tag in _LINES:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.parts.append(" ".join(data.split("\n")))
