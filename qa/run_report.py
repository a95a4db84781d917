"""The report of a run: what came out, whether it is any good, and where the files are."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from imagewikiqa.core.files import publish_text
from imagewikiqa.core.records import Item, Judged, Opinion, Page, Question, Reject, Repaired
from imagewikiqa.core.report.markdown import plain
from imagewikiqa.core.report.page import inline_svg, render
from imagewikiqa.qa.audit import AuditSummary
from imagewikiqa.qa.position_bias import PositionBias
from imagewikiqa.qa.run_facts import RunFacts
from imagewikiqa.qa.run_plots import run_plots
from imagewikiqa.qa.run_view import page_context, text_context


def write_report(
    run_dir: Path,
    *,
    title: str,
    questions: Sequence[Question],
    items: Sequence[Item],
    pages: Sequence[Page],
    rejects: Sequence[Reject],
    drafts_count: int,
    judged: Sequence[Judged],
    images_root: Path | None = None,
    lineage: Mapping[str, Any] | None = None,
    audit_summary: AuditSummary | Mapping[str, Any] | None = None,
    sections: Sequence[str] = (),
    bias: Sequence[PositionBias] = (),
    opinions: Sequence[Opinion] = (),
    repaired: Sequence[Repaired] = (),
    notes: Sequence[str] = (),
) -> None:
    """Write report.html, report.md and plots/ below `run_dir`.

    `images_root` is the folder that items' images lie below: the examples then show small copies.
    `lineage` is shown as nested names and values; keep clocks and host paths out of it, then the
    same input gives the same bytes. `audit_summary` is the content of audit.json, whose report
    lies in audit/. `sections` are titles that lead into a section, in words. `notes` are
    sentences about the judges. Raises ToolkitError when the disk refuses.
    """
    facts = RunFacts(
        title=title,
        questions=questions,
        items=items,
        pages=pages,
        rejects=rejects,
        drafts_count=drafts_count,
        judged=judged,
        lineage=lineage or {},
        audit=None if audit_summary is None else AuditSummary.model_validate(audit_summary),
        sections=sections,
        bias=bias,
        opinions=opinions,
        repaired=repaired,
        notes=notes,
    )
    drawn = run_plots(facts)
    figures = [(inline_svg(svg, name, caption), caption) for name, (svg, caption) in drawn.items()]
    for name, (svg, _) in drawn.items():
        publish_text(run_dir / "plots" / f"{name}.svg", svg)
    page = render("qa/run.html", figures=figures, **page_context(facts, images_root))
    text = render("qa/run.md", plots=list(drawn), plain=plain, **text_context(facts))
    publish_text(run_dir / "report.md", text + "\n")
    publish_text(run_dir / "report.html", page)
