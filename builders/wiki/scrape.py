"""Titles to pages: look each up, pin its revision, fetch the wikitext once, or say why not."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from imagewikiqa.builders.dump import permanent_link
from imagewikiqa.builders.raw import RawPage, normal_title, redirect_target, reject
from imagewikiqa.builders.wiki.api import WikiApi, open_store
from imagewikiqa.builders.wiki.records import Fate, Pin
from imagewikiqa.builders.wiki.settings import Site
from imagewikiqa.builders.wiki.store import ResponseStore, Revision
from imagewikiqa.builders.wiki.titles import whole
from imagewikiqa.core.digests import text_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.progress import Progress
from imagewikiqa.core.records import Reject
from imagewikiqa.core.tables import read_table, write_table

TAKEN = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scraped:
    """What was taken for each title, in the order of titles; texts are read from the store."""

    site: Site
    store: Path
    pins: tuple[Pin, ...]
    lost: Mapping[int, str]  # pinned revisions that the wiki no longer gives, and why

    def __iter__(self) -> Iterator[RawPage | Reject]:
        """Yield each page once, a redirect for every other way to it, and a Reject for the rest."""
        given: set[int] = set()
        with open_store(self.store) as store:
            for pin in self.pins:
                outcome = self._outcome(pin)
                if pin.revision_id is None or outcome != TAKEN:
                    yield reject(f"{self.site.source}:{pin.id}", outcome, _told(pin))
                    continue
                if normal_title(pin.id) != normal_title(pin.title):
                    yield _stub(self.site, pin)
                if pin.revision_id not in given:
                    given.add(pin.revision_id)
                    yield _page(self.site, pin, store.revision(pin.host, pin.revision_id))

    @property
    def counts(self) -> dict[str, int]:
        """Return how many titles had each outcome, and how many lead into a section."""
        counts: dict[str, int] = {}
        for pin in self.pins:
            outcome = self._outcome(pin)
            counts[outcome] = counts.get(outcome, 0) + 1
        sections = {"redirect to a section": len(into_sections(self.pins))}
        return dict(sorted((counts | sections).items()))

    def _outcome(self, pin: Pin) -> str:
        return self.lost.get(pin.revision_id or 0, pin.outcome)


def into_sections(pins: Iterable[Pin]) -> tuple[Pin, ...]:
    """Return the pins whose title leads into a section: their page is about more than it."""
    return tuple(pin for pin in pins if pin.outcome == TAKEN and pin.fragment)


def fetch_pages(
    titles: Iterable[str],
    api: WikiApi,
    pins: Mapping[str, Pin] | None = None,
    progress: Progress | None = None,
    *,
    only_pinned: bool = False,
) -> Scraped:
    """Take the pinned revision of each title, and the last one of titles without a pin.

    Everything fetched is in the store first, so a killed run goes on where it was. With
    `only_pinned` a title without a pin is not looked up but becomes a Reject. Raises ToolkitError
    when the wiki refuses, and when a pin is of another wiki or names another text.
    """
    asked = sorted(whole(titles))
    if "" in asked:
        raise ToolkitError("a title to fetch is empty: fill it in or leave it out")
    known = {title: pin for title in asked if (pin := (pins or {}).get(title)) is not None}
    for pin in known.values():
        _check_wiki(pin, api.site)
    new = [title for title in asked if title not in known]
    if only_pinned:
        known |= {title: _unpinned(title, api.site) for title in new}
        new = []
    fates = api.look_up(new, progress)
    wanted = [pin.revision_id for pin in known.values() if pin.revision_id is not None]
    wanted += [f.revision_id for f in fates.values() if f.is_article and f.revision_id is not None]
    api.fetch(wanted, progress)
    events = _events(fates.values(), api, progress)
    made = tuple(known.get(title) or _pin(fates[title], api, events) for title in asked)
    return Scraped(site=api.site, store=api.store.path, pins=made, lost=_lost(made, api.store))


def read_pins(path: Path) -> dict[str, Pin]:
    """Return the pins of a file by the title asked; raise ToolkitError for a wrong line."""
    pins: dict[str, Pin] = {}
    for pin in read_table(path, Pin):
        if pin.id in pins:
            raise ToolkitError(f"{path.name} pins {pin.id!r} twice: remove one of the lines")
        if (pin.outcome == TAKEN) != (pin.revision_id is not None and pin.sha256 is not None):
            raise ToolkitError(
                f"{path.name} pins {pin.id!r} without a revision and its sha256, or with one"
                " although it has no page: correct the line"
            )
        pins[pin.id] = pin
    return pins


def write_pins(path: Path, scraped: Scraped) -> None:
    """Publish the pins of a scrape as JSON lines, sorted by title."""
    write_table(path, scraped.pins)


def _pin(fate: Fate, api: WikiApi, events: Mapping[str, str]) -> Pin:
    """Return the pin of a title just looked up; its revision, if any, is in the store."""
    site = api.site
    pin = Pin(
        id=fate.asked,
        host=site.host,
        language=site.language,
        outcome=fate.outcome,
        title=fate.title,
        redirects=fate.redirects,
        fragment=fate.fragment,
        detail=_detail(fate, events),
    )
    if not fate.is_article or fate.revision_id is None:
        return pin
    found = api.store.revision(site.host, fate.revision_id)
    if found.problem:
        return pin.model_copy(update={"outcome": found.problem})
    return pin.model_copy(
        update={
            "page_id": fate.page_id,
            "revision_id": found.revision_id,
            "timestamp": found.timestamp,
            "sha256": text_digest(found.wikitext),
        }
    )


def _events(fates: Iterable[Fate], api: WikiApi, progress: Progress | None) -> Mapping[str, str]:
    """Return what happened to the titles that have no page, as far as the wiki's log tells."""
    missing = sorted({fate.title for fate in fates if fate.outcome == "missing page"})
    return api.last_events(missing, progress) if missing else {}


def _detail(fate: Fate, events: Mapping[str, str]) -> str:
    """Say what a person needs to know about a title besides its page."""
    way = " → ".join((*fate.redirects, fate.title)) if fate.redirects else ""
    event = events.get(fate.title, "") if fate.outcome == "missing page" else ""
    return "; ".join(part for part in (way, event) if part)


def _unpinned(title: str, site: Site) -> Pin:
    return Pin(id=title, host=site.host, language=site.language, outcome="not pinned", title=title)


def _check_wiki(pin: Pin, site: Site) -> None:
    if pin.host != site.host:
        raise ToolkitError(
            f"{pin.id!r} is pinned to a revision of {pin.host}, not of {site.host}: ask that wiki,"
            " or remove the pin"
        )


def _lost(pins: Iterable[Pin], store: ResponseStore) -> dict[int, str]:
    """Return the pinned revisions without a text; ToolkitError where it is not the pinned one."""
    lost: dict[int, str] = {}
    for pin in pins:
        if pin.revision_id is None:
            continue
        found = store.revision(pin.host, pin.revision_id)
        if found.problem:
            lost[pin.revision_id] = found.problem
        elif text_digest(found.wikitext) != pin.sha256:
            raise ToolkitError(
                f"revision {pin.revision_id} of {pin.title!r} is not the text that was pinned: the"
                " pin or the store was changed; remove the pin to take the page as it is"
            )
    return lost


def _told(pin: Pin) -> str:
    return f"revision {pin.revision_id}" if pin.revision_id is not None else pin.detail


def _stub(site: Site, pin: Pin) -> RawPage:
    """Return the redirect that leads from the title asked to the page, with its section."""
    target = f"{pin.title}#{pin.fragment}" if pin.fragment and pin.redirects else pin.title
    title = normal_title(pin.id)
    return RawPage(
        title=title,
        page_id=None,
        revision_id=None,
        timestamp=None,
        wikitext=f"#REDIRECT [[{target}]]",
        redirect=target,
        namespace=0,
        source=site.source,
        url=permanent_link(site.base, title, None),
        language=pin.language,
        license=site.license_at(None),
    )


def _page(site: Site, pin: Pin, found: Revision) -> RawPage:
    return RawPage(
        title=pin.title,
        page_id=pin.page_id,
        revision_id=found.revision_id,
        timestamp=found.timestamp,
        wikitext=found.wikitext,
        redirect=redirect_target(found.wikitext),
        namespace=0,
        source=site.source,
        url=permanent_link(site.base, pin.title, found.revision_id),
        language=pin.language,
        license=site.license_at(found.timestamp),
    )
