"""Plain extracts and language links, by the package wikipedia-api through our own transport."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from imagewikiqa.builders.raw import reject
from imagewikiqa.builders.wiki.api import WikiApi
from imagewikiqa.builders.wiki.records import Extract
from imagewikiqa.core.errors import MissingExtraError, ToolkitError
from imagewikiqa.core.progress import Progress, Silent
from imagewikiqa.core.records import Reject

if TYPE_CHECKING:
    from wikipediaapi import Wikipedia


def open_wikipedia(api: WikiApi) -> "Wikipedia":
    """Return wikipedia-api's client of a wiki, which paces, retries and stores as `api` does.

    Raises MissingExtraError without the extra `scrape`.
    """
    try:
        from wikipediaapi import Wikipedia
    except ImportError as error:
        raise MissingExtraError("wikipedia-api", "scrape") from error

    # The package knows Wikipedia's hosts only, and builds their addresses in this one place.
    own = {"_build_url": staticmethod(lambda language: api.site.api)}
    on_site: type[Wikipedia] = type("OnSite", (Wikipedia,), own)
    # The transport names the operator itself, so that a stored answer needs no contact.
    return on_site(
        user_agent="imagewikiqa",
        language=api.site.language,
        max_retries=0,
        transport=api.transport,
        timeout=api.site.limits.timeout,
    )


def extracts(
    titles: Iterable[str], api: WikiApi, progress: Progress | None = None
) -> Iterator[Extract | Reject]:
    """Yield the plain text and language links of articles, in the order asked.

    A redirect gives its target; a title without a page gives a Reject. The text is of the last
    revision, which the API cannot pin: use wikitext where the revision matters.
    """
    asked = [*dict.fromkeys(titles)]
    wiki, watcher = open_wikipedia(api), progress or Silent()
    watcher.begin("extracts", len(asked), 0)
    try:
        for title in asked:
            yield _extract(wiki, title, api)
            watcher.advance(1)
    finally:
        watcher.end()


def _extract(wiki: "Wikipedia", title: str, api: WikiApi) -> Extract | Reject:
    from wikipediaapi import WikipediaException

    try:
        page = wiki.page(title)
        if not page.exists():
            return reject(f"{api.site.source}:{title}", "missing page")
        return Extract(
            id=title,
            title=str(page.title),
            page_id=int(page.pageid),
            revision_id=page.lastrevid,
            summary=page.summary,
            text=page.text,
            langlinks={lang: str(there.title) for lang, there in sorted(page.langlinks.items())},
        )
    except WikipediaException as error:
        raise ToolkitError(
            f"{api.site.host} gives no extract of {title!r} ({type(error).__name__}): check that"
            " it is a MediaWiki with TextExtracts, and run the same command again"
        ) from error
