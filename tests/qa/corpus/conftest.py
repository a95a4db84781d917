"""The embedded sample, read once: its classes, pages and facts, and small pages made by hand."""

from collections.abc import Callable

import pytest

from imagewikiqa.builders.pages import make_page, match, open_source
from imagewikiqa.builders.sample import sample_classes
from imagewikiqa.core.digests import text_digest
from imagewikiqa.core.records import ClassEntry, Page, Section
from imagewikiqa.qa.corpus.facts import ClassFacts, class_facts
from imagewikiqa.qa.leaks import LeakChecker

MakePage = Callable[..., Page]


@pytest.fixture(scope="session")
def classes() -> tuple[ClassEntry, ...]:
    """Return the classes that have an article in the sample."""
    return sample_classes()


@pytest.fixture(scope="session")
def pages(classes: tuple[ClassEntry, ...]) -> dict[str, Page]:
    """Return the sample's page of each class."""
    made = [make_page(matched) for matched in match(open_source("sample"), classes).pages]
    return {name: page for page in made if isinstance(page, Page) for name in page.class_ids}


@pytest.fixture(scope="session")
def checker(classes: tuple[ClassEntry, ...]) -> LeakChecker:
    """Return the leak checker of the sample's classes."""
    return LeakChecker(classes)


@pytest.fixture(scope="session")
def facts(
    classes: tuple[ClassEntry, ...], pages: dict[str, Page], checker: LeakChecker
) -> tuple[ClassFacts, ...]:
    """Return the facts of every class of the sample."""
    return tuple(class_facts(entry, (pages[entry.id],), checker) for entry in classes)


@pytest.fixture(scope="session")
def page_of() -> MakePage:
    """Return a maker of small pages: page_of("prose", field="value")."""

    def make(prose: str, name: str = "c", **fields: str) -> Page:
        lines = "".join(f"\n{key}: {value}" for key, value in fields.items())
        text = f"{prose}\n\nInfobox{lines}"
        prose_ends = len(prose) + 2
        return Page(
            id=f"page:{name}", class_ids=(name,), title=name, page_id=1, revision_id=2,
            revision_timestamp=None, url="", license="CC0-1.0", text=text,
            sections=(
                Section(path=(), start=0, end=prose_ends),
                Section(path=("Infobox",), start=prose_ends, end=len(text)),
            ),
            facts=fields, source="test", sha256=text_digest(text),
        )  # fmt: skip

    return make
