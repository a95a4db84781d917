"""A revision's exact text, where the API's reply cannot carry it.

The API writes all text in composed Unicode. A page that holds decomposed letters comes back with
other bytes than it has, which its sha1 shows; the raw page does not pass through that.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Protocol

from imagewikiqa.builders.wiki.replies import Json, listed, main_slot, pages, revision
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
            for said in listed(page.get("revisions")):
                stated = main_slot(said).get("sha1") or said.get("sha1")
                text, problem = _checked(api.raw_text(revision_id), stated)
                found = revision(api.site.host, page, said, text, problem)
                if found is not None and found.revision_id == revision_id:
                    return found
    return Revision(
        host=api.site.host,
        revision_id=revision_id,
        page_id=None,
        title="",
        timestamp=None,
        wikitext="",
        problem="lost revision",
    )


def _checked(raw: bytes, stated: object) -> tuple[str, str]:
    """Return a text, or the reason why it cannot be taken."""
    if stated and stated != hashlib.sha1(raw, usedforsecurity=False).hexdigest():
        return "", "text differs from its sha1"
    try:
        return raw.decode(), ""
    except UnicodeDecodeError:
        return "", "not UTF-8"
