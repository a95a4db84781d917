"""What the resolver may ask about an encyclopedia."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

DISAMBIGUATION = " (disambiguation)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page that a title leads to, as far as the encyclopedia says; texts only by `describe`."""

    title: str  # canonical, after redirects
    redirected_from: str | None = None
    fragment: str | None = None  # section that the redirect leads to
    is_disambiguation: bool | None = None  # None: not known
    page_id: int | None = None
    revision_id: int | None = None
    lead: str = ""  # plain text
    categories: tuple[str, ...] = ()
    description: str = ""  # one line, as "species of mammal"


class Knowledge(Protocol):
    """An encyclopedia. Many titles go into one call, so that an online one needs few requests."""

    def look_up(self, titles: Sequence[str]) -> Mapping[str, Found]:
        """Return what exact titles lead to; a title that leads nowhere is not in the answer."""

    def describe(self, titles: Sequence[str]) -> Mapping[str, Found]:
        """Return pages, by canonical title, with their lead, categories and description."""

    def search(self, text: str) -> Sequence[str]:
        """Return titles that a full-text search finds, best first."""

    def links(self, title: str) -> Sequence[str]:
        """Return titles that a disambiguation page links to."""
