"""An account of the pages that no class gets: counted as they pass, the first ones listed."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from imagewikiqa.builders.raw import RawPage, flaw, reject
from imagewikiqa.core.records import Reject

LISTED = 1000  # unused pages named for one reason; a dump has millions, which no one reads
_UNUSED = "no class asks for this page"
_DUPLICATE = "duplicate page"


@dataclass(frozen=True, slots=True)
class _Stub:
    """What is remembered of a page: when it came, which it is, and what its reject says."""

    at: int
    key: str
    id: str
    detail: str


class Tally:
    """Counts pages by the reason why they are not used, in memory that a dump cannot fill.

    Which pages are used is known at the end only. Until then those that may be are set apart, and
    of the others as many are remembered as can still turn out to be used, beyond `LISTED`.
    """

    def __init__(self, size: int) -> None:
        """Account for a source of whose pages at most `size` can be used."""
        self._room = LISTED + size
        self._at = 0
        self._counts: Counter[str] = Counter()
        self._stubs: dict[str, list[_Stub]] = {}
        self._kept: dict[str, _Stub] = {}
        self._again: Counter[str] = Counter()
        self._repeats: list[_Stub] = []
        self._passed: list[tuple[int, Reject]] = []

    @staticmethod
    def key(page: RawPage) -> str:
        """Return what tells a page from every other of its source."""
        return f"{page.id}\n{page.source}\n{page.title}"

    def see(self, page: RawPage, *, kept: bool) -> None:
        """Account for the next page of the source; `kept` if a class may get it."""
        self._at += 1
        key = self.key(page)
        if key in self._kept:
            self._again[key] += 1
            if len(self._repeats) < self._room:
                self._repeats.append(self._stub(page, key))
        elif kept:
            self._kept[key] = self._stub(page, key)
        else:
            self._count(flaw(page) or _UNUSED, page, key)

    def pass_on(self, one: Reject) -> None:
        """Account for a Reject of the source itself."""
        self._at += 1
        self._passed.append((self._at, one))

    def leave(self, listed: int, others: Iterable[tuple[str, str]]) -> None:
        """Account for the pages that were never read: of `listed` in all, some by id and title."""
        self._counts[_UNUSED] += max(0, listed - self._at)
        for name, title in others:
            self._at += 1
            self._stubs.setdefault(_UNUSED, []).append(_Stub(self._at, "", name, title))

    def rejects(self, used: frozenset[str]) -> tuple[Reject, ...]:
        """Return the Rejects of all pages but those whose keys are `used`."""
        times = Counter(stub.id for key, stub in self._kept.items() if key in used)
        self._settle(used)
        rows = list(self._passed)
        listed = [
            (stub, reason)
            for reason, stubs in self._stubs.items()
            for stub in sorted(stubs, key=lambda stub: stub.at)[:LISTED]
        ]
        for stub, reason in sorted(listed, key=lambda row: row[0].at):
            times[stub.id] += 1  # a source may repeat a page
            name = stub.id if times[stub.id] == 1 else f"{stub.id}#{times[stub.id]}"
            rows.append((stub.at, reject(name, reason, stub.detail)))
        more = (
            reject(f"more: {reason}", f"{reason}, and {count - LISTED:,} more pages")
            for reason, count in sorted(self._counts.items())
            if count > LISTED
        )
        return (*(row for _, row in sorted(rows, key=lambda row: row[0])), *more)

    def _settle(self, used: frozenset[str]) -> None:
        """Sort out what was set apart, and take out what a later reading found a use for."""
        for key, stub in self._kept.items():
            if key not in used:
                self._counts[_UNUSED] += 1
                self._stubs.setdefault(_UNUSED, []).append(stub)
        for key, count in self._again.items():
            self._counts[_DUPLICATE if key in used else _UNUSED] += count
        for stub in self._repeats:
            reason = _DUPLICATE if stub.key in used else _UNUSED
            self._stubs.setdefault(reason, []).append(stub)
        late = set(used - set(self._kept))
        self._counts[_UNUSED] -= len(late)
        left = []
        for stub in self._stubs.get(_UNUSED, []):
            if stub.key in late:
                late.remove(stub.key)
            elif stub.key in used:
                self._counts.update({_UNUSED: -1, _DUPLICATE: 1})
                self._stubs.setdefault(_DUPLICATE, []).append(stub)
            else:
                left.append(stub)
        self._stubs[_UNUSED] = left

    def _count(self, reason: str, page: RawPage, key: str) -> None:
        self._counts[reason] += 1
        stubs = self._stubs.setdefault(reason, [])
        if len(stubs) < self._room:
            stubs.append(self._stub(page, key))

    def _stub(self, page: RawPage, key: str) -> _Stub:
        detail = f"{page.title} → {page.redirect}" if page.redirect else page.title
        return _Stub(self._at, key, page.id, detail)
