"""Pages that the strict server serves: made up by rule, or the real ones of an export."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from imagewikiqa.builders.raw import RawPage
from imagewikiqa.core.digests import keyed_int

_NAMESPACES = {"Talk": 1, "User": 2, "Template": 10, "Category": 14}
_LANGUAGES = ("de", "fr", "es")
_REDIRECT = re.compile(r"#REDIRECT \[\[([^\]|\n]+)\]\]", re.I)
_LINK = re.compile(r"\[\[([^\]|#\n]+)[^\]\n]*\]\]")
_TEMPLATE = re.compile(r"\{\{([^{}|#:]+)[^{}]*\}\}")
_MARKUP = re.compile(
    r"<ref.*?</ref>|\{\{[^{}]*\}\}|\[\[(?:[^\]|]*\|)?|\]\]|'{2,}|^\* ", re.S | re.M
)


def namespace_of(title: str) -> int:
    """Return the number of the namespace that a title begins with."""
    return _NAMESPACES.get(title.partition(":")[0], 0)


def plain(wikitext: str) -> str:
    """Return about the words of a wikitext."""
    return _MARKUP.sub("", wikitext).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePage:
    """A page with one revision."""

    page_id: int
    title: str
    revision_id: int
    wikitext: str
    timestamp: str = "2024-02-03T04:05:06Z"

    @property
    def namespace(self) -> int:
        """Return the number of the namespace that the title begins with."""
        return namespace_of(self.title)

    @property
    def redirect(self) -> tuple[str, str] | None:
        """Return title and section that a redirect points to."""
        found = _REDIRECT.match(self.wikitext)
        title, _, section = found[1].partition("#") if found else ("", "", "")
        return (title, section) if title else None

    @property
    def is_article(self) -> bool:
        """Say whether a scraper of articles wants its text."""
        return self.namespace == 0 and self.redirect is None and not self.disambiguation

    @property
    def disambiguation(self) -> bool:
        """Say whether the page carries the template of disambiguation pages."""
        return "{{disambiguation}}" in self.wikitext

    def links(self) -> list[str]:
        """Return the pages that this one links to, in the order of MediaWiki."""
        names = {name.strip() for name in _LINK.findall(self.wikitext)}
        special = (*_LANGUAGES, "Category", "File", "Image")
        return sorted(name for name in names if name.partition(":")[0] not in special)

    def categories(self) -> list[str]:
        """Return the categories of the page, sorted."""
        names = {n for n in _LINK.findall(self.wikitext) if n.startswith("Category:")}
        return sorted(names | ({"Category:Disambiguation pages"} if self.disambiguation else set()))

    def templates(self) -> list[str]:
        """Return the templates that the page uses, sorted."""
        names = {name.strip() for name in _TEMPLATE.findall(self.wikitext)}
        return sorted(f"Template:{name[:1].upper()}{name[1:]}" for name in names)

    def languages(self) -> list[tuple[str, str]]:
        """Return the pages of other languages as language and title."""
        parts = [name.partition(":") for name in _LINK.findall(self.wikitext)]
        return sorted((part[0], part[2]) for part in parts if part[0] in _LANGUAGES)

    def lead(self) -> str:
        """Return about the text before the first heading."""
        return plain(self.wikitext.partition("\n==")[0])


_WORDS = (
    "wing moss café river stone bright 日本 narrow seed cloud Ελλάς oak & <b>ink</b> \t ''fern''"
)


def made_up(count: int, *, seed: int = 0) -> list[SitePage]:
    """Return pages of 200 to 6,000 words; of every ten, two redirect and one lists meanings."""
    return [_made_up(number, seed) for number in range(count)]


def _made_up(number: int, seed: int) -> SitePage:
    title, kind = f"Subject {number:04d}", number % 10
    if kind in (3, 4):
        section = "#Range" if kind == 4 else ""
        text = f"#REDIRECT [[Subject {number - kind:04d}{section}]]"
    elif kind == 5:
        text = (
            f"'''{title}''' may refer to:\n* [[Subject {number + 1:04d}]]\n\n{{{{disambiguation}}}}"
        )
    else:
        words = _WORDS.split(" ")
        drawn = [words[keyed_int("word", seed, number, at) % len(words)] for at in range(200)]
        times = 1 + keyed_int("length", seed, number) % 30
        text = (
            f"'''{title}''' is a thing.\n\n== Range ==\n{(' '.join(drawn) + chr(10) * 2) * times}"
            f"[[Category:Things {number % 4}]]\n[[de:Gegenstand {number}]]\n"
        )
    return SitePage(
        page_id=1000 + number, title=title, revision_id=500_000 + 7 * number, wikitext=text
    )


def from_export(pages: Iterable[RawPage]) -> list[SitePage]:
    """Return the pages of an export as the server serves them."""
    return [
        SitePage(
            page_id=page.page_id or 0,
            title=page.title,
            revision_id=page.revision_id or 0,
            wikitext=page.wikitext,
            timestamp=page.timestamp or "",
        )
        for page in pages
    ]
