"""The audit report shows every text as text, loads nothing, and is the same each time."""

import json
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from imagewikiqa.qa.audit import AuditReport, audit, write_audit
from imagewikiqa.qa.audit.verdicts import GROUPS

SCRIPT = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}"
LONG = "W" * 10_000
WRITTEN = ["audit.json", "findings.jsonl", "plots/guessing.svg", "plots/letters.svg",
           "report.html", "report.md"]  # fmt: skip


class Page(HTMLParser):
    """Every tag, its attributes, and the text that a reader sees."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


def hostile_rows() -> list[dict[str, Any]]:
    return [
        {
            "id": f"q{i}\u202e{SCRIPT}",
            "class_name": SCRIPT if i % 2 else "قطة \u202egnp.exe",
            "question": f"Is it not {SCRIPT} {LONG if i == 0 else ''} {i}?",
            "choices": [f"{SCRIPT}{i}", "javascript:alert(1)", LONG, "None of the above | `x`"],
            "answer": i % 4,
            "evidence": {
                "url": "javascript:alert(1)"
                if i % 4 == 1
                else 'https://example.org/a?b="><script>',
                "quote": SCRIPT,
            },
        }
        for i in range(300)
    ]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> tuple[AuditReport, Path]:
    folder = tmp_path_factory.mktemp("hostile")
    path = folder / "<b>_x_.jsonl"
    lines = [json.dumps(row) for row in hostile_rows()]
    path.write_text("\n".join([*lines, "{torn"]))
    report = audit(path)
    write_audit(report, folder / "out")
    return report, folder / "out"


def test_the_files_of_an_audit_are_all_there(hostile: tuple[AuditReport, Path]) -> None:
    report, out = hostile
    files = sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())
    assert files == WRITTEN
    assert json.loads((out / "audit.json").read_text()) == report.summary.model_dump()
    lines = (out / "findings.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [f.model_dump() for f in report.findings]
    assert len(lines) > 1000


def test_hostile_texts_stay_texts(hostile: tuple[AuditReport, Path]) -> None:
    page = Page((hostile[1] / "report.html").read_text(encoding="utf-8"))
    names = Counter(tag for tag, _ in page.tags)
    assert names["script"] == names["img"] == names["iframe"] == names["object"] == 0
    assert names["table"] > 5
    assert not [a for _, attributes in page.tags for a in attributes if a.startswith("on")]
    assert SCRIPT in page.text
    assert LONG in page.text
    assert "{{ 7*7 }}" in page.text
    assert "\u202e" not in page.text
    assert "[U+202E]" in page.text
    assert "قطة" in page.text


def test_the_page_loads_nothing_and_links_only_to_the_web(
    hostile: tuple[AuditReport, Path],
) -> None:
    source = (hostile[1] / "report.html").read_text(encoding="utf-8")
    page = Page(source)
    policy = [a["content"] for _, a in page.tags if a.get("http-equiv")]
    assert policy == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]
    assert not [a for _, a in page.tags if "src" in a or "srcset" in a]
    assert "@import" not in source
    assert "@font-face" not in source
    links = [(a["href"], a.get("rel")) for tag, a in page.tags if tag == "a"]
    assert "javascript:alert(1)" in page.text
    outside = [link for link in links if not link[0].startswith("#")]
    assert set(outside) == {('https://example.org/a?b="><script>', "noopener noreferrer")}
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    assert {link[1:] for link, _ in links if link.startswith("#")} <= set(ids)


def test_long_lists_are_cut_in_the_page_and_say_so(hostile: tuple[AuditReport, Path]) -> None:
    report, out = hostile
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    assert report.summary.negated == 300
    assert "The first 200 of 300 are shown; all are in findings.jsonl." in page.text


def test_every_check_and_verdict_is_on_the_page_and_in_the_summary(
    hostile: tuple[AuditReport, Path],
) -> None:
    report, out = hostile
    keys = [check.key for group in GROUPS for check in group.checks]
    assert sorted(report.summary.verdicts) == sorted(keys)
    page = Page((out / "report.html").read_text(encoding="utf-8"))
    plain = (out / "report.md").read_text(encoding="utf-8")
    ids = {a["id"] for _, a in page.tags if "id" in a}
    for group in GROUPS:
        for check in group.checks:
            assert check.key in ids
            assert f"| {check.title} | {report.summary.verdicts[check.key]} |" in plain
    assert {f.check for f in report.findings} <= set(keys)
    for verdict in ("leak", "look", "ok", "not checked"):
        assert verdict in page.text


def test_the_plain_report_holds_no_live_markup(hostile: tuple[AuditReport, Path]) -> None:
    plain = (hostile[1] / "report.md").read_text(encoding="utf-8")
    assert plain.startswith("# Audit of \\<b\\>\\_x\\_.jsonl\n")
    assert "<" not in plain.replace("\\<", "")


def test_the_same_file_gives_the_same_bytes(
    hostile: tuple[AuditReport, Path], tmp_path: Path
) -> None:
    report, out = hostile
    write_audit(audit(out.parent / "<b>_x_.jsonl"), tmp_path)
    for name in WRITTEN:
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes(), name
    assert str(out.parent) not in (out / "report.html").read_text()


def test_findings_point_at_their_rows(hostile: tuple[AuditReport, Path]) -> None:
    report, _ = hostile
    torn = [f for f in report.findings if f.check == "unreadable_rows"]
    assert [(f.row, f.question_id) for f in torn] == [(301, None)]
    assert "line 301 is not JSON" in torn[0].detail
    negated = [f.row for f in report.findings if f.check == "negated"]
    assert negated == list(range(1, 301))
