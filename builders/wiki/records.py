"""What a wiki said about a title, and which revision was taken for it."""

from typing import Literal

from pydantic import Field

from imagewikiqa.core.records import Part, Record, Sha256

Outcome = Literal[
    "page",  # an article
    "disambiguation page",
    "not an article",  # outside the main namespace
    "missing page",
    "invalid title",
    "redirect loop",
    "on another wiki",
    "not answered",  # the reply does not speak of it
]


class Fate(Part):
    """What a wiki said about a title: where it leads, and whether an article stands there."""

    asked: str
    outcome: Outcome
    title: str = Field(description="where the title leads; as asked when it leads nowhere")
    normalized: str = Field(description="the asked title in the wiki's own spelling")
    redirects: tuple[str, ...] = Field((), description="titles passed by, the first one first")
    fragment: str = Field("", description="section that a redirect points into")
    page_id: int | None = Field(None, ge=0, lt=1 << 62)
    revision_id: int | None = Field(
        None, ge=0, lt=1 << 62, description="the page's last revision when asked"
    )
    namespace: int = 0
    length: int | None = Field(None, description="bytes of wikitext")
    description: str = Field("", description="the wiki's short description")
    wikibase_item: str = ""

    @property
    def is_article(self) -> bool:
        """Say whether the title leads to an article."""
        return self.outcome == "page"

    @property
    def is_disambiguation(self) -> bool:
        """Say whether the title leads to a page that lists meanings."""
        return self.outcome == "disambiguation page"


class Pin(Record):
    """A title and the revision taken for it, so that anybody can take the same; `id` is the title.

    A title without an article is pinned too, with the reason and without a revision.
    """

    host: str = Field(description="of the API, as in en.wikipedia.org")
    language: str
    outcome: str = Field(description="'page', or the reason why there is none")
    title: str
    page_id: int | None = None
    revision_id: int | None = Field(None, gt=0, lt=1 << 62)
    timestamp: str | None = None
    sha256: Sha256 | None = Field(None, description="of the wikitext as UTF-8")
    redirects: tuple[str, ...] = ()
    fragment: str = Field("", description="section that the redirect points into")
    detail: str = ""


class Extract(Record):
    """An article as the plain text that the wiki itself makes of it; `id` is the title asked."""

    title: str
    page_id: int
    revision_id: int | None = Field(description="the page's last revision when it was asked")
    summary: str = Field(description="the introduction")
    text: str = Field(description="introduction and sections, with their headings")
    langlinks: dict[str, str] = Field(description="language to the article's title there")
