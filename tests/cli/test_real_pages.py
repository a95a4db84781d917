"""Real Wikipedia pages, as dumps and as folders: nothing crashes, nothing is lost, no markup."""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.builders.pages import flaw, open_source
from imagewikiqa.builders.raw import RawPage
from imagewikiqa.core.classes import slug

Row = dict[str, Any]
# Wikitext, HTML, entities, link targets, template and reference remains.
MARKUP = re.compile(
    r"\[\[|\]\]|\{\{|\}\}|\{\||\|\}|\||'''?|={2,}|<[^>]*>|&#?\w+;|https?://|\[\d+\]|__[A-Z]+__|"
    r"\b(?:File|Image|Category|Template|thumb|ref|cite|nbsp|convert):?\s*[|=]|[\[\]{}<>*#^~\\]|\n|\t"
)


@dataclass(frozen=True)
class Source:
    """A source beside the repository, and the least it must give; 0 may end in one sentence."""

    name: str
    spec: str
    pages: int
    used: int
    drafts: int
    questions: int


SOURCES = (
    Source("gensim", "dump:wiki_xml/enwiki_2016_gensim.xml.bz2", 103, 48, 10, 3),
    Source("dbpedia", "dump:wiki_xml/enwiki_2021_dbpedia_minidump.xml.bz2", 14, 8, 0, 0),
    Source("wtf", "folder:wikitext_pages/wtf_wikipedia", 36, 28, 6, 1),
    Source("taxa", "folder:wikitext_pages/taxa", 6, 6, 4, 1),
)


@dataclass(frozen=True)
class Ran:
    """A source that was rebuilt, and how that ended."""

    source: Source
    path: Path
    said: Any
    read: int
    articles: int

    def rows(self, name: str) -> list[Row]:
        return [json.loads(line) for line in (self.path / name).open(encoding="utf-8")]

    def asked(self) -> list[Row]:
        """Return all drafts, and the released questions where there are any."""
        final = self.rows("questions.jsonl") if self.said.code == 0 else []
        return self.rows("work/draft.jsonl") + final


@pytest.fixture(scope="module", params=SOURCES, ids=[source.name for source in SOURCES])
def ran(
    request: pytest.FixtureRequest,
    shared_data: Path,
    tmp_path_factory: pytest.TempPathFactory,
    command: Callable[..., Any],
) -> Ran:
    """Rebuild one source with a class for every real article in it."""
    source: Source = request.param
    folder = tmp_path_factory.mktemp(source.name)
    kind, _, path = source.spec.partition(":")
    spec = f"{kind}:{shared_data / path}"
    pages = list(open_source(spec))
    titles = [page.title for page in pages if isinstance(page, RawPage) and not flaw(page)]
    listed = folder / "classes.jsonl"
    lines = {slug(title): {"id": slug(title), "name": title} for title in titles}
    listed.write_text("".join(json.dumps(row) + "\n" for row in lines.values()), encoding="utf-8")
    line = ("rebuild", "--pages", spec, "--classes", listed, "--out", folder / "run", "--json")
    return Ran(source, folder / "run", command(*line), len(pages), len(lines))


def test_it_ends_well_or_with_the_sentence_that_says_why_no_question_is_left(ran: Ran) -> None:
    if ran.said.code == 0:
        assert ran.said.err == ""
        assert ran.said.summary["questions"] == len(ran.rows("questions.jsonl"))
        assert ran.said.summary["questions"] >= max(1, ran.source.questions)
    else:
        assert ran.source.questions == 0
        assert ran.said.code == 2
        (sentence,) = ran.said.err.splitlines()
        assert "no question is left" in sentence
        assert "most often: " in sentence
        assert "give more classes" in sentence
    assert len(ran.rows("work/draft.jsonl")) >= ran.source.drafts


def test_every_page_is_used_or_rejected_with_a_reason(ran: Ran) -> None:
    used = ran.rows("pages.jsonl")
    dropped = [row for row in ran.rows("rejects.jsonl") if row["stage"] == "pages"]
    assert ran.read == ran.source.pages  # the source was read whole
    assert len(used) + len(dropped) == ran.read
    assert len(used) >= ran.source.used
    assert len({row["id"] for row in used}) == len(used)
    assert all(row["reason"] for row in dropped)
    assert {one for row in used for one in row["class_ids"]} <= {slug(row["title"]) for row in used}


def test_every_class_without_a_page_of_use_is_told(ran: Ran) -> None:
    served = {one for row in ran.rows("pages.jsonl") for one in row["class_ids"]}
    short = [row for row in ran.rows("rejects.jsonl") if row["reason"] == "too short"]
    assert len(served) + len(short) == ran.articles


def test_page_texts_hold_no_markup_and_sections_and_facts_fit(ran: Ran) -> None:
    for page in ran.rows("pages.jsonl"):
        text = page["text"]
        assert not re.search(r"\[\[|\{\{|\}\}|<ref|&nbsp;|'''|\{\|", text), page["title"]
        for section in page["sections"]:
            assert 0 <= section["start"] <= section["end"] <= len(text)
        for name, value in page["facts"].items():
            assert f"{name}: {value}" in text


def _texts(row: Row) -> list[str]:
    choices = [one if isinstance(one, str) else one["text"] for one in row["choices"]]
    return [row["question"], row["question_named"], *choices]


def test_no_question_and_no_option_holds_markup(ran: Ran) -> None:
    for row in ran.asked():
        for text in _texts(row):
            assert not MARKUP.search(text), (row["class_name"], text)
            assert text == " ".join(text.split())
            assert text.isprintable()
            assert 0 < len(text) <= 250
        assert len({text.casefold() for text in _texts(row)[2:]}) == 4


def test_every_quote_equals_its_page(ran: Ran) -> None:
    pages = {page["id"]: page for page in ran.rows("pages.jsonl")}
    for row in ran.asked():
        evidence = row["evidence"]
        page = pages[evidence["page"]]
        assert evidence["quote"] == page["text"][evidence["start"] : evidence["end"]] != ""
        assert row["class_id"] in page["class_ids"]
        assert (evidence["url"], evidence["revision_id"]) == (page["url"], page["revision_id"])


def test_every_draft_is_released_or_rejected_once(ran: Ran) -> None:
    drafts = {row["id"] for row in ran.rows("work/draft.jsonl")}
    final = ran.rows("questions.jsonl") if ran.said.code == 0 else []
    released = {row["id"] for row in final}
    lost = Counter(row["input"] for row in ran.rows("rejects.jsonl") if row["input"] in drafts)
    assert set(lost) == drafts - released
    assert set(lost.values()) <= {1}


def test_the_pattern_for_markup_finds_markup_and_leaves_prose_alone() -> None:
    for text in ("[[Lion]]", "{{cvt|3|m}}", "a<br>b", "'''b'''", "x&nbsp;y", "see [3]", "a|b"):
        assert MARKUP.search(text), text
    for text in ("St. Petersburg, Russia", "this object's coat", "90 to 310 kg", "18–23 cm (7 in)"):
        assert not MARKUP.search(text), text
