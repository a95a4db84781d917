"""A revision's exact text, where the API's reply cannot carry it.

The API writes all text in composed Unicode. A page that holds decomposed letters comes back with
other bytes than it has, which its sha1 shows; the raw page does not pass through that.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Protocol

from imagewikiqa.builders.wiki.replies import Json, pages
from imagewikiqa.builders.wiki.settings import Site
from imagewikiqa.builders.wiki.store import Revision

REVISION: Mapping[str, str | int] = {
    "prop": "revisions",
    "rvprop": "ids|timestamp|sha1|slotsha1|content",
    "rvslots": "main",
}


class Asks(Protocol):
    """What is needed of a client."""

    @property
    def site(self) -> Site:
        """Return the wiki."""

    def query(self, params: Mapping[str, str | int]) -> Iterator[Json]:
        """Yield the parts of an answer."""

    def raw_text(self, revision_id: int) -> bytes:
        """Return a revision's wikitext."""


def fetch_exact(api: Asks, revision_id: int) -> Revision:
    """Fetch one revision as a raw page and check it; `problem` says why its text is not taken."""
    asked = {**REVISION, "rvprop": "ids|timestamp|sha1|slotsha1", "revids": revision_id}
    for query in api.query(asked):
        for page in pages(query):
            for revision in page.get("revisions", []):
                return _checked(api, revision_id, page, revision)
    return _revision(api.site, revision_id, {}, {}, "", "lost revision")


def _checked(api: Asks, revision_id: int, page: Json, revision: Json) -> Revision:
    slot = (revision.get("slots") or {}).get("main", {})
    stated = slot.get("sha1") or revision.get("sha1")
    raw = api.raw_text(revision_id)
    if stated and stated != hashlib.sha1(raw, usedforsecurity=False).hexdigest():
        return _revision(api.site, revision_id, page, revision, "", "text differs from its sha1")
    try:
        return _revision(api.site, revision_id, page, revision, raw.decode(), "")
    except UnicodeDecodeError:
        return _revision(api.site, revision_id, page, revision, "", "not UTF-8")


def _revision(
    site: Site, revision_id: int, page: Json, revision: Json, text: str, problem: str
) -> Revision:
    return Revision(
        host=site.host,
        revision_id=revision_id,
        page_id=page.get("pageid"),
        title=str(page.get("title", "")),
        timestamp=revision.get("timestamp"),
        wikitext=text,
        problem=problem,
    )
