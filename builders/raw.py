"""A page as its source gave it, before it is matched and cleaned."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from imagewikiqa.core.records import Reject

STAGE = "pages"
_REDIRECT = re.compile(
    r"\A\s*#\s*(?:REDIRECT|REDIRECTION|WEITERLEITUNG|REDIRECCIÓN|RINVIA)\s*:?\s*\[\[([^\]|\n]+)",
    re.I,
)
_DISAMBIGUATION = re.compile(
    r"\{\{\s*(?:disambig(?:uation)?|dab|disamb|hndis|human name disambiguation|geodis|numberdis|"
    r"letter-numbercombdisambig|schooldis|airport disambiguation|hospitaldis|mathdab|roaddis|"
    r"shipindex|sia|set index(?: article)?|surname|given name|begriffsklärung|homonymie|"
    r"[^{}|\n]*\bdisambiguation(?: page)?)\s*(?:\||\}\})",
    re.I,
)
_MAY_REFER = re.compile(
    r"\A.{0,300}\b(?:may|can|could|might)\s+(?:also\s+)?refer\s+to\s*:?\s*(?:\n|\Z)", re.S | re.I
)
_UNQUOTED = re.compile(r"[A-Za-z0-9_.~():,!*-]*")
# Wikipedia's text is CC BY-SA 4.0 since this day, 3.0 before it.
_LICENCE_CHANGE = "2023-06-07"


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


def flaw(page: RawPage) -> str:
    """Return why a page can serve no class, empty when it can."""
    if page.namespace != 0:
        return "not an article"
    if page.redirect is not None:
        return "redirect"
    if is_disambiguation(page):
        return "disambiguation page"
    return "" if page.wikitext.strip() else "empty page"


def is_disambiguation(page: RawPage) -> bool:
    """Say whether a page only lists the meanings of its title."""
    if page.title.endswith("(disambiguation)") or _DISAMBIGUATION.search(page.wikitext):
        return True
    return bool(_MAY_REFER.match(page.wikitext) and re.search(r"^\*", page.wikitext, re.M))


def permanent_link(site: str, title: str, revision_id: int | None) -> str:
    """Return the link to one revision of a page, or to the page when the revision is unknown."""
    name = title.replace(" ", "_")
    if not _UNQUOTED.fullmatch(name):
        name = quote(name, safe="():,!*")
    link = f"{site}/w/index.php?title={name}"
    return link if revision_id is None else f"{link}&oldid={revision_id}"


def licence_at(timestamp: str | None) -> str:
    """Return the licence of Wikipedia's text at a time (ISO 8601)."""
    old = timestamp is not None and timestamp[:10] < _LICENCE_CHANGE
    return "CC-BY-SA-3.0" if old else "CC-BY-SA-4.0"


def reject(page: str, reason: str, detail: str = "") -> Reject:
    """Return the record of a page or class that this room drops."""
    return Reject(id=f"{STAGE}:{page}", stage=STAGE, input=page, reason=reason, detail=detail)
