"""One answer of the action API while it is made: pages, warnings, and where to go on."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from .site_pages import SitePage

SEVERAL = 50  # titles, page ids or revision ids in one request
TOKENS = {  # how the parameters that continue a property are called
    "revisions": "rvcontinue", "categories": "clcontinue", "links": "plcontinue",
    "langlinks": "llcontinue", "templates": "tlcontinue",
    "redirects": "rdcontinue", "extracts": "excontinue",
}  # fmt: skip


class ApiError(Exception):
    """An answer that is an error: its code and its words."""

    def __init__(self, code: str, info: str) -> None:
        super().__init__(info)
        self.code = code


@dataclass(slots=True)
class Answered:
    """What is known of one request while it is answered."""

    query: dict[str, Any] = field(default_factory=dict)
    go_on: dict[str, str | int] = field(default_factory=dict)
    warnings: dict[str, Any] = field(default_factory=dict)
    pages: list[SitePage] = field(default_factory=list)
    unknown: list[dict[str, Any]] = field(default_factory=list)
    texts: list[int] = field(default_factory=list)  # revisions whose text was handed out

    def body(self, done: Iterable[str]) -> dict[str, Any]:
        """Return the JSON of the answer; a list goes on although the batch of pages is complete."""
        listing = not self.go_on.keys() & TOKENS.values()
        told: dict[str, Any] = {"batchcomplete": True} if listing else {}
        if self.go_on:
            told["continue"] = {
                **self.go_on, "continue": "-||" if listing else "||" + "|".join(done)
            }  # fmt: skip
        return {**told, **self._rest()}

    def _rest(self) -> dict[str, Any]:
        told = {"query": self.query} if self.query else {}
        return {"warnings": self.warnings, **told} if self.warnings else told


def limit_of(asked: str | None) -> int:
    """Return how many entries are wanted, by a parameter that ends in limit."""
    return 500 if asked == "max" else min(500, int(asked or 10))
