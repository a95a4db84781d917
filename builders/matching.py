"""Which page serves which class: titles asked for, redirects followed, every page accounted for."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Protocol

from imagewikiqa.builders.multistream import Found
from imagewikiqa.builders.raw import STAGE, RawPage, flaw, normal_title, reject
from imagewikiqa.builders.unused import LISTED, Tally
from imagewikiqa.core.progress import Progress, Silent
from imagewikiqa.core.records import ClassEntry, Reject

LOOKS = 8  # readings of a source; each follows the redirects that the one before it found


class Find(Protocol):
    """Finds pages by title without reading the rest."""

    def __call__(
        self, titles: Iterable[str], *, besides: Iterable[str], listing: int, progress: Progress
    ) -> Found:
        """Return the pages of some titles, and name others asked for neither now nor before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Pages that can be read more than once; nothing is opened before the first is asked for."""

    spec: str
    read: Callable[[], Iterator[RawPage | Reject]]
    watched: Callable[[Progress], Iterator[RawPage | Reject]] | None = None  # tells how far it is
    find: Find | None = None

    def __iter__(self) -> Iterator[RawPage | Reject]:
        return self.read()


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedPage:
    """A raw page and the classes that asked for it."""

    raw: RawPage
    class_ids: tuple[str, ...]

    @property
    def title(self) -> str:
        """Return the page's title."""
        return self.raw.title


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """The pages that classes asked for, and Rejects that account for all others."""

    pages: tuple[MatchedPage, ...]
    rejects: tuple[Reject, ...]


class Serving(Protocol):
    """A page with its classes: a MatchedPage or a Page."""

    @property
    def title(self) -> str:
        """Return the page's title."""

    @property
    def class_ids(self) -> tuple[str, ...]:
        """Return the classes that the page serves."""


def shared(pages: Iterable[Serving]) -> dict[str, tuple[str, ...]]:
    """Return the articles that serve several classes: title to class ids."""
    return {page.title: page.class_ids for page in pages if len(page.class_ids) > 1}


def several(pages: Iterable[Serving]) -> dict[str, tuple[str, ...]]:
    """Return the classes that have several articles: class id to titles."""
    titles: dict[str, tuple[str, ...]] = {}
    for page in pages:
        for class_id in page.class_ids:
            titles[class_id] = (*titles.get(class_id, ()), page.title)
    return {class_id: found for class_id, found in titles.items() if len(found) > 1}


def match(
    pages: Iterable[RawPage | Reject],
    classes: Iterable[ClassEntry],
    progress: Progress | None = None,
) -> Matched:
    """Give each class its pages: the articles with its titles, or with its name when it has none.

    A source that finds pages by title is asked for them; any other is read once, and again only
    when a redirect led to a page that stood earlier, so `pages` must begin anew each time.
    Redirects inside it are followed; only pages that classes ask for are held in memory. A page
    that no class gets appears once among the rejects, as does a class that gets no page and a
    title, of several, that has none; past `LISTED` pages of one reason the others share a row that
    says how many they are. `progress` is told how far a dump was read.
    """
    if isinstance(pages, Iterator):
        raise TypeError("match reads its pages more than once: give a list or a Source")
    wanted = _Wanted(tuple(classes))
    tally = Tally(wanted.size)
    watcher = progress or Silent()
    if isinstance(pages, Source) and pages.find is not None:
        _search(pages.find, wanted, tally, watcher)
    else:
        _read(pages, wanted, tally, watcher)
    return wanted.matched(tally)


def _search(find: Find, wanted: "_Wanted", tally: Tally, watcher: Progress) -> None:
    """Ask for titles, then for the targets of the redirects among them, until none is left."""
    asked: set[str] = set()
    for _ in range(LOOKS):
        fresh = wanted.awaited()
        found = find(fresh, besides=asked, listing=LISTED, progress=watcher)
        for page in found.pages:
            tally.see(page, kept=wanted.see(page))
        wanted.give_up(fresh)
        asked |= fresh
        if not wanted.awaited():
            break
    tally.leave(found.listed, [(f"{found.language}:{o.page_id}", o.title) for o in found.others])


def _read(
    pages: Iterable[RawPage | Reject], wanted: "_Wanted", tally: Tally, watcher: Progress
) -> None:
    """Read the source once, and again while a page that may have stood earlier is asked for."""
    for look in range(LOOKS):
        fresh = wanted.awaited()
        for page in _watched(pages, watcher):
            if isinstance(page, RawPage):
                kept = wanted.see(page)
                if look == 0:
                    tally.see(page, kept=kept)
                elif not wanted.awaited():
                    return
            elif look == 0:
                tally.pass_on(page)
                wanted.refuse(page, pages.spec if isinstance(pages, Source) else "")
        wanted.give_up(fresh)
        if not wanted.awaited():
            return


def _watched(pages: Iterable[RawPage | Reject], watcher: Progress) -> Iterator[RawPage | Reject]:
    if isinstance(pages, Source) and pages.watched is not None:
        return pages.watched(watcher)
    return iter(pages)


class _Wanted:
    """What classes ask for, and what was found so far."""

    def __init__(self, entries: tuple[ClassEntry, ...]) -> None:
        self._entries = entries
        self._asked = {e.id: _titles(e) for e in entries}
        self._titles = {title for titles in self._asked.values() for title in titles}
        self._awaited = set(self._titles)
        self._redirects: dict[str, str] = {}
        self._found: dict[str, RawPage] = {}
        self._given: dict[str, RawPage] = {}
        self._flawed: dict[str, str] = {}
        self.size = len(self._titles) + len(entries)  # pages that can be used

    def awaited(self) -> frozenset[str]:
        """Return the titles that are asked for and may yet be met."""
        return frozenset(self._awaited)

    def give_up(self, titles: frozenset[str]) -> None:
        """Await titles no longer that a whole reading did not meet."""
        self._awaited -= titles

    def see(self, page: RawPage) -> bool:
        """Keep a page if a class asks for it, and say so; follow a redirect that one asks for."""
        if page.class_id in self._asked and not flaw(page):
            return self._given.setdefault(str(page.class_id), page) is page
        if page.namespace != 0:
            return False
        names = [normal_title(page.title)]
        if page.alias and normal_title(page.alias) not in names:
            names.append(normal_title(page.alias))
        return any([self._see_named(name, page) for name in names if name in self._titles])

    def refuse(self, one: Reject, spec: str) -> None:
        """Remember why the source has no page under a title; its Rejects name it after `spec`."""
        if spec and one.input.startswith(f"{spec}:"):
            why = f"{one.reason} ({one.detail})" if one.detail else one.reason
            self._flawed.setdefault(normal_title(one.input.removeprefix(f"{spec}:")), why)

    def _see_named(self, name: str, page: RawPage) -> bool:
        if page.redirect is not None:
            self._awaited.discard(name)
            target = normal_title(page.redirect)
            self._redirects.setdefault(name, target)
            if target not in self._titles:
                self._titles.add(target)
                self._awaited.add(target)
        elif problem := flaw(page):
            self._awaited.discard(name)
            self._flawed.setdefault(name, problem)
        elif page.class_id is None:
            self._awaited.discard(name)
            return self._found.setdefault(name, page) is page
        return False

    def _resolve(self, title: str) -> str:
        seen: set[str] = set()
        while title in self._redirects and title not in self._found and title not in seen:
            seen.add(title)
            title = self._redirects[title]
        return title

    def matched(self, tally: Tally) -> Matched:
        """Return the pages by class, in the order of the class list."""
        by_page: dict[str, tuple[RawPage, list[str]]] = {}
        missing: list[Reject] = []
        for entry in self._entries:
            lost = []
            for title in self._asked[entry.id]:
                page = self._page(entry, title)
                if page is None:
                    lost.append(title)
                    continue
                ids = by_page.setdefault(
                    Tally.key(page), (_own_title(page, self._resolve(title)), [])
                )[1]
                if entry.id not in ids:
                    ids.append(entry.id)
            missing += self._missing(entry, lost)
        used = tuple(
            MatchedPage(raw=raw, class_ids=tuple(sorted(ids))) for raw, ids in by_page.values()
        )
        return Matched(pages=used, rejects=(*tally.rejects(frozenset(by_page)), *missing))

    def _page(self, entry: ClassEntry, asked: str) -> RawPage | None:
        return self._given.get(entry.id) or self._found.get(self._resolve(asked))

    def _missing(self, entry: ClassEntry, lost: list[str]) -> Iterator[Reject]:
        """Yield one row for a class without a page, or one for each title of it that has none."""
        if len(lost) == len(self._asked[entry.id]):
            why = "; ".join(self._why(title) for title in lost)
            yield reject(entry.id, "no page", why)
            return
        for title in lost:
            yield Reject(
                id=f"{STAGE}:{entry.id}: {title}",
                stage=STAGE,
                input=entry.id,
                reason="no page for one of its titles",
                detail=f"{entry.name}: {self._why(title)}",
            )

    def _why(self, asked: str) -> str:
        title = self._resolve(asked)
        told = f"asked for {asked!r}"
        if title != asked:
            told += f", which redirects to {title!r}"
        if title in self._awaited:
            return f"{told}: no more than {LOOKS} redirects are followed"
        return f"{told}: {self._flawed.get(title, 'the source has no such page')}"


def _titles(entry: ClassEntry) -> tuple[str, ...]:
    """Return the titles that a class asks for, each once."""
    return tuple(dict.fromkeys(normal_title(title) for title in entry.titles or (entry.name,)))


def _own_title(page: RawPage, title: str) -> RawPage:
    """Return a page under the reading of its file name that a class asked for."""
    if page.class_id is None and page.alias and normal_title(page.alias) == title:
        return replace(page, title=title)
    return page
