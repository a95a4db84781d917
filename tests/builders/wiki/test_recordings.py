"""Real exchanges with Wikipedia, replayed strictly through our transport and client."""

import json
from pathlib import Path

import httpx
import pytest

from imagewikiqa.builders.wiki import fates, replies
from imagewikiqa.builders.wiki.api import WikiApi, open_store
from imagewikiqa.builders.wiki.extracts import extracts
from imagewikiqa.builders.wiki.limiter import Limiter
from imagewikiqa.builders.wiki.records import Extract
from imagewikiqa.builders.wiki.settings import Limits, Site
from imagewikiqa.core.records import Reject

from .recordings import Exchange, Replay, read_recordings

FAST = Limits(per_second=1000.0, backoff=0.001, longest_backoff=0.01)
SITE = Site(contact="operator@lab.test", limits=FAST)
# Ours asks for more properties and another format of the same: what the wiki says is equal.
FORMAT = ("format", "formatversion", "errorformat", "inprop", "ppprop", "origin")


def client_of(replay: Replay, folder: Path, site: Site = SITE) -> WikiApi:
    store = open_store(folder / "store.sqlite")
    return WikiApi(
        site, store, limiter=Limiter(site.pool, site.limits, folder / "limits"), inner=replay
    )


@pytest.fixture(scope="session")
def recorded(shared_data: Path) -> dict[str, list[Exchange]]:
    """Return the given recordings by file."""
    folder = shared_data / "wiki_api_recordings"
    return {file.stem: read_recordings(file) for file in sorted(folder.glob("*.jsonl"))}


def test_a_request_that_nobody_recorded_fails(tmp_path: Path) -> None:
    url = "https://en.wikipedia.org/w/api.php?action=query&titles=A%7CB&format=json"
    known = Exchange(url=url, status=200, headers={}, body=b'{"query": {}}')
    with httpx.Client(transport=Replay([known])) as client:
        same = "https://en.wikipedia.org/w/api.php?format=json&maxlag=5&titles=A|B&action=query"
        assert client.get(same).json() == {"query": {}}
        for other in (f"{same}&redirects=1", same.replace("A|B", "B|A"), f"{url}&maxlag=99"):
            with pytest.raises(AssertionError):
                client.get(other)


def test_wikipedia_api_reads_an_article_of_english_wikipedia(
    recorded: dict[str, list[Exchange]], tmp_path: Path
) -> None:
    replay = Replay(recorded["wikipedia_api_py"])
    asked = ["Python_(programming_language)", "NonExistentPage_WikiAPI_Test_12345"]
    with client_of(replay, tmp_path) as api:
        article, missing = extracts(asked, api)
        assert isinstance(article, Extract) and article.page_id == 23862
        assert article.summary.startswith("Python is a high-level, general-purpose programming")
        assert (
            len(article.text) > 30_000 and article.langlinks["de"] == "Python (Programmiersprache)"
        )
        assert isinstance(missing, Reject) and missing.reason == "missing page"
        before = len(replay.asked)
        again = [*extracts(asked, api)]
        assert again == [article, missing] and len(replay.asked) == before  # all from the store


def test_an_answer_that_leads_from_http_to_https_is_followed(
    recorded: dict[str, list[Exchange]], tmp_path: Path
) -> None:
    moved = [
        one
        for one in recorded["wiki_js_har"]
        if one.status == 301 and one.url.startswith("http://en.") and "prop=" in one.url
    ]
    replay = Replay(recorded["wiki_js_har"])
    site = Site(api="http://en.wikipedia.org/w/api.php", contact="operator@lab.test", limits=FAST)
    with client_of(replay, tmp_path, site) as api, httpx.Client(transport=api.transport) as client:
        for one in moved:
            reply = client.get(one.url)
            assert reply.status_code == 200 and reply.json().keys() & {"query", "batchcomplete"}
    assert len(moved) > 40
    assert len(replay.asked) == 2 * len({one.url for one in moved})


@pytest.mark.parametrize(
    ("asked", "title", "normalized", "redirects"),
    [
        ("FC Copenhagen", "F.C. Copenhagen", "FC Copenhagen", ("FC Copenhagen",)),
        ("athena", "Athena", "Athena", ()),
        ("Batman", "Batman", "Batman", ()),
    ],
)
def test_a_title_looked_up_on_wikipedia_leads_where_it_led(
    recorded: dict[str, list[Exchange]],
    tmp_path: Path,
    asked: str,
    title: str,
    normalized: str,
    redirects: tuple[str, ...],
) -> None:
    with client_of(Replay(recorded["wiki_js_har"], ignored=FORMAT), tmp_path) as api:
        fate = api.look_up([asked])[asked]
    assert (fate.outcome, fate.title) == ("page", title)
    assert (fate.normalized, fate.redirects, fate.fragment) == (normalized, redirects, "")
    assert fate.page_id and fate.revision_id and fate.length


@pytest.mark.parametrize(
    ("file", "asked", "outcome", "title", "redirects"),
    [
        ("wptools", "Douglas Adams (disambiguation)", "disambiguation page", None, ()),
        ("wptools", "Adams, Douglas", "page", "Douglas Adams", ("Adams, Douglas",)),
        ("wptools", "Douglas Adams", "page", None, ()),
        ("wiki_js_har", "Java_Classloader", "page", "Java Classloader", ()),
        ("wiki_js_har", "Lisa_(rapper)", "page", "Lisa (rapper)", ()),
        (
            "wikipedia_api_py",
            "NonExistentPage_WikiAPI_Test_12345",
            "missing page",
            "NonExistentPage WikiAPI Test 12345",
            (),
        ),
    ],
)
def test_what_wikipedia_said_of_a_title_is_read_rightly(
    recorded: dict[str, list[Exchange]],
    file: str,
    asked: str,
    outcome: str,
    title: str | None,
    redirects: tuple[str, ...],
) -> None:
    about = [one for one in recorded[file] if one.status == 200]
    about = [one for one in about if one.parameter("titles") == asked]
    (reply,) = [text for one in about if "lastrevid" in (text := one.text) or "missing" in text]
    fate = fates.fate(json.loads(reply)["query"], asked, asked)
    assert (fate.outcome, fate.title, fate.redirects) == (outcome, title or asked, redirects)
    assert (fate.revision_id is None) == (outcome == "missing page")


def test_no_recorded_answer_is_misread(recorded: dict[str, list[Exchange]]) -> None:
    kinds: dict[str, int] = {}
    for one in (one for ones in recorded.values() for one in ones if one.status == 200):
        reply = replies.parse(one.text.encode())
        if reply is None:
            kinds["no JSON"] = kinds.get("no JSON", 0) + 1  # an export in XML
            continue
        said = "error" if replies.errors(reply) else "warned" if replies.warnings(reply) else "fine"
        kinds[said] = kinds.get(said, 0) + 1
        for page in replies.pages(reply.get("query") or {}):
            assert isinstance(page.get("title"), str)
    assert kinds == {"error": 2, "fine": 158, "no JSON": 1, "warned": 26}
