"""Titles in another language come from the links that Wikipedias keep, many to a request."""

from pathlib import Path

from imagewikiqa.builders.wiki.api import open_api
from imagewikiqa.builders.wiki.languages import titles_in, translated
from imagewikiqa.core.records import ClassEntry

from .action_api import Site
from .scraping import site_at
from .site_pages import SitePage
from .strict_server import StrictServer


def served(*texts: tuple[str, str]) -> StrictServer:
    """Return a server of these titles and texts."""
    pages = [
        SitePage(page_id=number, title=title, revision_id=100 + number, wikitext=text)
        for number, (title, text) in enumerate(texts, 1)
    ]
    return StrictServer(Site(pages))


def test_classes_get_the_titles_of_the_other_language_or_a_reject(tmp_path: Path) -> None:
    classes = [
        ClassEntry(id="c1", name="tench", title="Tench"),
        ClassEntry(id="c2", name="shield", title="Shield | Buckler"),
        ClassEntry(id="c3", name="only here", title="Only here"),
        ClassEntry(id="c4", name="tinca"),
    ]
    texts = (
        ("Tench", "A fish. [[de:Schleie]] [[fr:Tanche]]"),
        ("Shield", "Armour. [[de:Schild]]"),
        ("Buckler", "Small. [[de:Buckler]]"),
        ("Only here", "Alone. [[fr:Seul]]"),
        ("Tinca", "#REDIRECT [[Tench]]"),
    )
    with served(*texts) as server, open_api(
        site_at(server.api), tmp_path / "store.sqlite", limits=tmp_path / "limits"
    ) as api:  # fmt: skip
        kept, rejects = translated(classes, "de", api)
    assert [(entry.id, entry.titles) for entry in kept] == [
        ("c1", ("Schleie",)),
        ("c2", ("Schild", "Buckler")),
        ("c4", ("Schleie",)),
    ]
    assert [(one.input, one.reason) for one in rejects] == [("c3", "no article in this language")]
    assert server.record.violations == []


def test_fifty_titles_go_into_one_request(tmp_path: Path) -> None:
    titles = [f"Thing {number}" for number in range(120)]
    with served(*((t, f"A. [[de:Ding {t}]]") for t in titles)) as server, open_api(
        site_at(server.api, per_second=100), tmp_path / "store.sqlite", limits=tmp_path / "limits"
    ) as api:  # fmt: skip
        found = titles_in("de", titles, api)
    assert found == {title: f"Ding {title}" for title in titles}
    assert len(server.record.seen) == 3
