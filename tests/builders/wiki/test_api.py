"""The client files every answer under the title asked, whatever the wiki makes of it."""

import hashlib
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagewikiqa.builders.wiki.api import WikiApi
from imagewikiqa.builders.wiki.titles import batches, spelled
from imagewikiqa.core.errors import ToolkitError
from tests.builders.wiki.fake_wiki import FakeWiki, as_json, fake_site, reply

Query = dict[str, Any]


class Script(FakeWiki):
    """A wiki that gives prepared answers, in order, to whatever is asked."""

    def __init__(self, *answers: Query) -> None:
        super().__init__()
        self._answers = [*answers]

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            self.requests.append(request)
            return as_json(self._answers.pop(0))

    def asked(self, name: str) -> list[str | None]:
        return [request.url.params.get(name) for request in self.requests]


def test_titles_are_looked_up_fifty_at_a_time_and_never_again(tmp_path: Path) -> None:
    wiki = FakeWiki(texts={f"Page {n}": f"Text {n}." for n in range(120)})
    api = wiki.api(tmp_path)
    found = api.look_up([f"page {n}" for n in range(130)])
    assert [*found] == [f"page {n}" for n in range(130)]
    assert found["page 7"].title == "Page 7"
    assert found["page 7"].revision_id == 1007
    assert found["page 125"].outcome == "missing page"
    sizes = [len(request.url.params["titles"].split("|")) for request in wiki.requests]
    assert sorted(sizes) == [30, 50, 50]
    assert wiki.api(tmp_path).look_up(found) == found
    assert len(wiki.requests) == 3


def test_answers_older_than_asked_for_are_replaced(tmp_path: Path) -> None:
    wiki = FakeWiki(texts={"Tiger": "A cat."})
    assert wiki.api(tmp_path).look_up(["Lion"])["Lion"].outcome == "missing page"
    wiki.texts["Lion"] = "Another cat."
    assert wiki.api(tmp_path).look_up(["Lion"])["Lion"].outcome == "missing page"
    time.sleep(0.001)
    now = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time.time() + 1))
    assert wiki.api(tmp_path, since=now).look_up(["Lion"])["Lion"].outcome == "page"


def test_a_redirect_chain_and_its_section_are_told(tmp_path: Path) -> None:
    wiki = FakeWiki(texts={"C": "Text."}, redirects={"A": "B", "B": "C#Part"})
    fate = wiki.api(tmp_path).look_up(["a"])["a"]
    assert (fate.normalized, fate.redirects, fate.title) == ("A", ("A", "B"), "C")
    assert fate.fragment == "Part"


def test_a_section_in_the_title_asked_is_kept(tmp_path: Path) -> None:
    wiki = FakeWiki(texts={"Tiger": "Text."})
    fate = wiki.api(tmp_path).look_up(["Tiger#Stripes"])["Tiger#Stripes"]
    assert (fate.title, fate.fragment) == ("Tiger", "Stripes")


def test_spaces_underscores_and_letters_are_sent_as_the_wiki_writes_them(tmp_path: Path) -> None:
    wiki = FakeWiki(texts={"Tea kettle": "a", "Caf\u00e9": "b"})
    found = wiki.api(tmp_path).look_up([" Tea__kettle ", "Cafe\u0301"])
    assert [fate.title for fate in found.values()] == ["Tea kettle", "Caf\u00e9"]


def test_titles_of_any_script_are_sent(tmp_path: Path) -> None:
    names = [
        "\u0646\u06cc\u0645\u200c\u0641\u0627\u0635\u0644\u0647",
        "\u0915\u094d\u200d\u0937",
        "\u732b",
    ]
    wiki = FakeWiki(texts=dict.fromkeys(names, "Text."))
    assert all(fate.is_article for fate in wiki.api(tmp_path).look_up(names).values())


def test_titles_no_wiki_could_hold_are_not_sent(tmp_path: Path) -> None:
    wiki = FakeWiki()
    found = wiki.api(tmp_path).look_up(["a|b", "<b>", "x\x1fy", "#", "[[Tiger]]"])
    assert {fate.outcome for fate in found.values()} == {"invalid title"}
    assert wiki.requests == []


@pytest.mark.parametrize(
    "mark",
    [
        {"pageprops": {"disambiguation": ""}},
        {"categories": [{"ns": 14, "title": "Category:Disambiguation pages"}]},
        {"templates": [{"ns": 10, "title": "Template:Disambig"}]},
    ],
)
def test_disambiguation_is_known_by_property_category_or_template(
    mark: Query, tmp_path: Path
) -> None:
    page = {"pageid": 1, "ns": 0, "title": "Crane", "lastrevid": 2, "length": 3, **mark}
    wiki = Script({"query": {"pages": [page]}})
    assert wiki.api(tmp_path).look_up(["Crane"])["Crane"].is_disambiguation


def test_an_answer_in_parts_is_joined(tmp_path: Path) -> None:
    page = {"pageid": 1, "ns": 0, "title": "Crane", "lastrevid": 2}
    wiki = Script(
        {"continue": {"clcontinue": "1|A", "continue": "||info"}, "query": {"pages": [page]}},
        {"query": {"pages": [{**page, "categories": [{"ns": 14, "title": "Category:X"}]}]}},
    )
    assert wiki.api(tmp_path).look_up(["Crane"])["Crane"].is_disambiguation
    assert wiki.asked("clcontinue") == [None, "1|A"]


def test_an_answer_that_never_ends_is_refused(tmp_path: Path) -> None:
    again = {"continue": {"plcontinue": "1|0|A"}, "query": {"pages": []}}
    with pytest.raises(ToolkitError, match="never ends an answer"):
        Script(again, again, again).api(tmp_path).links("Crane")


def test_the_links_of_a_page_are_listed_whole(tmp_path: Path) -> None:
    first = {"pageid": 1, "ns": 0, "title": "Crane", "links": [{"ns": 0, "title": "Bird"}]}
    second = {"pageid": 1, "ns": 0, "title": "Crane", "links": [{"ns": 0, "title": "Machine"}]}
    wiki = Script(
        {"continue": {"plcontinue": "1|0|Machine"}, "query": {"pages": [first]}},
        {"query": {"pages": [second]}},
    )
    assert wiki.api(tmp_path).links("Crane") == ("Bird", "Machine")


def test_categories_come_without_their_prefix_under_the_title_asked(tmp_path: Path) -> None:
    page = {"pageid": 1, "ns": 0, "title": "Tiger"}
    cats = [{"ns": 14, "title": "Category:Big cats"}, {"ns": 14, "title": "Kategorie:A: B"}]
    wiki = Script({
        "query": {
            "redirects": [{"from": "Tiger cat", "to": "Tiger"}],
            "pages": [{**page, "categories": cats}, {"ns": 0, "title": "No", "missing": True}],
        }
    })  # fmt: skip
    assert wiki.api(tmp_path).categories(["Tiger cat", "No"]) == {"Tiger cat": ("Big cats", "A: B")}


def test_leads_go_on_where_the_wiki_lowers_the_limit_to_one(tmp_path: Path) -> None:
    warning = {
        "code": "", "module": "extracts",
        "text": '"exlimit" was too large for a whole article extracts request, lowered to 1.',
    }  # fmt: skip
    pages = [{"pageid": n, "ns": 0, "title": name} for n, name in enumerate(("A", "B"), 1)]
    wiki = Script(
        {
            "warnings": [warning],
            "continue": {"excontinue": 1, "continue": "||"},
            "query": {"pages": [{**pages[0], "extract": "First.\n"}, pages[1]]},
        },
        {"query": {"pages": [pages[0], {**pages[1], "extract": "Second."}]}},
    )
    assert wiki.api(tmp_path).leads(["A", "B"]) == {"A": "First.", "B": "Second."}
    assert wiki.asked("excontinue") == [None, "1"]


def test_a_wiki_without_extracts_says_so(tmp_path: Path) -> None:
    old = {"main": {"warnings": 'Unrecognized value for parameter "prop": extracts'}}
    with pytest.raises(ToolkitError, match="has no TextExtracts"):
        Script({"warnings": old, "query": {}}).api(tmp_path).leads(["A"])


def test_search_gives_titles_only(tmp_path: Path) -> None:
    hits = [{"ns": 0, "title": "Tiger", "pageid": 1}, {"ns": 0, "title": "Lion", "pageid": 2}]
    wiki = Script({"query": {"search": hits}})
    assert wiki.api(tmp_path).search("big cat", 1) == ("Tiger",)
    assert wiki.asked("srsearch") == ["big cat"] and wiki.asked("srwhat") == ["text"]


@pytest.mark.parametrize(
    "ask",
    [
        lambda api: api.look_up(["Tiger", "a\ud800"]),
        lambda api: api.leads(["a\ud800"]),
        lambda api: api.links("a\ud800"),
        lambda api: api.last_events(["a\ud800"]),
        lambda api: api.search("a\ud800"),
    ],
)
def test_half_a_character_is_one_sentence_before_anything_is_asked(
    ask: Callable[[WikiApi], object], tmp_path: Path
) -> None:
    wiki = FakeWiki(texts={"Tiger": "Text."})
    with pytest.raises(ToolkitError, match=r"'a.ud800' holds half a character: save"):
        ask(wiki.api(tmp_path))
    assert wiki.requests == []


@pytest.mark.parametrize(
    "error",
    [
        {"error": {"code": "badtoken", "info": "Nobody knows"}},
        {"errors": [{"code": "badtoken", "text": "Nobody knows", "module": "main"}]},
    ],
)
def test_an_unknown_error_is_told_by_code_and_words(error: Query, tmp_path: Path) -> None:
    with pytest.raises(ToolkitError, match=r"wiki\.test refuses .* badtoken \(Nobody knows\)"):
        Script(error).api(tmp_path).search("x")


def test_a_request_that_was_partly_passed_over_is_refused(tmp_path: Path) -> None:
    warning = {"code": "toomanyvalues", "text": "Too many values", "module": "query"}
    with pytest.raises(ToolkitError, match="passes over a part of the request"):
        Script({"warnings": [warning], "query": {}}).api(tmp_path).look_up(["A"])


def test_another_address_is_no_api(tmp_path: Path) -> None:
    wiki = FakeWiki(faults=[lambda _: httpx.Response(404, content=b"<html>")])
    with pytest.raises(ToolkitError, match=r"status 404: check the address"):
        wiki.api(tmp_path).search("x")


def test_revisions_come_in_parts_in_order_and_once(tmp_path: Path) -> None:
    wiki = FakeWiki(texts={f"Page {n}": f"Text {n} – \u00e4." for n in range(130)}, per_answer=20)
    api = wiki.api(tmp_path)
    ids = [*range(1000, 1130)][::-1]
    found = [*api.revisions(ids)]
    assert [revision.revision_id for revision in found] == ids
    assert all(r.wikitext == f"Text {r.revision_id - 1000} – \u00e4." for r in found)
    assert sorted(wiki.served) == sorted(ids)
    assert [*wiki.api(tmp_path).revisions(ids)] == found
    assert sorted(wiki.served) == sorted(ids)


def test_progress_counts_every_title_and_revision(tmp_path: Path) -> None:
    class Watcher:
        def __init__(self) -> None:
            self.told: list[tuple[str, int, int]] = []
            self.count = 0

        def begin(self, stage: str, total: int, done: int) -> None:
            self.told.append((stage, total, done))
            self.count += done

        def spend(self, calls: int, usd: float, unknown: bool) -> None:
            raise AssertionError("nothing here asks a model")

        def advance(self, count: int) -> None:
            self.count += count

        def end(self) -> None:
            pass

    wiki = FakeWiki(texts={f"Page {n}": f"Text {n}." for n in range(70)})
    api, first, again = wiki.api(tmp_path), Watcher(), Watcher()
    api.look_up(wiki.texts, first)
    api.fetch(range(1000, 1070), first)
    assert first.told == [("titles", 70, 0), ("revisions", 70, 0)]
    assert first.count == 140
    api.fetch(range(1000, 1070), again)
    assert again.told == [("revisions", 70, 70)]
    assert again.count == 70


def test_revisions_without_text_say_why(tmp_path: Path) -> None:
    def page(number: int, slot: Query) -> Query:
        revision = {"revid": number, "timestamp": "2024-05-01T10:00:00Z", "slots": {"main": slot}}
        return {"pageid": number, "ns": 0, "title": f"P{number}", "revisions": [revision]}

    wiki = Script({
        "query": {
            "badrevids": {"9": {"revid": 9, "missing": True}},
            "pages": [
                page(1, {"texthidden": True}),
                page(2, {"contentmodel": "css", "content": "a {}"}),
                page(3, {"missing": True}),
                page(4, {"contentmodel": "wikitext", "content": "Text."}),
            ],
        }
    })  # fmt: skip
    found = {r.revision_id: r.problem for r in wiki.api(tmp_path).revisions([1, 2, 3, 4, 9])}
    assert found == {
        1: "hidden revision",
        2: "not wikitext",
        3: "lost revision",
        4: "",
        9: "deleted revision",
    }


def test_a_text_that_is_not_its_sha1_is_fetched_raw_and_checked(tmp_path: Path) -> None:
    exact = "Cafe\u0301"
    sha1 = "0" * 40

    def serve(request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("index.php"):
            return httpx.Response(200, content=exact.encode())
        content = {"content": "Caf\u00e9"} if "content" in request.url.params["rvprop"] else {}
        slot = {"contentmodel": "wikitext", "sha1": sha1, **content}
        revision = {"revid": 5, "timestamp": "2024-05-01T10:00:00Z", "slots": {"main": slot}}
        return reply({"pages": [{"pageid": 1, "ns": 0, "title": "C", "revisions": [revision]}]})

    wiki = FakeWiki(faults=[serve] * 6)
    [wrong] = wiki.api(tmp_path / "wrong").revisions([5])
    assert (wrong.problem, wrong.wikitext) == ("text differs from its sha1", "")
    sha1 = hashlib.sha1(exact.encode()).hexdigest()
    [right] = wiki.api(tmp_path / "right").revisions([5])
    assert (right.problem, right.wikitext, right.title) == ("", exact, "C")


def test_no_more_requests_are_in_flight_than_allowed(tmp_path: Path) -> None:
    wiki = FakeWiki(texts={f"Page {n}": "Text." for n in range(400)})
    flying, most, lock = 0, 0, threading.Lock()

    def slow(request: httpx.Request) -> httpx.Response:
        nonlocal flying, most
        with lock:
            flying += 1
            most = max(most, flying)
        time.sleep(0.02)
        with lock:
            flying -= 1
        return wiki(request)

    api = wiki.api(tmp_path)
    api.transport._inner = httpx.MockTransport(slow)
    api.look_up([f"Page {n}" for n in range(400)])
    assert 1 < most <= 3


def test_one_refusal_ends_the_whole_look_up(tmp_path: Path) -> None:
    wiki = FakeWiki(faults=[lambda _: httpx.Response(403, content=b"Go away")])
    with pytest.raises(ToolkitError, match=r"refuses this client \(status 403, Go away\)"):
        wiki.api(tmp_path).look_up([f"Page {n}" for n in range(1000)])
    assert len(wiki.requests) <= 3


def test_an_interrupt_does_not_sit_a_pause_out(tmp_path: Path) -> None:
    main = threading.main_thread().ident
    assert main == threading.get_ident()

    def wait(_: httpx.Request) -> httpx.Response:
        threading.Timer(0.2, signal.pthread_kill, (main, signal.SIGINT)).start()
        return httpx.Response(429, headers={"retry-after": "3600"})

    with pytest.raises(KeyboardInterrupt):
        FakeWiki(faults=[wait]).api(tmp_path).look_up(map(str, range(500)))


@given(st.lists(st.text(max_size=300), unique=True, max_size=120))
def test_batches_hold_every_title_once_within_number_and_length(titles: list[str]) -> None:
    parts = batches(titles, 50)
    assert [title for batch in parts for title in batch] == titles
    for batch in parts:
        assert 1 <= len(batch) <= 50
        assert len(batch) == 1 or len(quote_plus("|".join(map(spelled, batch)))) <= 6000


def test_the_site_of_a_client_is_the_one_given(tmp_path: Path) -> None:
    site = fake_site(language="de")
    assert FakeWiki().api(tmp_path, site).site is site
