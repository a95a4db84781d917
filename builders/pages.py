"""Pages for classes: open a source, match its pages to classes, and clean one page."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from imagewikiqa.builders.dump import read_dump
from imagewikiqa.builders.folder import read_folder
from imagewikiqa.builders.raw import RawPage, normal_title, reject
from imagewikiqa.builders.sample import read_sample
from imagewikiqa.builders.wikitext import clean
from imagewikiqa.core.digests import text_digest
from imagewikiqa.core.errors import ToolkitError
from imagewikiqa.core.records import ClassEntry, Page, Reject

MIN_WORDS = 60  # of clean prose; a shorter page cannot feed five questions
LISTED = 1000  # unused pages named for one reason; a dump has millions, which no one reads
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Pages that can be read more than once; nothing is opened before the first is asked for."""

    spec: str
    read: Callable[[], Iterator[RawPage | Reject]]

    def __iter__(self) -> Iterator[RawPage | Reject]:
        return self.read()


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedPage:
    """A raw page and the classes that asked for it."""

    raw: RawPage
    class_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The pages that classes asked for, and a stream of Rejects that accounts for the others."""

    pages: tuple[MatchedPage, ...]
    rejects: "Rejects"


def open_source(spec: str) -> Source:
    """Return the source named by `sample`, `dump:FILE` or `folder:DIR`; raise ToolkitError."""
    kind, _, rest = spec.partition(":")
    path = Path(rest)
    if spec == "sample":
        return Source(spec=spec, read=read_sample)
    if kind == "dump" and rest:
        if not path.is_file():
            raise ToolkitError(f"there is no dump {rest}: check the path after dump:")
        return Source(spec=spec, read=lambda: read_dump(path))
    if kind == "folder" and rest:
        if not path.is_dir():
            raise ToolkitError(f"there is no folder {rest}: check the path after folder:")
        return Source(spec=spec, read=lambda: read_folder(path))
    raise ToolkitError(f"unknown source of pages {spec!r}; have: dump:FILE, folder:DIR, sample")


def match(pages: Iterable[RawPage | Reject], classes: Iterable[ClassEntry]) -> Matched:
    """Give each class its page: the article with its title, or with its name when it has none.

    `pages` is read two or three times and must begin anew each time. Redirects inside it are
    followed; only the pages that classes ask for are held in memory. A page that no class gets
    appears once among the rejects, as does a class that gets no page; past `LISTED` pages of one
    reason the others share a row that says how many they are.
    """
    if isinstance(pages, Iterator):
        raise TypeError("match reads its pages more than once: give a list or a Source")
    entries = tuple(classes)
    wanted = _Wanted(entries)
    while wanted.look_again():
        for page in pages:
            if isinstance(page, RawPage):
                wanted.see(page)
    return wanted.matched(pages)


def make_page(matched: MatchedPage) -> Page | Reject:
    """Return a page as clean text, or the Reject of one with under `MIN_WORDS` words of prose."""
    raw = matched.raw
    cleaned = clean(raw.wikitext)
    prose = [s for s in cleaned.sections if s.path != ("Infobox",)]
    words = sum(len(re.findall(r"\w+", cleaned.text[s.start : s.end])) for s in prose)
    if words < MIN_WORDS:
        classes = ", ".join(matched.class_ids)
        return reject(raw.id, "too short", f"{raw.title}: {words} words, for {classes}")
    return Page(
        id=raw.id,
        class_ids=matched.class_ids,
        title=raw.title,
        page_id=raw.page_id,
        revision_id=raw.revision_id,
        revision_timestamp=raw.timestamp,
        url=raw.url,
        language=raw.language,
        license=raw.license,
        text=cleaned.text,
        sections=cleaned.sections,
        facts=cleaned.facts,
        source=raw.source,
        sha256=text_digest(raw.wikitext),
    )


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


class _Wanted:
    """What classes ask for, and what was found so far."""

    def __init__(self, entries: tuple[ClassEntry, ...]) -> None:
        self._entries = entries
        self._asked = {e.id: normal_title(e.title or e.name) for e in entries}
        self._titles = set(self._asked.values())
        self._redirects: dict[str, str] = {}
        self._found: dict[str, RawPage] = {}
        self._given: dict[str, RawPage] = {}
        self._flawed: dict[str, str] = {}
        self._unseen = True

    def look_again(self) -> bool:
        """Say whether another reading may find pages, and begin it."""
        again, self._unseen = self._unseen, False
        return again

    def see(self, page: RawPage) -> None:
        """Keep a page if a class asks for it; ask for the target of a redirect that one follows."""
        if page.class_id in self._asked and not flaw(page):
            self._given.setdefault(str(page.class_id), page)
            return
        for name in {normal_title(page.title), normal_title(page.alias or page.title)}:
            if name in self._titles and page.namespace == 0:
                self._see_named(name, page)

    def _see_named(self, name: str, page: RawPage) -> None:
        problem = flaw(page)
        if page.redirect is not None:
            target = normal_title(page.redirect)
            self._redirects.setdefault(name, target)
            if target not in self._titles:
                self._titles.add(target)
                self._unseen = True  # the target may stand earlier in the source
        elif problem:
            self._flawed.setdefault(name, problem)
        elif page.class_id is None:
            self._found.setdefault(name, page)

    def _resolve(self, title: str) -> str:
        seen: set[str] = set()
        while title in self._redirects and title not in self._found and title not in seen:
            seen.add(title)
            title = self._redirects[title]
        return title

    def matched(self, pages: Iterable[RawPage | Reject]) -> Matched:
        """Return the pages by class, in the order of the class list."""
        by_page: dict[str, tuple[RawPage, list[str]]] = {}
        missing: list[Reject] = []
        for entry in self._entries:
            title = self._resolve(self._asked[entry.id])
            page = self._given.get(entry.id) or self._found.get(title)
            if page is None:
                missing.append(reject(entry.id, "no page", self._why(entry, title)))
            else:
                named = page if page.class_id else replace(page, title=_own_title(page, title))
                by_page.setdefault(_key(page), (named, []))[1].append(entry.id)
        used = tuple(
            MatchedPage(raw=raw, class_ids=tuple(sorted(ids))) for raw, ids in by_page.values()
        )
        return Matched(pages=used, rejects=Rejects(pages, frozenset(by_page), tuple(missing)))

    def _why(self, entry: ClassEntry, title: str) -> str:
        asked = self._asked[entry.id]
        told = f"asked for {asked!r}"
        if title != asked:
            told += f", which redirects to {title!r}"
        return f"{told}: {self._flawed.get(title, 'the source has no such page')}"


def _own_title(page: RawPage, title: str) -> str:
    """Choose the reading of a file name that a class asked for."""
    return title if page.alias and normal_title(page.alias) == title else page.title


def _key(page: RawPage) -> str:
    return f"{page.id}\n{page.source}\n{page.title}"


@dataclass(frozen=True, slots=True)
class Rejects:
    """Rejects of pages that were not used and of classes without a page, read lazily."""

    pages: Iterable[RawPage | Reject]
    used: frozenset[str]
    missing: tuple[Reject, ...]

    def __iter__(self) -> Iterator[Reject]:
        seen: set[str] = set()
        times: Counter[str] = Counter()  # of ids used or listed: a source may repeat a page
        unused: Counter[str] = Counter()
        for page in self.pages:
            if isinstance(page, Reject):
                yield page
                continue
            key = _key(page)
            if key in self.used and key not in seen:
                seen.add(key)
                times[page.id] += 1
                continue
            again = "duplicate page" if key in seen else ""
            reason = again or flaw(page) or "no class asks for this page"
            unused[reason] += 1
            if unused[reason] <= LISTED:
                times[page.id] += 1
                detail = f"{page.title} → {page.redirect}" if page.redirect else page.title
                count = times[page.id]
                yield reject(page.id if count == 1 else f"{page.id}#{count}", reason, detail)
        for reason, count in sorted(unused.items()):
            if count > LISTED:
                yield reject(f"more: {reason}", f"{reason}, and {count - LISTED:,} more pages")
        yield from self.missing
