"""The resolver asks a wiki over the network politely, in few requests, and once."""

from pathlib import Path

from imagewikiqa.builders.resolve.from_api import FromApi
from imagewikiqa.builders.resolve.resolve import resolve
from imagewikiqa.builders.wiki.api import open_api
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
