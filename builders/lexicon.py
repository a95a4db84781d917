"""What the cleaner knows about wikitext, read once from `data/wikitext.toml`."""

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """Names that decide what a piece of wikitext shows; all names are lower case."""

    dropped_sections: frozenset[str]
    dropped_namespaces: frozenset[str]
    not_languages: frozenset[str]
    project_prefixes: frozenset[str]
    sealed_tags: frozenset[str]
    dropped_tags: frozenset[str]
    block_tags: frozenset[str]
    inline_tags: frozenset[str]
    boxes: frozenset[str]
    skipped_fields: frozenset[str]
    skipped_endings: frozenset[str]
    first: frozenset[str]
    second: frozenset[str]
    last: frozenset[str]
    joined: frozenset[str]
    quotes: frozenset[str]
    lists: frozenset[str]
    computed: frozenset[str]
    characters: dict[str, str]
    money: dict[str, str]
    languages: dict[str, str]
    units: dict[str, list[str]]


@cache
def lexicon() -> Lexicon:
    """Return the one lexicon of the package."""
    text = resources.files("imagewikiqa.builders").joinpath("data/wikitext.toml").read_text("utf-8")
    tables: dict[str, Any] = tomllib.loads(text)
    templates, boxes = tables.pop("templates"), tables.pop("boxes")
    tables |= {**templates, **boxes, "boxes": boxes["named"]}
    del tables["named"]
    fields: dict[str, Any] = {
        name: frozenset(value) if isinstance(value, list) else value
        for name, value in tables.items()
    }
    return Lexicon(**fields)
