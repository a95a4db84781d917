"""A page of Parsoid's HTML as two texts: the wikitext it was made of, and what readers see."""

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

from benchmarks._extracts import without_apparatus

_VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
# What TextExtracts takes out of a page.
_UNSEEN_TAGS = {"table", "div", "figure", "script", "input", "style", "head", "link", "meta"}
_UNSEEN_CLASSES = {"mw-ref", "reference", "references", "noprint", "noexcerpt", "sortkey", "error"}
_MARKS = {"b": ("'''", "'''"), "i": ("''", "''")}
_BLOCKS = {"p", "section", "ul", "ol", "dl", "blockquote", "li", "dt", "dd"}


@dataclass(slots=True)
class Element:
    """An element: its name, attributes, and content."""

    name: str
    attributes: dict[str, str]
    content: list["Element | str"] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """Return what Parsoid says it is."""
        return self.attributes.get("typeof", "")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open = [Element("page", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].content.append(element)
        if tag not in _VOID:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if tag in (element.name for element in self.open[1:]):
            while self.open.pop().name != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.open[-1].content.append(data)


def read_parsoid(path: Path) -> tuple[str, str]:
    """Return a page's wikitext, rebuilt from Parsoid's notes, and its text as an extract."""
    reader = _Reader()
    reader.feed(path.read_text("utf-8"))
    page = reader.open[0]
    return _wikitext(page, set()), without_apparatus(_shown(page))


def _shown(element: Element) -> str:
    classes = set(element.attributes.get("class", "").split())
    if element.name in _UNSEEN_TAGS or classes & _UNSEEN_CLASSES:
        return ""
    inner = "".join(c if isinstance(c, str) else _shown(c) for c in element.content)
    if element.name in ("h2", "h3", "h4"):
        marks = "=" * int(element.name[1])
        return f"\n\n{marks} {inner.strip()} {marks}\n\n"
    if element.name == "br":
        return "\n"
    return f"\n{inner}\n" if element.name in _BLOCKS else inner


def _wikitext(element: Element, done: set[str]) -> str:
    """Return the wikitext of an element; what one template made is written once."""
    about = element.attributes.get("about", "")
    if about in done or element.name in ("head", "link", "meta"):
        return ""
    if "mw:Transclusion" in element.kind:
        done.add(about)
        parts = json.loads(element.attributes.get("data-mw", "{}")).get("parts", [])
        return "".join(p if isinstance(p, str) else _template(p["template"]) for p in parts)
    if "mw:Extension/" in element.kind:
        name = element.kind.rpartition("/")[2]
        return f"<{name}>source of {about}</{name}>"
    inner = "".join(c if isinstance(c, str) else _wikitext(c, done) for c in element.content)
    return _written(element, inner)


def _template(call: dict[str, dict[str, object]]) -> str:
    values = "".join(f"|{key}={value['wt']}" for key, value in call["params"].items())  # type: ignore[index]
    return f"{{{{{call['target']['wt']}{values}}}}}"


def _written(element: Element, inner: str) -> str:
    name, relation = element.name, element.attributes.get("rel", "")
    if name in _MARKS:
        return f"{_MARKS[name][0]}{inner}{_MARKS[name][1]}"
    if name == "a" and relation == "mw:WikiLink":
        target = element.attributes["href"].removeprefix("./").replace("_", " ")
        return f"[[{target}|{inner}]]"
    if name == "a" and relation == "mw:ExtLink":
        return f"[{element.attributes['href']} {inner}]"
    if name == "figure" or element.kind.startswith("mw:File"):
        return f"[[File:Picture.jpg|thumb|{inner.strip()}]]"
    if name in ("h2", "h3", "h4"):
        marks = "=" * int(name[1])
        return f"\n\n{marks} {inner.strip()} {marks}\n"
    if name in ("li", "dd", "dt"):
        return f"\n* {inner.strip()}\n"
    if name in ("table", "small", "br", "code", "blockquote", "q", "abbr", "div"):
        return f"<{name}>{inner}</{name}>" if name != "br" else "<br>"
    if name in ("tr", "td", "th", "tbody"):
        return f"<{name}>{inner}</{name}>"
    return f"\n\n{inner.strip()}\n\n" if name == "p" else inner
