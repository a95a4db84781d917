"""A page as its source gave it, before it is matched and cleaned."""

import re
from dataclasses import dataclass

from imagewikiqa.core.records import Reject

STAGE = "pages"
_REDIRECT = re.compile(
    r"\A\s*#\s*(?:REDIRECT|REDIRECTION|WEITERLEITUNG|REDIRECCIÓN|RINVIA)\s*:?\s*\[\[([^\]|\n]+)",
    re.I,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawPage:
    """One revision of one page as wikitext, with what its source says about it."""

    title: str
    page_id: int | None
    revision_id: int | None
    timestamp: str | None
    wikitext: str
    redirect: str | None  # title of the page it points to
    namespace: int
    source: str  # "dump:FILE", "folder:FILE" or "sample"; never a path of this machine
    url: str
    language: str
    license: str
    class_id: str | None = None  # set when the source itself says which class the page is for
    alias: str | None = None  # another reading of the file name as a title

    @property
    def id(self) -> str:
        """Return language, page and revision when they are known, else the source."""
        if self.page_id is not None and self.revision_id is not None:
            return f"{self.language}:{self.page_id}@{self.revision_id}"
        kind, _, name = self.source.partition(":")
        # A file of a folder is one page; a dump is many, told apart by their titles.
        return f"{kind}:{name.rpartition('.')[0] if kind == 'folder' else self.title}"


def normal_title(title: str) -> str:
    """Return a title by MediaWiki's rules: spaces for underscores, first letter upper case."""
    text = re.sub(r"[\s_]+", " ", title.partition("#")[0]).strip().removeprefix(":").strip()
    return text[:1].upper() + text[1:]


def redirect_target(wikitext: str) -> str | None:
    """Return the title that a redirect page points to, None for any other page."""
    found = _REDIRECT.match(wikitext)
    return normal_title(found[1]) if found else None


def reject(page: str, reason: str, detail: str = "") -> Reject:
    """Return the record of a page or class that this room drops."""
    return Reject(id=f"{STAGE}:{page}", stage=STAGE, input=page, reason=reason, detail=detail)
