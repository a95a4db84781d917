"""A wiki as a source of pages for classes: what is missing is fetched, then read many times."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from imagewikiqa.builders.pages import Source
from imagewikiqa.builders.wiki.api import WikiApi, open_store
from imagewikiqa.builders.wiki.limiter import Limiter
from imagewikiqa.builders.wiki.scrape import Scraped, fetch_pages, read_pins, write_pins
from imagewikiqa.builders.wiki.settings import Site
from imagewikiqa.core.progress import Progress
from imagewikiqa.core.records import ClassEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class WikiFiles:
    """Where a scrape keeps what it needs to be repeated."""

    store: Path  # every answer; may be shared by runs and processes
    pins: Path  # which revision was taken for which title; written by the scrape
    given: Path | None = None  # somebody's pins: titles outside them are not looked up
    limits: Path | None = None  # folder of the shared allowances; the user's own when None
    since: str = ""  # what the store was told of titles before this time (ISO 8601) is asked again


def scrape(
    titles: Iterable[str], site: Site, files: WikiFiles, progress: Progress | None = None
) -> Scraped:
    """Fetch what is missing of the titles' pages, write the pins, and return what was taken.

    Titles in the pins of an earlier scrape keep their revisions. Needs a contact only when the
    wiki must be asked. Raises ToolkitError when it refuses, or when pins or store are wrong.
    """
    pins = read_pins(files.pins) if files.pins.is_file() else {}
    if files.given is not None:
        pins = read_pins(files.given)
    limiter = Limiter(site.pool, site.limits, files.limits)
    with (
        open_store(files.store) as store,
        WikiApi(site, store, limiter=limiter, since=files.since) as api,
    ):
        only = files.given is not None
        scraped = fetch_pages(titles, api, pins, progress, only_pinned=only)
    write_pins(files.pins, scraped)
    return scraped


def wikipedia_source(
    classes: Iterable[ClassEntry],
    site: Site,
    files: WikiFiles,
    progress: Progress | None = None,
) -> Source:
    """Fetch the pages of classes, by their titles or else their names, as a `Source` to match."""
    titles = [title for entry in classes for title in entry.titles or (entry.name,)]
    scraped = scrape(titles, site, files, progress)
    return Source(spec=site.source, read=scraped.__iter__)
