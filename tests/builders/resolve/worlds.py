"""A small encyclopedia and its classes, kept in tests/data/resolve/world.json."""

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from imagewikiqa.builders.raw import normal_title
from imagewikiqa.builders.resolve.knowledge import Found
from imagewikiqa.core.records import ClassEntry

WORLD: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "data" / "resolve" / "world.json").read_text(encoding="utf-8")
)
CLASSES = tuple(ClassEntry.model_validate(row) for row in WORLD["classes"])


class World:
    """Knowledge of the pages in the file; counts the calls."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.described: list[str] = []

    def look_up(self, titles: Sequence[str]) -> dict[str, Found]:
        """Follow a redirect; titles are case-sensitive after the first letter."""
        self.calls["look_up"] += 1
        found = {}
        for title in titles:
            name = normal_title(title)
            target, _, fragment = WORLD["redirects"].get(name, name).partition("#")
            if target in WORLD["pages"]:
                found[title] = Found(
                    title=target,
                    redirected_from=name if target != name else None,
                    fragment=fragment or None,
                    is_disambiguation="list" in WORLD["pages"][target],
                )
        return found

    def describe(self, titles: Sequence[str]) -> dict[str, Found]:
        """Return the texts."""
        self.calls["describe"] += 1
        self.described += titles
        rows = {title: WORLD["pages"][title] for title in titles}
        return {
            title: Found(
                title=title,
                lead=row.get("lead", ""),
                categories=tuple(row.get("categories", ())),
                description=row.get("description", ""),
            )
            for title, row in rows.items()
        }

    def search(self, text: str) -> list[str]:
        """Return what the file lists for the text."""
        self.calls["search"] += 1
        return list(WORLD["search"].get(text, ()))

    def links(self, title: str) -> list[str]:
        """Return the meanings on a list page."""
        self.calls["links"] += 1
        return list(WORLD["pages"][title]["list"])
