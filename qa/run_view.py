"""A run report as a reader sees it: tiles first, then files, funnel, reasons and examples."""

from pathlib import Path

from imagewikiqa.core.intervals import Interval
from imagewikiqa.core.report.markdown import rate_text
from imagewikiqa.qa.audit.verdicts import GROUPS
from imagewikiqa.qa.audit.view import figure_text, tally
from imagewikiqa.qa.run_examples import examples
from imagewikiqa.qa.run_facts import (
    CONDITIONS,
    RunFacts,
    classes_of_several,
    flat,
    judge_rates,
    kept_count,
    letter_counts,
    pages_without_question,
    per_class,
    reasons,
    shared_pages,
)
from imagewikiqa.qa.run_judges import bias_rows, opinion_counts, repair_text, saving_text
from imagewikiqa.qa.surface import longest_accuracy, shortest_accuracy

SELF_JUDGE = "corpus"  # reads the same pages as the author
Tile = dict[str, str]

FILES = (
    ("questions.jsonl", "the questions, with evidence, author, checks and judgements"),
    ("items.jsonl", "one row per question and image: what a model is asked"),
    ("imagewikiqa.jsonl", "the same rows in the layout of the released ImageWikiQA"),
    ("hub/README.md", "dataset card; load_dataset opens its folder, hub/"),
    ("pages.jsonl", "the pages as clean text, which the evidence points into"),
    ("ATTRIBUTION.tsv", "credit and licence of each quoted page"),
    ("rejects.jsonl", "every dropped record, with stage and reason"),
    ("run.json", "settings, inputs, models, versions and counts of this run"),
    ("manifest.json", "sha256 of every data file"),
    ("report.md", "this report as plain text"),
)
AUDIT_FILE = ("audit/report.html", "the audit, with every finding and its row")


def page_context(facts: RunFacts, images_root: Path | None) -> dict[str, object]:
    """Return the variables of run.html, plots excepted."""
    return {**text_context(facts), "examples": examples(facts, images_root)}


def text_context(facts: RunFacts) -> dict[str, object]:
    """Return the variables that run.html and run.md share."""
    return {
        "title": facts.title,
        "questions": len(facts.questions),
        "items": len(facts.items),
        "classes": len(per_class(facts)),
        "pages": len(facts.pages),
        "licences": sorted({page.license for page in facts.pages}),
        "tiles": _tiles(facts),
        "files": [*FILES[:4], *((AUDIT_FILE,) if facts.audit else ()), *FILES[4:]],
        "steps": _steps(facts),
        "reasons": [(stage, reason, f"{count:,}") for stage, reason, count in reasons(facts)],
        "rejects": len(facts.rejects),
        "judges": _judges(facts),
        "bias": bias_rows(facts),
        "judging": [
            text for text in (saving_text(facts), repair_text(facts), *facts.notes) if text
        ],
        "self_judged": SELF_JUDGE in judge_rates(facts),
        "audit_tally": {} if facts.audit is None else tally(facts.audit),
        "audit_rows": _audit_rows(facts),
        "unasked": [page.title for page in pages_without_question(facts)],
        "shared": shared_pages(facts),
        "several": classes_of_several(facts),
        "sections": facts.sections,
        "lineage": flat(facts.lineage),
    }


def _tiles(facts: RunFacts) -> list[Tile]:
    """Return six tiles or fewer: what is there, then whether it is any good."""
    tiles = [_questions_tile(facts), _classes_tile(facts)]
    if facts.questions:
        letters = letter_counts(facts)
        spread = max(letters.values()) - min(letters.values())
        tiles += [
            {"label": "Right letters differ by",
             "value": f"{spread:,}",
             "note": ", ".join(f"{letter} {count:,}" for letter, count in letters.items()),
             "verdict": "ok" if spread <= 1 else "look"},
            _chance_tile("Longest option is right", longest_accuracy(facts.questions)),
            *_judge_tiles(facts),
            *_audit_tiles(facts),
            _chance_tile("Shortest option is right", shortest_accuracy(facts.questions)),
        ]  # fmt: skip
    return tiles[:6]


def _questions_tile(facts: RunFacts) -> Tile:
    images = len({item.image for item in facts.items if item.image})
    note = f"{len(facts.items):,} rows, {f'{images:,}' if images else 'no'} images"
    tile = {"label": "Questions", "value": f"{len(facts.questions):,}", "note": note}
    return tile if facts.questions else {**tile, "verdict": "look"}


def _classes_tile(facts: RunFacts) -> Tile:
    sizes = per_class(facts).values()
    with_page = len({name for page in facts.pages for name in page.class_ids})
    each = f"; {min(sizes)} to {max(sizes)} questions each" if sizes else ""
    note = f"of {with_page:,} with a page{each}"
    return {"label": "Classes with questions", "value": f"{len(sizes):,}", "note": note}


def _chance_tile(label: str, rate: Interval) -> Tile:
    note = f"95% interval {100 * rate.low:.1f} to {100 * rate.high:.1f}; chance is 25"
    value = f"{100 * rate.estimate:.1f}%"
    return {"label": label, "value": value, "note": note,
            "verdict": "ok" if rate.holds(0.25) else "leak"}  # fmt: skip


def _judge_tiles(facts: RunFacts) -> list[Tile]:
    """Return the first judge's rates; the corpus judge's is never called an accuracy."""
    for judge, found in judge_rates(facts).items():
        named, blind = found["with_name"].estimate, found["without_name"].estimate
        own = judge == SELF_JUDGE
        return [{
            "label": "Self-consistency of the corpus judge" if own else f"{judge} with the name",
            "value": f"{100 * named:.1f}%",
            "note": f"right with the class name; {100 * blind:.1f}% without it"
            + (". No accuracy: it reads the author's pages" if own else ""),
        }]  # fmt: skip
    return []


def _audit_tiles(facts: RunFacts) -> list[Tile]:
    if facts.audit is None:
        return []
    counts = tally(facts.audit)
    found = ", ".join(f"{counts[verdict]} {verdict}" for verdict in ("leak", "look"))
    worst = "leak" if counts["leak"] else "look" if counts["look"] else "ok"
    checked = sum(counts.values()) - counts["not checked"]
    note = f"{found}, {counts['not checked']} not checked"
    return [{"label": "Audit checks passed", "value": f"{counts['ok']} of {checked}",
             "note": note, "verdict": worst}]  # fmt: skip


def _steps(facts: RunFacts) -> list[dict[str, object]]:
    pages = len(facts.pages)
    steps = [{"label": "Drafts written", "count": facts.drafts_count, "note": f"{pages:,} pages"}]
    if facts.judged:
        steps.append({"label": "Kept by the filter", "count": kept_count(facts), "note": ""})
    if facts.opinions:
        counts = dict(opinion_counts(facts))
        others = ", ".join(f"{n:,} {verdict}" for verdict, n in list(counts.items())[1:])
        steps[-1]["count"] = len(facts.opinions)
        supported = {"label": "Key supported by the evidence", "count": counts.get("supported", 0)}
        steps.append({**supported, "note": others})
    note = f"{len(facts.items):,} rows"
    return [*steps, {"label": "In the set", "count": len(facts.questions), "note": note}]


def _judges(facts: RunFacts) -> list[tuple[str, ...]]:
    return [
        (judge, *(rate_text(found[c]) if c in found else "not asked" for c in CONDITIONS))
        for judge, found in judge_rates(facts).items()
    ]


def _audit_rows(facts: RunFacts) -> list[tuple[str, str, str]]:
    """Return the checks that found something: title, verdict, figure; leaks first."""
    audit = facts.audit
    if audit is None:
        return []
    rows = [
        (check.title, str(audit.verdicts[check.key]), figure_text(audit, check.key))
        for group in GROUPS
        for check in group.checks
        if audit.verdicts[check.key] in ("leak", "look")
    ]
    return sorted(rows, key=lambda row: row[1])
