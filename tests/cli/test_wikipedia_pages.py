"""`rebuild` takes its pages from a wiki, pins them, and needs neither wiki nor contact again."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagewikiqa.builders.sample import read_sample, sample_classes
from imagewikiqa.core.runs import verify_manifest
from tests.builders.wiki.action_api import Site
from tests.builders.wiki.site_pages import SitePage
from tests.builders.wiki.strict_server import StrictServer
from tests.cli.conftest import Command

CONTACT = "operator@lab.test"
CLASSES = 14


@pytest.fixture
def wiki() -> Iterator[StrictServer]:
    """Serve the sample's articles as a wiki, under the titles of their classes."""
    titles = {entry.id: entry.titles[0] for entry in sample_classes()}
    pages = [
        SitePage(
            page_id=number, title=titles[page.class_id or ""], revision_id=9000 + number,
            wikitext=page.wikitext,
        )
        for number, page in enumerate(read_sample(), 1)
    ]  # fmt: skip
    with StrictServer(Site(pages)) as server:
        yield server


@pytest.fixture
def options(wiki: StrictServer, tmp_path: Path) -> list[object]:
    """Return the options that lead a rebuild to the wiki of this test."""
    return [
        "rebuild", "--classes", "sample", "--limit", CLASSES, "--wiki-api", wiki.api,
        "--cache", tmp_path / "cache", "--json",
    ]  # fmt: skip


def test_pages_come_from_the_wiki_by_default_and_a_finished_run_asks_nothing_more(
    wiki: StrictServer, options: list[object], tmp_path: Path, command: Command
) -> None:
    out = tmp_path / "run"
    said = command(*options, "--contact", CONTACT, "--out", out)
    assert said.code == 0, said.err
    assert said.summary["pages"] == CLASSES
    assert said.summary["questions"] >= 10
    assert wiki.record.violations == []
    asked = len(wiki.record.seen)
    before = (out / "manifest.json").read_bytes()
    assert command(*options, "--out", out).code == 0  # without a contact
    assert len(wiki.record.seen) == asked
    assert (out / "manifest.json").read_bytes() == before
    assert verify_manifest(out) == []


def test_every_question_names_the_revision_that_was_pinned(
    options: list[object], tmp_path: Path, command: Command
) -> None:
    out = tmp_path / "run"
    assert command(*options, "--contact", CONTACT, "--out", out).code == 0
    pins = [json.loads(line) for line in (out / "pins.jsonl").read_text().splitlines()]
    pinned = {pin["page_id"]: pin["revision_id"] for pin in pins}
    questions = (out / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    for question in map(json.loads, questions):
        evidence = question["evidence"]
        assert pinned[evidence["page_id"]] == evidence["revision_id"]
    assert "pins.jsonl" in json.loads((out / "manifest.json").read_text())["files"]


def test_somebody_elses_pins_give_the_same_pages_and_questions(
    wiki: StrictServer, options: list[object], tmp_path: Path, command: Command
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert command(*options, "--contact", CONTACT, "--out", first).code == 0
    for page in [*wiki.site.revisions.values()]:  # the wiki moves on
        newer = SitePage(
            page_id=page.page_id, title=page.title, revision_id=page.revision_id + 500,
            wikitext="Nothing of the old text is left.",
        )  # fmt: skip
        wiki.site.titles[page.title] = newer
    options[options.index("--cache") + 1] = tmp_path / "other cache"
    pins = f"pins:{first / 'pins.jsonl'}"
    said = command(*options, "--contact", CONTACT, "--pages", pins, "--out", second)
    assert said.code == 0, said.err
    for name in ("pages.jsonl", "questions.jsonl", "items.jsonl", "pins.jsonl"):
        assert (first / name).read_bytes() == (second / name).read_bytes(), name


def test_a_title_that_leads_into_a_section_is_told_in_the_run_and_its_report(
    wiki: StrictServer, options: list[object], tmp_path: Path, command: Command
) -> None:
    title = sample_classes()[0].titles[0]
    wiki.site.move(title, "Something wider", revision_id=7, page_id=70_000)
    wiki.site.titles[title] = SitePage(
        page_id=70_000, title=title, revision_id=7,
        wikitext="#REDIRECT [[Something wider#One part]]",
    )  # fmt: skip
    out = tmp_path / "run"
    assert command(*options, "--contact", CONTACT, "--out", out).code == 0
    told = f"{title} (Something wider § One part)"
    assert json.loads((out / "run.json").read_text("utf-8"))["titles_into_sections"] == [told]
    report = (out / "report.html").read_text("utf-8")
    assert "1 title leads into a section" in report and told in report


def test_the_contact_is_written_nowhere(
    options: list[object], tmp_path: Path, command: Command
) -> None:
    assert command(*options, "--contact", CONTACT, "--out", tmp_path / "run").code == 0
    for file in tmp_path.rglob("*"):
        if file.is_file():
            assert CONTACT.encode() not in file.read_bytes(), file


def test_without_a_contact_nothing_is_asked_and_the_sentence_says_what_to_give(
    wiki: StrictServer, options: list[object], tmp_path: Path, command: Command
) -> None:
    said = command(*options, "--out", tmp_path / "run")
    assert said.code == 2
    assert re.search(r"without a contact: give --contact .*e-mail", said.err), said.err
    assert wiki.record.seen == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (["--contact", "me"], "neither an e-mail address nor a web page"),
        (["--contact", "me@example.com"], "placeholder that reaches nobody"),
        (["--contact", CONTACT, "--language", "Klingon!"], "no language of Wikipedia"),
        (["--contact", CONTACT, "--pages", "pins:nowhere.jsonl"], "there is no file nowhere.jsonl"),
        (["--pages", f"pins:{__file__}"], "test_wikipedia_pages.py line 1 is not a Pin"),
        (["--contact", CONTACT, "--pages", "wiki"], "unknown source of pages 'wiki'"),
    ],
)
def test_what_cannot_be_asked_is_one_sentence(
    options: list[object], tmp_path: Path, command: Command, changes: list[str], sentence: str
) -> None:
    said = command(*options, *changes, "--out", tmp_path / "run")
    assert said.code == 2
    assert sentence in said.err
    assert "Traceback" not in said.err
