"""Write an audit: figures, every finding, a page, a plain report and the plots."""

import re
from pathlib import Path

from imagewikiqa.core.files import publish, publish_text
from imagewikiqa.core.report.page import inline_svg, render, visible
from imagewikiqa.core.tables import line_of
from imagewikiqa.qa.audit.records import AuditReport
from imagewikiqa.qa.audit.verdicts import GROUPS
from imagewikiqa.qa.audit.view import figure_text, page_context, plots, tally

FINDINGS = "findings.jsonl"
_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>|#~$!&])")


def write_audit(report: AuditReport, out: Path) -> None:
    """Write audit.json, findings.jsonl, report.html, report.md and plots/ below `out`.

    The same report gives the same bytes. Raises ToolkitError when the disk refuses.
    """
    drawn = plots(report.summary)
    figures = [(inline_svg(svg, name, caption), caption) for name, (svg, caption) in drawn.items()]
    page = render("qa/audit.html", figures=figures, full_list=FINDINGS, **page_context(report))
    publish_text(out / "audit.json", report.summary.model_dump_json(indent=2) + "\n")
    publish(out / FINDINGS, map(line_of, report.findings))
    for name, (svg, _) in drawn.items():
        publish_text(out / "plots" / f"{name}.svg", svg)
    publish_text(out / "report.md", _markdown(report))
    publish_text(out / "report.html", page)


def _markdown(report: AuditReport) -> str:
    """Return the figures as tables; the findings themselves stay in findings.jsonl."""
    summary = report.summary
    counts = ", ".join(f"{n} {verdict}" for verdict, n in tally(summary).items() if n)
    lines = [
        f"# Audit of {_plain(summary.file)}",
        "",
        f"{summary.questions:,} questions in {summary.rows:,} rows, {summary.classes:,} classes,"
        f" {summary.images:,} images; layout: {_plain(summary.layout)}.",
        f"Checks: {counts}. Every finding is in `{FINDINGS}`.",
    ]
    for group in GROUPS:
        lines += ["", f"## {group.title}", "", "| check | verdict | figure |", "|---|---|---|"]
        for check in group.checks:
            verdict = summary.verdicts[check.key]
            lines.append(f"| {check.title} | {verdict} | {figure_text(summary, check.key)} |")
    return "\n".join(lines) + "\n"


def _plain(text: str) -> str:
    """Return a text that Markdown shows as it is, on one line."""
    return _MARKDOWN.sub(r"\\\1", " ".join(str(visible(text)).split()))
