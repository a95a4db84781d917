"""The question forms of the corpus author, read from forms.yaml into typed, compiled entries."""

import re
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Literal

import yaml

from imagewikiqa.core.digests import text_digest

Kind = Literal[
    "mass", "length", "speed", "time", "count", "year", "date", "person", "language", "place",
    "taxon", "number", "status", "phrase", "first", "item",
]  # fmt: skip
About = Literal["class", "name", "word", "any"]
MEASURED: frozenset[str] = frozenset({"mass", "length", "speed", "time", "count", "year"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One way to ask: the stem, the kind of its answers, and where they are found."""

    name: str
    stem: str
    named: str  # the stem used when the class is named
    kind: Kind
    families: frozenset[str]  # empty: every class
    fields: tuple[str, ...]
    find: tuple[re.Pattern[str], ...]
    about: About  # what must stand before a match
    unless: re.Pattern[str] | None
    must: re.Pattern[str] | None  # what a value found in a sentence has to match
    apart: bool  # wrong options only from classes of another kind


@lru_cache(maxsize=1)
def load_forms() -> tuple[Form, ...]:
    """Return all forms in file order."""
    return tuple(_form(**entry) for entry in yaml.safe_load(_text()))


@lru_cache(maxsize=1)
def forms_ref() -> str:
    """Return the forms' name and digest, stored with every question they make."""
    return f"forms@{text_digest(_text())[:12]}"


def _text() -> str:
    folder = resources.files("imagewikiqa.qa.corpus")
    return folder.joinpath("forms.yaml").read_text(encoding="utf-8")


def _form(
    *,
    form: str,
    stem: str,
    kind: Kind,
    families: list[str],
    named: str | None = None,
    fields: list[str] | None = None,
    find: list[str] | None = None,
    about: About = "class",
    unless: str | None = None,
    must: str | None = None,
    apart: bool = False,
) -> Form:
    return Form(
        name=form,
        stem=stem,
        named=named or stem,
        kind=kind,
        families=frozenset(families),
        fields=tuple(fields or ()),
        find=tuple(re.compile(pattern) for pattern in find or ()),
        about=about,
        unless=re.compile(unless) if unless else None,
        must=re.compile(must, re.IGNORECASE) if must else None,
        apart=apart,
    )
