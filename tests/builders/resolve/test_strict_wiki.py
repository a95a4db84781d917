"""The resolver asks a wiki over the network politely, in few requests, and once."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from imagewikiqa.builders.raw import normal_title
from imagewikiqa.builders.resolve.from_api import FromApi
from imagewikiqa.builders.resolve.resolve import resolve
from imagewikiqa.builders.wiki.api import open_api
from imagewikiqa.core.classes import load_classes
from imagewikiqa.core.records import ClassEntry
from tests.builders.resolve.worlds import CLASSES, WORLD, World
from tests.builders.wiki.action_api import Site as Served
from tests.builders.wiki.referee import Rules
from tests.builders.wiki.scraping import site_at
from tests.builders.wiki.site_pages import SitePage
from tests.builders.wiki.strict_server import StrictServer

FAST = Rules(minute=3.0)  # twenty times: what takes a minute takes three seconds


def served() -> list[SitePage]:
    """Return the small encyclopedia as wikitext."""
    texts = {title: f"#REDIRECT [[{target}]]" for title, target in WORLD["redirects"].items()}
    for title, row in WORLD["pages"].items():
        if "list" in row:
            links = "\n".join(f"* [[{name}]]" for name in row["list"])
            texts[title] = f"'''{title}''' may refer to:\n{links}\n{{{{disambiguation}}}}"
        else:
            marks = "\n".join(f"[[Category:{name}]]" for name in row.get("categories", ()))
            texts[title] = f"{row['lead']}\n\n== More ==\nText.\n{marks}"
    return [
        SitePage(page_id=100 + n, title=title, revision_id=900 + n, wikitext=text)
        for n, (title, text) in enumerate(texts.items())
    ]


def test_a_strict_wiki_sees_no_breach_and_is_asked_each_thing_once(tmp_path: Path) -> None:
    with StrictServer(Served(served()), FAST) as server:
        site = site_at(server.api, per_second=60.0)
        with open_api(site, tmp_path / "store.sqlite", limits=tmp_path / "limits") as api:
            first = resolve(CLASSES, FromApi(api))
            asked = len(server.record.seen)
            again = resolve(CLASSES, FromApi(api))
        assert server.record.violations == []
        assert len(server.record.seen) == asked < 40
    assert again == first
    best = {r.id: [c.title for c in r.candidates[:1]] for r in resolve(CLASSES, World())}
    assert {r.id: [c.title for c in r.candidates[:1]] for r in first} == best
    assert sum(r.outcome == "resolved" for r in first) >= 8  # it has no short descriptions
    orange = next(r for r in first if r.id == "orange").candidates[0]
    page = next(page for page in served() if page.title == "Orange (fruit)")
    assert (orange.page_id, orange.revision_id) == (page.page_id, page.revision_id)


def articles(classes: Sequence[ClassEntry]) -> list[SitePage]:
    """Return one article for each class, which says what the class list says."""
    titles = [normal_title((entry.title or entry.name).split(" | ")[0]) for entry in classes]
    texts = {
        title: f"'{title}' is a {entry.hypernyms[0]}. {entry.definition}\n\n== More ==\nText."
        for title, entry in zip(titles, classes, strict=True)
    }
    return [
        SitePage(page_id=100 + n, title=title, revision_id=900 + n, wikitext=text)
        for n, (title, text) in enumerate(texts.items())
    ]


@pytest.mark.parametrize(("known", "most"), [(True, 25), (False, 8 + 3 * 37)])
def test_a_list_of_classes_costs_a_request_for_50_titles_and_3_searches_a_doubt(
    tmp_path: Path, known: bool, most: int
) -> None:
    classes = load_classes("oxford_pets")
    with StrictServer(Served(articles(classes[: 37 if known else 1])), FAST) as server:
        site = site_at(server.api, per_second=60.0)
        with open_api(site, tmp_path / "store.sqlite", limits=tmp_path / "limits") as api:
            found = resolve(classes, FromApi(api))
    assert server.record.violations == []
    assert len(server.record.seen) <= most
    assert sum(r.outcome == "resolved" for r in found) >= (35 if known else 1)
