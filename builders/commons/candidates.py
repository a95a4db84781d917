"""The files that may show a class, the best first: lead image, other images, Commons category."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from imagewikiqa.builders.commons.articles import Article, titles_of
from imagewikiqa.builders.commons.records import WHYS, Why
from imagewikiqa.builders.commons.refusal import RefusedError, reject_row
from imagewikiqa.builders.commons.rules import refuse_name
from imagewikiqa.builders.wiki.api import WikiApi
from imagewikiqa.builders.wiki.fates import fit
from imagewikiqa.builders.wiki.replies import listed
from imagewikiqa.builders.wiki.side_by_side import side_by_side
from imagewikiqa.core.progress import Progress, Silent
from imagewikiqa.core.records import ClassEntry, Reject

LISTED = 500  # files that Commons lists in one answer
# Names that the wiki refuses as invalid, which would end the run: strangers' templates hold them.
_INVALID = re.compile(r"#|%[0-9a-fA-F]{2}|&[\w#]+;|~{3}|^[:./]|(?:^|/)\.{1,2}(?:/|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A file found for a class, and where."""

    class_id: str
    title: str
    why: Why
    found_in: str

    @property
    def rank(self) -> tuple[int, str]:
        """Return the place in the order of choice: lead, article, category; then by name."""
        return WHYS.index(self.why), self.title


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The files of one class that are looked at, what was refused by name, how many are left."""

    candidates: tuple[Candidate, ...]
    rejects: tuple[Reject, ...]
    unseen: int


def find_candidates(
    classes: Sequence[ClassEntry],
    articles: Mapping[str, Article],
    api: WikiApi,
    limit: int,
    progress: Progress | None = None,
) -> dict[str, Found]:
    """Return the files found for each class, at most `limit` of each; `api` asks Commons."""
    watcher = progress or Silent()
    watcher.begin("categories", len(classes), 0)
    found: dict[str, Found] = {}

    def look(entry: ClassEntry) -> Found:
        own = [articles[title] for title in titles_of(entry) if title in articles]
        return _ranked(entry, _all_of(entry.id, own, api), limit)

    try:
        for entry, one in zip(classes, side_by_side(look, classes, api.transport), strict=True):
            found[entry.id] = one
            watcher.advance(1)
    finally:
        watcher.end()
    return found


def _all_of(class_id: str, articles: Sequence[Article], api: WikiApi) -> list[Candidate]:
    candidates: list[Candidate] = []

    def add(titles: Iterable[str], why: Why, found_in: str) -> None:
        candidates.extend(
            Candidate(class_id=class_id, title=title, why=why, found_in=found_in)
            for title in titles
        )

    for article in articles:
        add([article.lead] if article.lead else [], "lead image", article.title)
        add(article.images, "article", article.title)
        for name in article.categories:
            if files := files_of(name, api):
                add(files, "category", name)
                break
    return candidates


def files_of(category: str, api: WikiApi) -> list[str]:
    """Return the first files of a category of Commons, by its own order; none if there is none.

    Categories below it are not entered: they hold what the subject is painted, printed or cooked
    as.
    """
    if not fit(category) or _INVALID.search(category) or len(category.encode()) > 240:
        return []
    params: dict[str, str | int] = {
        "list": "categorymembers",
        "cmtitle": f"Category:{category}",
        "cmtype": "file",
        "cmprop": "title",
        "cmlimit": LISTED,
    }
    for query in api.query(params):
        members = listed(query.get("categorymembers"))
        return [title for one in members if (title := str(one.get("title"))).startswith("File:")]
    return []


def _refuse_title(title: str) -> None:
    """Raise RefusedError for a title that no wiki could hold: it would spoil a whole request."""
    if not fit(title):
        raise RefusedError("invalid title")


def _ranked(entry: ClassEntry, candidates: Iterable[Candidate], limit: int) -> Found:
    """Order the files of a class, each once, and refuse those whose name tells enough."""
    kept: dict[str, Candidate] = {}
    rejects: dict[str, Reject] = {}
    for candidate in sorted(candidates, key=lambda one: (*one.rank, one.found_in)):
        title = candidate.title
        if title in kept or title in rejects:
            continue
        try:
            _refuse_title(title)
            refuse_name(title, entry)
            kept[title] = candidate
        except RefusedError as refused:
            rejects[title] = reject_row(entry.id, title, refused)
    ordered = [*kept.values()]
    return Found(
        candidates=tuple(ordered[:limit]),
        rejects=tuple(rejects.values()),
        unseen=max(0, len(ordered) - limit),
    )
