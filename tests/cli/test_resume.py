"""What a second command in the same folder may reuse, and what it must do again."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.cli import job as jobs
from imagewikiqa.cli import page_stage
from imagewikiqa.cli.draft_stage import run_draft
from imagewikiqa.cli.filter_stage import run_filter
from imagewikiqa.cli.settings import RebuildConfig
from imagewikiqa.core.progress import Silent

SETTINGS = RebuildConfig(classes="sample", pages="sample", images="none")
PROSE = "It eats grass, leaves and roots all day long in the wide open land of the north. " * 6
ASKED = "Which zorbish plant does this object eat?"


def reused(out: Path) -> dict[str, tuple[int, int]]:
    """Run up to the verdicts on fourteen classes; return (reused, inputs) of each stage."""
    with jobs.open_job(out, SETTINGS, workers=1, limit=14, progress=Silent()) as job:
        for step in (page_stage.run_pages, run_draft, run_filter):
            step(job)
        return {report.stage: (report.reused, report.inputs) for report in job.reports}


def test_the_same_code_repeats_nothing_and_other_code_repeats_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = reused(tmp_path)
    assert set(first) == {"pages", "facts", "draft", "filter"}
    assert all(count == 0 < inputs for count, inputs in first.values())
    before = (tmp_path / "work" / "filter.jsonl").read_bytes()
    assert all(count == inputs for count, inputs in reused(tmp_path).values())
    for module in (jobs, page_stage):
        monkeypatch.setattr(module, "code_digest", lambda packages: f"other {packages}")
    assert reused(tmp_path) == first
    assert (tmp_path / "work" / "filter.jsonl").read_bytes() == before


def test_more_classes_after_a_limit_give_the_bytes_of_a_run_that_had_them_at_once(
    tmp_path: Path, finished: Path, command: Callable[..., Any]
) -> None:
    out = tmp_path / "run"
    assert command("rebuild", "--sample", "--limit", 5, "--out", out, "--json").code == 0
    assert (out / "manifest.json").read_bytes() != (finished / "manifest.json").read_bytes()
    assert command("rebuild", "--sample", "--limit", 14, "--out", out, "--json").code == 0
    assert (out / "manifest.json").read_bytes() == (finished / "manifest.json").read_bytes()


@pytest.fixture
def three_alike(tmp_path: Path) -> tuple[object, ...]:
    """Return a command about three classes that share a word, which so gives none of them away."""
    names = ["zorbish cat", "zorbish dog", "zorbish crow"]
    (tmp_path / "classes.json").write_text(json.dumps(names), encoding="utf-8")
    (tmp_path / "pages").mkdir()
    for name in names:
        text = f"The {name} is an animal. {PROSE}"
        (tmp_path / "pages" / f"{name}.txt").write_text(text, encoding="utf-8")
    written = {
        "question": ASKED, "choices": ["Grass", "Iron", "Sand", "Wool"], "answer": 0,
        "reference": "It eats grass, leaves and roots all day long",
    }  # fmt: skip
    rule = {"contains": ["zorbish"], "reply": json.dumps({"questions": [written]})}
    (tmp_path / "author.jsonl").write_text(json.dumps(rule), encoding="utf-8")
    return (
        "draft", "--classes", tmp_path / "classes.json", "--pages", f"folder:{tmp_path / 'pages'}",
        "--author", f"scripted:{tmp_path / 'author.jsonl'}", "--json",
    )  # fmt: skip


def test_a_limit_does_not_change_what_is_written_about_the_classes_within_it(
    tmp_path: Path, three_alike: tuple[object, ...], command: Callable[..., Any]
) -> None:
    whole, grown = tmp_path / "whole", tmp_path / "grown"
    assert command(*three_alike, "--out", whole).code == 0
    drafts = (whole / "work" / "draft.jsonl").read_bytes()
    assert drafts.count(ASKED.encode()) == 3
    said = command(*three_alike, "--out", grown, "--limit", 1)
    assert said.code == 0, said.err
    assert (grown / "work" / "draft.jsonl").read_bytes() == drafts.splitlines(keepends=True)[0]
    assert command(*three_alike, "--out", grown).code == 0
    assert (grown / "work" / "draft.jsonl").read_bytes() == drafts


def test_a_page_behind_a_link_that_changed_is_another_run(
    tmp_path: Path, three_alike: tuple[object, ...], command: Callable[..., Any]
) -> None:
    page, behind = tmp_path / "pages" / "zorbish cat.txt", tmp_path / "elsewhere.txt"
    page.rename(behind)
    page.symlink_to(behind)
    assert command(*three_alike, "--out", tmp_path / "run").code == 0
    drafts = (tmp_path / "run" / "work" / "draft.jsonl").read_bytes()
    assert drafts.count(ASKED.encode()) == 3
    behind.write_text(behind.read_text(encoding="utf-8") + "It sleeps.", encoding="utf-8")
    said = command(*three_alike, "--out", tmp_path / "run")
    assert said.code == 2
    assert "the content of pages was" in said.err


def test_a_page_whose_file_name_is_not_utf8_is_rejected_and_the_others_are_used(
    tmp_path: Path, three_alike: tuple[object, ...], command: Callable[..., Any]
) -> None:
    odd = os.fsdecode(os.fsencode(tmp_path / "pages") + b"/odd\xff.txt")
    try:
        Path(odd).write_text("text", encoding="utf-8")
    except OSError:
        pytest.skip("this file system refuses names that are not UTF-8")
    said = command(*three_alike, "--out", tmp_path / "run")
    assert (said.code, said.err) == (0, "")
    assert said.summary["pages"] == said.summary["draft"] == 3
    rejects = (tmp_path / "run" / "work" / "match.rejects.jsonl").read_text(encoding="utf-8")
    assert "file name is not UTF-8" in rejects and "odd\\\\udcff.txt" in rejects
