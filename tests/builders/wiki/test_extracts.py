"""Plain extracts come by wikipedia-api, and keep the rules like everything else."""

import builtins
from pathlib import Path
from typing import Any

import httpx
import pytest

from imagewikiqa.builders.wiki.extracts import extracts, open_wikipedia
from imagewikiqa.builders.wiki.records import Extract
from imagewikiqa.core.errors import MissingExtraError, ToolkitError
from imagewikiqa.core.records import Reject
from tests.builders.wiki.fake_wiki import CONTACT, FakeWiki, as_json, fake_site

TEXT = "The tiger is a cat.\n\n== Stripes ==\nIt has them."


def serve(request: httpx.Request) -> httpx.Response:
    """Answer what wikipedia-api asks, in the older format that it asks for."""
    query = dict(request.url.params)
    title = query["titles"]
    page: dict[str, Any] = {"pageid": 7, "ns": 0, "title": "Tiger"}
    if title == "Nothing":
        return as_json({"query": {"pages": {"-1": {"ns": 0, "title": title, "missing": ""}}}})
    more: dict[str, dict[str, Any]] = {
        "info": {"lastrevid": 42, "fullurl": "http://wiki.test/wiki/Tiger"},
        "extracts": {"extract": TEXT},
        "langlinks": {"langlinks": [{"lang": "de", "url": "https://x.test", "*": "Tiger (Tier)"}]},
    }
    return as_json({"query": {"pages": {"7": page | more[query["prop"]]}}})


def test_an_extract_has_text_revision_and_language_links(tmp_path: Path) -> None:
    wiki = FakeWiki(faults=[serve] * 9)
    [tiger, nothing] = extracts(["Tiger", "Nothing"], wiki.api(tmp_path))
    assert isinstance(tiger, Extract)
    assert (tiger.title, tiger.page_id, tiger.revision_id) == ("Tiger", 7, 42)
    assert tiger.summary == "The tiger is a cat."
    assert "It has them." in tiger.text
    assert tiger.langlinks == {"de": "Tiger (Tier)"}
    assert isinstance(nothing, Reject)
    assert nothing.reason == "missing page"


def test_its_requests_keep_the_rules_and_are_stored(tmp_path: Path) -> None:
    wiki = FakeWiki(faults=[serve] * 9)
    first = [*extracts(["Tiger"], wiki.api(tmp_path))]
    asked = len(wiki.requests)
    for request in wiki.requests:
        assert request.url.host == "wiki.test"
        assert CONTACT in request.headers["User-Agent"]
        assert "martin-majlis" not in request.headers["User-Agent"]
        assert request.url.params["maxlag"] == "5"
    assert [*extracts(["Tiger"], wiki.api(tmp_path, fake_site(contact=None)))] == first
    assert len(wiki.requests) == asked


def test_only_our_transport_tries_again(tmp_path: Path) -> None:
    wiki = FakeWiki(faults=[lambda _: httpx.Response(500)] * 100)
    with pytest.raises(ToolkitError, match="gave no answer in 8 tries"):
        [*extracts(["Tiger"], wiki.api(tmp_path))]
    assert len(wiki.requests) == 8


def test_a_wiki_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    wiki = FakeWiki(faults=[lambda _: httpx.Response(404)] * 100)
    with pytest.raises(ToolkitError, match=r"gives no extract of 'Tiger' \(WikiHttpError\)"):
        [*extracts(["Tiger"], wiki.api(tmp_path))]


def test_without_the_package_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: Any, **more: Any) -> Any:
        if name == "wikipediaapi":
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match=r"imagewikiqa\[scrape\]"):
        open_wikipedia(FakeWiki().api(tmp_path))
