"""The audit report as a reader sees it: tiles, sections, tables and plots from the figures."""

from collections import defaultdict
from collections.abc import Sequence

from imagewikiqa.core.intervals import Interval
from imagewikiqa.core.report.plots import bar_chart, interval_chart
from imagewikiqa.qa.audit.records import (
    Accuracy,
    AuditReport,
    AuditRow,
    AuditSummary,
    Finding,
    Verdict,
)
from imagewikiqa.qa.audit.verdicts import GROUPS, CheckInfo

SHOWN = 200  # findings per check in the page; all are in findings.jsonl
PAIRS = frozenset(
    {
        "near_duplicate_pairs_across_classes",
        "near_duplicate_pairs_within_class",
        "like_questions_and_choices_across_classes",
    }
)
# What a count is out of, where that is not the questions.
ROWS = frozenset(
    {
        "wrong_or_disputed_images",
        "duplicate_rows",
        "unreadable_rows",
        "items_and_questions_disagree",
    }
)
TILES = (
    ("longest_option", "Longest option right"),
    ("surface_model", "Blind guesser right"),
    ("name_in_answer", "Name in the right option"),
    ("evidence_shared_across_classes", "Shared evidence texts"),
    ("wrong_or_disputed_images", "Wrong or disputed images"),
)


def page_context(report: AuditReport) -> dict[str, object]:
    """Return the variables of audit.html, plots excepted."""
    summary = report.summary
    by_check: dict[str, list[Finding]] = defaultdict(list)
    for item in report.findings:
        by_check[item.check].append(item)
    return {
        "summary": summary,
        "tally": tally(summary),
        "tiles": _tiles(summary),
        "groups": [
            {
                "key": group.key,
                "title": group.title,
                "checks": [_check(check, summary, by_check[check.key]) for check in group.checks],
            }
            for group in GROUPS
        ],
        "letters": [
            (letter, f"{summary.letters[letter]:,}", f"{summary.letters_questions[letter]:,}")
            for letter in summary.letters
        ],
        "examples": [_card(example.row, example.checks) for example in report.examples],
    }


def plots(summary: AuditSummary) -> dict[str, tuple[str, str]]:
    """Return each plot's name, SVG and caption."""
    counts = summary.letters_questions
    rates = (summary.longest_option, summary.shortest_option, summary.surface_model)
    labels = ("Longest option", "Shortest option", "Blind guesser")
    intervals = [Interval(estimate=r.accuracy, low=r.low, high=r.high, n=r.n) for r in rates]
    chance = summary.longest_option.chance
    return {
        "letters": (
            bar_chart(list(counts), list(counts.values()), "questions", summary.questions * chance),
            "How often each letter is right, over questions. Dashed: equal shares.",
        ),
        "guessing": (
            interval_chart(labels, intervals, "right, % of questions", chance),
            "How often three guessers that see no image are right, with 95% intervals clustered"
            " by class. Dashed: chance.",
        ),
    }


def tally(summary: AuditSummary) -> dict[Verdict, int]:
    """Return how many checks came out at each verdict."""
    order: tuple[Verdict, ...] = ("leak", "look", "ok", "not checked")
    given = list(summary.verdicts.values())
    return {verdict: given.count(verdict) for verdict in order}


def summary_lines(summary: AuditSummary) -> list[str]:
    """Return an audit as lines for a terminal: what was read, then every check, worst first."""
    counts = ", ".join(f"{letter} {count:,}" for letter, count in summary.letters_questions.items())
    checks = [check for group in GROUPS for check in group.checks]
    width = max(len(check.title) for check in checks)
    return [
        f"{summary.file}: {summary.questions:,} questions in {summary.rows:,} rows, "
        f"{summary.classes:,} classes, {summary.images:,} images; layout: {summary.layout}",
        f"right letters of the questions: {counts}",
        ", ".join(f"{count} {verdict}" for verdict, count in tally(summary).items() if count),
        *(
            f"{verdict:<11}  {check.title:<{width}}  {figure_text(summary, check.key)}"
            for verdict in tally(summary)
            for check in checks
            if summary.verdicts[check.key] == verdict
        ),
    ]


def figure_text(summary: AuditSummary, key: str) -> str:
    """Return a check's figure in words: a share with its interval, a count, or 'not checked'."""
    if key == "letters":
        share = 100 * summary.max_frequency_questions
        return f"The most frequent letter is right in {share:.1f}% of questions"
    value = getattr(summary, key)
    if value is None:
        return "not checked"
    if isinstance(value, Accuracy):
        low, high = 100 * value.low, 100 * value.high
        return f"{100 * value.accuracy:.1f}% ({low:.1f} to {high:.1f}) of {value.n:,} questions"
    return f"{value:,}{_out_of(summary, key)}"


def _out_of(summary: AuditSummary, key: str) -> str:
    if key == "evidence_shared_across_classes":
        return f" texts, cited by {summary.evidence_shared_questions:,} questions"
    if key == "wrong_or_disputed_images":
        empty = f"{summary.images_without_valid_label:,} of them have no valid label"
        return f" of {summary.images_checked:,} rows; {empty}"
    if key == "images_shared_by_questions":
        return f" of {summary.images:,} images"
    if key in PAIRS:
        return " pairs"
    return f" of {summary.rows:,} rows" if key in ROWS else f" of {summary.questions:,} questions"


def _tiles(summary: AuditSummary) -> list[dict[str, object]]:
    tiles: list[dict[str, object]] = [
        {"label": "Questions", "value": f"{summary.questions:,}",
         "note": f"{summary.rows:,} rows, {summary.classes:,} classes, {summary.images:,} images"},
    ]  # fmt: skip
    for key, label in TILES:
        value, note = getattr(summary, key), ""
        if isinstance(value, Accuracy):
            shown = f"{100 * value.accuracy:.1f}%"
            note = (
                f"{100 * value.low:.1f} to {100 * value.high:.1f}; chance {100 * value.chance:.1f}"
            )
        elif value is None:
            shown = "–"
        else:
            shown = f"{value:,}"
            note = (
                figure_text(summary, key).removeprefix(shown).split(";")[0].removeprefix(" texts,")
            )
        tiles.append(
            {"label": label, "value": shown, "note": note, "verdict": summary.verdicts[key]}
        )
    return tiles


def _check(check: CheckInfo, summary: AuditSummary, found: Sequence[Finding]) -> dict[str, object]:
    listed = [(item.row, item.question_id or "", item.detail) for item in found]
    ids = any(identity for _, identity, _ in listed)
    return {
        "key": check.key,
        "title": check.title,
        "means": check.means,
        "verdict": summary.verdicts[check.key],
        "figure": figure_text(summary, check.key),
        "total": len(listed),
        "heads": ("Row", "Question", "What was found") if ids else ("Row", "What was found"),
        "rows": [row if ids else (row[0], row[2]) for row in listed[:SHOWN]],
    }


def _card(row: AuditRow, checks: Sequence[str]) -> dict[str, object]:
    titles = {check.key: check.title for group in GROUPS for check in group.checks}
    return {
        "heading": f"Row {row.row}, {row.class_name or row.class_id or 'no class'}",
        "question": row.question,
        "choices": row.choices,
        "answer": row.answer,
        "quote": row.evidence,
        "url": row.evidence_url,
        "source": "the page it cites",
        "notes": [titles[check] for check in checks],
    }
