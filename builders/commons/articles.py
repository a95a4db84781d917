"""What the articles of a class show, and the names under which Commons may hold more of it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imagewikiqa.builders.wiki.api import WikiApi
from imagewikiqa.builders.wiki.records import Pin
from imagewikiqa.builders.wiki.replies import Json, listed
from imagewikiqa.builders.wiki.scrape import TAKEN, Scraped, fetch_pages
from imagewikiqa.core.progress import Progress
from imagewikiqa.core.records import ClassEntry

_USED: dict[str, str | int] = {
    "prop": "images|pageimages|iwlinks",
    "imlimit": "max",
    "iwlimit": "max",
    "piprop": "name",
    "pilicense": "free",
    "pilimit": "max",
}
_COMMENT = re.compile(r"<!--.*?-->", re.S)
_TEMPLATE = re.compile(r"\{\{\s*([Cc]ommons|[Ss]ister)([^{}|]*)(?:\|([^{}]*))?\}\}")
_WIKIS = frozenset({"commons", "c"})  # prefixes of links to Commons
_PREFIX = re.compile(r"\s*:?\s*category\s*:\s*", re.I)
_NAMED = re.compile(r"\s*(?:commons|c)\s*", re.I)


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One article: the files it shows, and names of categories to try, the best first."""

    title: str
    lead: str | None
    images: tuple[str, ...]
    categories: tuple[str, ...]


def titles_of(entry: ClassEntry) -> tuple[str, ...]:
    """Return the titles of a class's articles, its name where none is known."""
    return entry.titles or (entry.name,)


def read_articles(
    classes: Sequence[ClassEntry],
    api: WikiApi,
    pins: dict[str, Pin],
    progress: Progress | None = None,
) -> tuple[Scraped, dict[str, Article]]:
    """Return the pinned pages of the classes, and what each title asked for leads to.

    Pages that list meanings and titles without a page give no article.
    """
    scraped = fetch_pages({t for entry in classes for t in titles_of(entry)}, api, pins, progress)
    taken = {pin.id: pin for pin in scraped.pins if _is_taken(pin, scraped)}
    used = api.pages({pin.title for pin in taken.values()}, _USED)
    articles: dict[str, Article] = {}
    for asked, pin in taken.items():
        page = used.get(pin.title, {})
        lead = page.get("pageimage")
        articles[asked] = Article(
            title=pin.title,
            lead=file_title(f"File:{lead}") if isinstance(lead, str) and lead else None,
            images=tuple(file_title(str(one.get("title"))) for one in listed(page.get("images"))),
            categories=_categories(pin, api, linked_categories(page)),
        )
    return scraped, articles


def file_title(title: str) -> str:
    """Return a file's title as Commons spells it, whatever the article's language calls files."""
    name = " ".join(title.partition(":")[2].replace("_", " ").split())
    return f"File:{name[:1].upper()}{name[1:]}"


def _is_taken(pin: Pin, scraped: Scraped) -> bool:
    return pin.outcome == TAKEN and pin.revision_id not in scraped.lost


def _categories(pin: Pin, api: WikiApi, linked: Iterable[str]) -> tuple[str, ...]:
    """Return the names that the pinned text gives, that the page links to, and the page's own."""
    text = api.store.revision(pin.host, pin.revision_id or 0).wikitext
    return tuple(dict.fromkeys([*named_categories(text), *linked, pin.title]))


def linked_categories(page: Json) -> tuple[str, ...]:
    """Return the categories of Commons that a page links to.

    A template without a name takes it from Wikidata, and only the finished page shows it.
    """
    links = [one for one in listed(page.get("iwlinks")) if one.get("prefix") in _WIKIS]
    titles = (str(one.get("title", one.get("*", ""))) for one in links)
    return tuple(_cleaned(title) for title in titles if _PREFIX.match(title))


def named_categories(wikitext: str) -> tuple[str, ...]:
    """Return the categories of Commons that the templates of an article name, in their order.

    Understood are Commons, Commonscat, Commons category (-inline, multi) and Sister project links.
    """
    found: list[str] = []
    for kind, rest, arguments in _TEMPLATE.findall(_COMMENT.sub("", wikitext)):
        several = "multi" in rest.lower()
        plain, named = _arguments(arguments.split("|") if arguments else [])
        if kind.lower() == "commons" and not rest.strip().lower().startswith("and"):
            found += plain if several else plain[:1]
        elif kind.lower() == "commons":  # "Commons and category|gallery|category"
            found += plain[1:2] or plain[:1]
        found += named
    cleaned = (_cleaned(name) for name in found)
    return tuple(dict.fromkeys(name for name in cleaned if name))


def _arguments(arguments: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the arguments without a name, and categories given as `commons=Category:NAME`."""
    plain: list[str] = []
    named: list[str] = []
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals or key.strip() == "1":
            plain.append(value if equals else argument)
        elif _NAMED.fullmatch(key) and _PREFIX.match(value):
            named.append(value)
    return plain, named


def _cleaned(name: str) -> str:
    name = _PREFIX.sub("", name, count=1) if _PREFIX.match(name) else name
    return " ".join(name.replace("'" * 3, "").replace("''", "").replace("_", " ").split())
