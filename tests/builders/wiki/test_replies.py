"""Whatever a server sends, the client answers or says one sentence."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagewikiqa.builders.wiki import replies
from imagewikiqa.builders.wiki.api import WikiApi
from imagewikiqa.core.errors import ToolkitError
from tests.builders.wiki.fake_wiki import FakeWiki


@given(st.binary() | st.recursive(st.none() | st.text() | st.integers(), st.lists).map(repr))
def test_any_bytes_are_read_as_a_reply_or_as_none(body: bytes | str) -> None:
    raw = body if isinstance(body, bytes) else body.encode()
    parsed = replies.parse(raw)
    assert parsed is None or isinstance(parsed, dict)


VALID = {
    "continue": {"clcontinue": "1|A"},
    "query": {
        "normalized": [{"from": "crane", "to": "Crane"}],
        "redirects": [{"from": "Crane", "to": "Cranes", "tofragment": "Birds"}],
        "badrevids": {"9": {"revid": 9, "missing": True}},
        "pages": [
            {
                "pageid": 1,
                "ns": 0,
                "title": "Cranes",
                "lastrevid": 2,
                "length": 5,
                "pageprops": {"wikibase_item": "Q1"},
                "links": [{"ns": 0, "title": "Bird"}],
                "revisions": [
                    {
                        "revid": 2,
                        "timestamp": "2024-05-01T10:00:00Z",
                        "slots": {"main": {"contentmodel": "wikitext", "content": "Text."}},
                    }
                ],
            }
        ],
    },
}
ODD: st.SearchStrategy[object] = st.sampled_from(
    [None, True, -1, 0, 2**70, 1.5, "", "x", "\ud800", [], [None], ["x"], {}, {"x": 1}, [[]], [{}]]
)


def _spots(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys = [*value] if isinstance(value, dict) else [*range(len(value))]
    nested = [k for k in keys if isinstance(value[k], dict | list)]
    return [(*path, k) for k in keys] + [p for k in nested for p in _spots(value[k], (*path, k))]


def _bent(path: tuple[Any, ...], odd: object) -> dict[str, Any]:
    """Return the valid reply with something odd at one spot."""
    reply_: Any = json.loads(json.dumps(VALID))
    spot = reply_
    for key in path[:-1]:
        spot = spot[key]
    spot[path[-1]] = odd
    return dict(reply_)


@settings(max_examples=60)  # each one makes a store
@given(path=st.sampled_from(_spots(VALID)), odd=ODD)
def test_a_reply_bent_anywhere_gives_an_answer_or_one_sentence(
    path: tuple[Any, ...], odd: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bent = json.dumps(_bent(path, odd)).encode()
    ended = b'{"query": {}}'

    def serve(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=ended if "clcontinue" in request.url.params else bent)

    asks: tuple[Callable[[WikiApi], object], ...] = (
        lambda api: api.look_up(["crane"]),
        lambda api: [*api.revisions([2, 9])],
        lambda api: api.links("crane"),
        lambda api: api.last_events(["crane"]),
        lambda api: api.search("crane"),
    )
    wiki = FakeWiki(faults=[serve] * 100)
    with wiki.api(tmp_path_factory.mktemp("bent")) as api:
        for ask in asks:
            with contextlib.suppress(ToolkitError):
                ask(api)
